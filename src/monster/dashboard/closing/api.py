"""JSON endpoint for the end of the workspace one works in."""

from fastapi import APIRouter

from monster.dashboard.closing import service
from monster.dashboard.closing.errors import NameDiffers
from monster.dashboard.closing.schemas import DeleteWorkspace
from monster.dashboard.identity.scope import CurrentScope, Transaction
from monster.dashboard.permissions import Can

router = APIRouter(prefix="/workspace", tags=["workspace"])


@router.delete("", status_code=204)
async def delete_workspace(
    data: DeleteWorkspace, scope: CurrentScope, session: Transaction
) -> None:
    """With everything in it. `name` must be its name."""
    scope.require(Can.DELETE)
    if data.name != scope.shell.tenant_name:
        raise NameDiffers("this is not the name of the workspace", field="name")
    await service.delete_tenant(session, scope)
