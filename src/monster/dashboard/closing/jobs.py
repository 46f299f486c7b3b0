"""Background work about whole tenants. Every handler may run twice and must not act twice."""

from datetime import timedelta

from monster.contracts.tokens import Permission
from monster.dashboard.closing import service
from monster.dashboard.closing.schemas import DeleteTenant, PassOnState
from monster.dashboard.engine_client import Caller, EngineUnavailable, HttpEngine
from monster.dashboard.identity.scope import Scope
from monster.kit import jobs, tenancy
from monster.kit.db import SessionMaker

# After this long no token from before is good any more, and no request from before is on its way.
LATER = timedelta(minutes=6)

_PATIENCE = 600  # seconds; a tenant may have much


async def pass_on_state(sessions: SessionMaker, engine: HttpEngine, args: PassOnState) -> None:
    """As it is now, not as it was when the job was written: the order of two does not matter."""
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        suspended = await service.is_suspended(session, Scope.system(args.tenant_id))
    if suspended is not None:
        await engine.call(_errand(args), "PUT", "/v1/tenant", json={"suspended": suspended})


async def delete_tenant(sessions: SessionMaker, engine: HttpEngine, args: DeleteTenant) -> None:
    """Twice: at once, leaving the tenant closed in the engine; and later what came in meanwhile."""
    closed = {} if args.last else {"closed": "true"}
    path = "/v1/tenant"
    await engine.call(_errand(args), "DELETE", path, params=closed, timeout=_PATIENCE)
    async with tenancy.transaction(sessions, args.tenant_id) as session:
        if not args.last:
            again = DeleteTenant(tenant_id=args.tenant_id, last=True)
            await jobs.defer(session, again, after=LATER)
        elif not await service.sweep(session, Scope.system(args.tenant_id)):
            raise EngineUnavailable("a worker still does one of its jobs")


def _errand(args: PassOnState | DeleteTenant) -> Caller:
    return Caller(args.tenant_id, None, frozenset({Permission.TENANT_WRITE}))
