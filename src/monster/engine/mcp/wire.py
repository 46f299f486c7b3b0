"""How a server is connected, whichever way."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mcp.client._transport import TransportStreams

from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.factory import TokenSource


class Wire(Protocol):
    """How a server is connected. `status` is the latest refusal of HTTP, `failed` why there is no
    token, `last_words` what a program said before it ended."""

    source: TokenSource | None
    status: int
    failed: ToolFailed | None
    last_words: str

    def streams(self) -> AbstractAsyncContextManager[TransportStreams]: ...
