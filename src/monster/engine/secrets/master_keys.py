"""What a place that has master keys must be able to do."""

import uuid
from typing import Protocol

from monster.engine.secrets.schemas import Wrapped


class MasterKeys(Protocol):
    """`place` is for people, without a secret. Of those that are not `local` each call is a request
    to somewhere else, and may raise KeysUnreachable. What is wrapped is bound to its tenant."""

    @property
    def place(self) -> str: ...

    @property
    def local(self) -> bool: ...

    @property
    def newest(self) -> str:
        """The fingerprint of the one that wraps."""
        ...

    def opens(self, fingerprint: str) -> bool:
        """Whether it has this one, as far as it knows without asking."""
        ...

    async def wrap(self, tenant_id: uuid.UUID, raw: bytes) -> Wrapped: ...

    async def unwrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> bytes:
        """Raises CannotOpen."""
        ...

    async def rewrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> Wrapped:
        """One that it opens, under the newest. Raises CannotOpen."""
        ...
