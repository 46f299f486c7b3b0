"""Text that has been said and is not stored yet: stored a bit later, for many runs at once."""

import asyncio
import logging
import uuid
from collections import defaultdict
from dataclasses import dataclass, field

import psycopg

from monster.engine.runs.journal import Journal, store_texts
from monster.engine.runs.schemas import Claim
from monster.kit.pool import Pool

logger = logging.getLogger(__name__)

_COALESCE = 0.05  # seconds that text waits for more before it is stored


@dataclass(slots=True)
class Texts:
    pool: Pool
    claim: Claim
    _unstored: dict[uuid.UUID, Journal] = field(default_factory=dict[uuid.UUID, Journal])
    _there: asyncio.Event = field(default_factory=asyncio.Event)

    def came(self, journal: Journal) -> None:
        self._unstored[journal.run.id] = journal
        self._there.set()

    async def store(self) -> None:
        """For ever."""
        while True:
            await self._there.wait()
            await asyncio.sleep(_COALESCE)
            self._there.clear()
            journals, self._unstored = self._unstored, {}
            tenants: defaultdict[uuid.UUID, list[Journal]] = defaultdict(list)
            for journal in journals.values():
                if not journal.feed.closed:
                    tenants[journal.scope.tenant_id].append(journal)
            for some in tenants.values():
                try:
                    await store_texts(self.pool, self.claim, some)
                except psycopg.Error:
                    logger.exception("texts wait to be stored with what comes next")
