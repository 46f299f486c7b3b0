"""What is done for accounts in the background. All of it may be done twice."""

from monster.dashboard.accounts import service
from monster.dashboard.identity.schemas import TellLocked
from monster.dashboard.mail import service as mail
from monster.dashboard.mail.schemas import Letter
from monster.kit import tenancy
from monster.kit.db import SessionMaker


async def tell_locked(sessions: SessionMaker, args: TellLocked) -> None:
    async with tenancy.outside(sessions) as session:
        await mail.post(session, Letter.LOCKED, args.user_id)


async def sweep(sessions: SessionMaker) -> None:
    """Once an hour."""
    async with tenancy.outside(sessions) as session:
        await service.sweep(session)
