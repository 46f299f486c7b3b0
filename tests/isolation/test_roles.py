"""Every operation that changes something, asked by a viewer of the same company: refused, unless it
is on the list. New operations join by themselves."""

import pytest
from fastapi import FastAPI

from monster.dashboard.identity.scope import Scope
from monster.dashboard.permissions import Role
from tests.builders import Tenant
from tests.isolation import world as worlds
from tests.isolation.operations import OPERATIONS, Operation
from tests.isolation.test_matrix import ids, send
from tests.isolation.world import World

# What whoever belongs to a company may do, or whoever comes to the door.
EVERYONE = {
    "POST /api/sessions": "signs in",
    "POST /sign-in": "signs in",
    "POST /sign-out": "signs out",
    "DELETE /api/sessions/current": "signs out",
    "POST /chat/{agent_id}/runs": "talks to an agent",
    "POST /chat/runs/{run_id}/cancel": "stops an answer to oneself",
    "POST /conversations/{conversation_id}/rename": "one's own",
    "POST /conversations/{conversation_id}/delete": "one's own",
    "POST /v1/agents/{agent_id}/runs": "talks to an agent",
    "POST /v1/runs/{run_id}/cancel": "stops an answer to oneself",
    "POST /v1/conversations": "begins one's own",
    "PATCH /v1/conversations/{conversation_id}": "one's own",
    "DELETE /v1/conversations/{conversation_id}": "one's own",
    "POST /v1/indexes/{index_id}/search": "reads",
}

CHANGES = [operation for operation in OPERATIONS if operation.method != "GET"]


def _key(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def test_the_list_names_operations() -> None:
    assert EVERYONE.keys() <= {_key(operation) for operation in CHANGES}


@pytest.fixture(scope="module")
async def company(dashboard: FastAPI, engine: FastAPI) -> World:
    return await worlds.settle(Tenant(dashboard, engine))


@pytest.mark.parametrize(
    "operation", [one for one in CHANGES if _key(one) not in EVERYONE], ids=str
)
async def test_a_viewer_changes_nothing(operation: Operation, company: World) -> None:
    tenant = company.tenant
    if operation.service == "engine":
        viewer = Scope(tenant.id, tenant.user_id, Role.VIEWER)
        client = tenant.caller(*viewer.caller.permissions)
    else:
        client = tenant.member("viewer")
    before = worlds.state(company)

    answer = await send(client, operation.request(ids(operation, company)))

    assert answer.status_code == 403, answer.text[:500]
    assert worlds.state(company) == before
