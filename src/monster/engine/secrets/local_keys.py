"""Master keys that this process holds: from a setting, or from a file that may change meanwhile."""

import logging
import os
import uuid
from pathlib import Path

from monster.engine.secrets.schemas import Wrapped
from monster.kit import crypto
from monster.kit.crypto import BadMasterKey, CannotOpen, MasterKey

logger = logging.getLogger(__name__)


class SetKeys:
    """As the setting has them; the first wraps, all open."""

    place = "MONSTER_MASTER_KEY"
    local = True

    def __init__(self, text: str) -> None:
        """Raises BadMasterKey."""
        self._keys = crypto.parse_master_keys(text)

    @property
    def newest(self) -> str:
        return self._keys[0].fingerprint

    def fingerprints(self) -> list[str]:
        return [key.fingerprint for key in self._keys]

    def opens(self, fingerprint: str) -> bool:
        return self._find(fingerprint) is not None

    async def wrap(self, tenant_id: uuid.UUID, raw: bytes) -> Wrapped:
        newest = self._keys[0]
        return Wrapped(newest.fingerprint, newest.wrap(tenant_id, raw))

    async def unwrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> bytes:
        key = self._find(wrapped.fingerprint)
        if key is None:
            raise CannotOpen(f"{self.place} has no master key {wrapped.fingerprint}")
        return key.unwrap_raw(tenant_id, wrapped.text)

    async def rewrap(self, tenant_id: uuid.UUID, wrapped: Wrapped) -> Wrapped:
        return await self.wrap(tenant_id, await self.unwrap(tenant_id, wrapped))

    def _find(self, fingerprint: str) -> MasterKey | None:
        return next((key for key in self._keys if key.fingerprint == fingerprint), None)


class FileKeys(SetKeys):
    """One in a line, newest first. It is looked at again before a key is made, and when a wrapped
    key names a master key that was not in it: so it can be rotated while processes run."""

    def __init__(self, path: Path) -> None:
        """Raises BadMasterKey, OSError."""
        self.place = str(path)
        self._path = path
        self._seen = self._state()
        super().__init__(path.read_text(encoding="utf-8"))

    @property
    def newest(self) -> str:
        self._look_again()
        return super().newest

    async def wrap(self, tenant_id: uuid.UUID, raw: bytes) -> Wrapped:
        self._look_again()
        return await super().wrap(tenant_id, raw)

    def _find(self, fingerprint: str) -> MasterKey | None:
        found = super()._find(fingerprint)
        if found is None and self._look_again():
            found = super()._find(fingerprint)
        return found

    def _look_again(self) -> bool:
        """Whether there is something new. What cannot be read is as if it had not changed."""
        try:
            state = self._state()
            if state == self._seen:
                return False
            self._keys = crypto.parse_master_keys(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, BadMasterKey) as error:
            logger.warning("the master keys in %s cannot be read again: %s", self._path, error)
            return False
        self._seen = state
        return True

    def _state(self) -> tuple[int, int, int]:
        found = os.stat(self._path)  # noqa: PTH116 (says what is asked of the system)
        return found.st_ino, found.st_mtime_ns, found.st_size
