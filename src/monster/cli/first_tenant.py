"""Makes the first tenant with its owner, who is a platform admin; a job then makes the Guide."""

import asyncio

from monster.cli import admin
from monster.cli.installation import Installation
from monster.dashboard import database
from monster.dashboard.welcome import service
from monster.kit import db


def create(installation: Installation, password: str) -> None:
    asyncio.run(_create(installation, password))


async def _create(installation: Installation, password: str) -> None:
    engine = db.make_engine(installation.app_url(database.NAME).get_secret_value(), pool_size=1)
    try:
        sessions = db.make_sessions(engine)
        await service.first_tenant(sessions, installation.settings.admin_email, password)
    finally:
        await engine.dispose()
    await admin.first(installation, installation.settings.admin_email)
