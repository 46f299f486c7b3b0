"""What turns text into vectors is to the rest of the engine."""

from collections.abc import Sequence
from typing import Protocol


class EmbedderUnavailable(Exception):
    """There is no model, and no way to get one now. The message says what to do about it."""


class Embedder(Protocol):
    """`name` is kept with what was embedded: vectors of two models do not compare."""

    name: str
    dimensions: int

    async def ready(self) -> bool:
        """Load the model if that has not happened. False, and a warning, if there is none."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text. Raises EmbedderUnavailable before `ready`."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text. Raises EmbedderUnavailable."""
        ...
