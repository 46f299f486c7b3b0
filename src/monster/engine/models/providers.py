"""All providers that take a key, behind one pool of guarded connections for all tenants."""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import aiohttp

from monster.engine.models import offers
from monster.engine.models.offers import Offer
from monster.engine.models.openai_wire import OpenAIWire
from monster.engine.models.protocol import Model
from monster.engine.models.retries import Patient
from monster.kit import outbound
from monster.kit.addresses import Guard

if TYPE_CHECKING:
    from monster.engine.models.sdk import Vendors

_ACCOUNTS = 500  # that are kept: it takes 40 ms to make one
_HOME = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
}
SYSTEMS = frozenset(_HOME)


@dataclass(frozen=True, slots=True)
class Account:
    """What a request to a provider needs; `base_url` None is the provider's own."""

    system: str
    base_url: str | None
    key: str = field(repr=False)

    @property
    def url(self) -> str:
        return self.base_url or _HOME[self.system]


class Providers:
    """Used only while `opened`."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._loading = asyncio.Lock()
        self._http: aiohttp.ClientSession | None = None
        self._vendors: Vendors | None = None
        self._made: dict[Account, Model] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with outbound.session(self._guard) as self._http:
            yield
        if self._vendors:
            await self._vendors.http.aclose()

    @property
    def http(self) -> aiohttp.ClientSession:
        assert self._http, "not opened"
        return self._http

    async def model(self, account: Account) -> Model:
        if account.system == "openai":
            return Patient(OpenAIWire(self.http, account.url, account.key))
        if account not in self._made:
            vendors = await self._load()
            if len(self._made) >= _ACCOUNTS:
                self._made.clear()
            model = vendors.model(account.system, account.url, account.key)
            self._made[account] = Patient(model)
        return self._made[account]

    async def offer(self, account: Account) -> Offer:
        """Raises ModelError."""
        return await offers.ask(self.http, account.system, account.url, account.key)

    async def _load(self) -> "Vendors":
        """Imported when first needed, in a thread: it takes seconds, and 90 MB for good."""
        async with self._loading:
            if self._vendors is None:
                sdk = await asyncio.to_thread(importlib.import_module, "monster.engine.models.sdk")
                self._vendors = cast("Vendors", sdk.Vendors(self._guard))
            return self._vendors
