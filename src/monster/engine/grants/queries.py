"""All SQL about grants and the attempts to get one. Every function starts from the scope."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from monster.engine.access.scope import Scope
from monster.engine.credentials.models import Credential
from monster.engine.grants.models import OAuthFlow


def _this(scope: Scope, credential_id: uuid.UUID) -> ColumnElement[bool]:
    return and_(Credential.tenant_id == scope.tenant_id, Credential.id == credential_id)


async def claim(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, lasting: timedelta
) -> bool:
    """Of all that try at once, one gets it; it lapses by itself."""
    free = or_(Credential.refreshing_until.is_(None), Credential.refreshing_until < func.now())
    ours = update(Credential).where(_this(scope, credential_id), free)
    ours = ours.values(refreshing_until=func.now() + lasting).returning(Credential.id)
    return await session.scalar(ours) is not None


async def lock(session: AsyncSession, scope: Scope, credential_id: uuid.UUID) -> Credential | None:
    """Until the end of the transaction; None if it is gone."""
    row = select(Credential).where(_this(scope, credential_id)).with_for_update()
    return await session.scalar(row)


async def save(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, values: Mapping[str, object]
) -> Credential | None:
    changed = update(Credential).where(_this(scope, credential_id)).values(**values)
    return await session.scalar(changed.returning(Credential))


async def add_flow(session: AsyncSession, scope: Scope, values: Mapping[str, object]) -> None:
    session.add(OAuthFlow(tenant_id=scope.tenant_id, user_id=scope.user_id, **values))
    await session.flush()


async def forget_flows(
    session: AsyncSession, scope: Scope, credential_id: uuid.UUID, state_hash: bytes
) -> None:
    """Those that are too old, and the one that another takes the place of."""
    over = or_(OAuthFlow.expires_at < func.now(), OAuthFlow.state_hash == state_hash)
    mine = and_(OAuthFlow.tenant_id == scope.tenant_id, OAuthFlow.credential_id == credential_id)
    await session.execute(delete(OAuthFlow).where(mine, over))


def _flow(scope: Scope, state_hash: bytes) -> ColumnElement[bool]:
    """The caller's own."""
    return and_(
        OAuthFlow.tenant_id == scope.tenant_id,
        OAuthFlow.user_id == scope.user_id,
        OAuthFlow.state_hash == state_hash,
    )


async def take_flow(session: AsyncSession, scope: Scope, state_hash: bytes) -> OAuthFlow | None:
    """Of all that come with it, one gets it."""
    gone = delete(OAuthFlow).where(_flow(scope, state_hash))
    return await session.scalar(gone.returning(OAuthFlow))


async def lock_flow(
    session: AsyncSession, scope: Scope, state_hash: bytes, now: datetime
) -> OAuthFlow | None:
    row = select(OAuthFlow).where(_flow(scope, state_hash), OAuthFlow.expires_at > now)
    return await session.scalar(row.with_for_update())


async def save_flow(
    session: AsyncSession, scope: Scope, flow_id: uuid.UUID, sealed: bytes, key_version: int
) -> None:
    mine = and_(OAuthFlow.tenant_id == scope.tenant_id, OAuthFlow.id == flow_id)
    changed = update(OAuthFlow).where(mine).values(sealed=sealed, key_version=key_version)
    await session.execute(changed)
