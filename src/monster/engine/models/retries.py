"""A model that is asked again as long as that may help and nothing has been said yet."""

import asyncio
import random
from dataclasses import dataclass

from monster.engine.models.protocol import Model, ModelError, OnText, Reply, Request


@dataclass(frozen=True, slots=True)
class Patient:
    """Waits as long as the provider asks for, else a little longer each time. In seconds."""

    model: Model
    attempts: int = 3
    pause: float = 0.5
    longest_pause: float = 20.0

    async def reply(self, request: Request, on_text: OnText) -> Reply:
        for attempt in range(1, self.attempts):
            try:
                return await self.model.reply(request, on_text)
            except ModelError as error:
                if not error.again:
                    raise
                await asyncio.sleep(self._wait(attempt, error.retry_after))
        return await self.model.reply(request, on_text)

    def _wait(self, attempt: int, retry_after: float) -> float:
        backoff = self.pause * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 (no secret)
        return min(max(backoff, retry_after), self.longest_pause)
