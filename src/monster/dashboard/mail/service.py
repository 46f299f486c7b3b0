"""Posts letters: the request that causes one only writes down that it is to be sent."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from monster.dashboard.mail.schemas import Letter, SendMail
from monster.kit import jobs
from monster.kit.audit import PLATFORM


async def post(session: AsyncSession, letter: Letter, about: uuid.UUID) -> None:
    """Sent if the transaction commits, by the worker. `about`: a `one_time_token`, or a `user`."""
    await jobs.defer(session, SendMail(tenant_id=PLATFORM, letter=letter, about=about))
