"""Every operation that changes something leaves a line in the audit log, unless it is on the list.
New operations join by themselves."""

import psycopg
import pytest
from fastapi import FastAPI

from tests.builders import Tenant, owner_conninfo
from tests.isolation import world as worlds
from tests.isolation.operations import OPERATIONS, Operation
from tests.isolation.test_matrix import ids, send
from tests.isolation.world import World

# Changing methods that change nothing, or nothing that is not written down elsewhere.
NOT_WRITTEN = {
    "POST /chat/{agent_id}/runs": "a run is its own record",
    "POST /v1/agents/{agent_id}/runs": "a run is its own record",
    "POST /v1/indexes/{index_id}/search": "reads",
}

CHANGES = [operation for operation in OPERATIONS if operation.method != "GET"]


def _key(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def test_the_list_names_operations() -> None:
    assert NOT_WRITTEN.keys() <= {_key(operation) for operation in CHANGES}


def _lines(world: World) -> int:
    """Of this company, and of the platform: who is unknown belongs to no company."""
    count = 0
    for app in (world.tenant.dashboard, world.tenant.engine):
        with psycopg.connect(owner_conninfo(app)) as owner:
            query = "select count(*) from audit_log where tenant_id in (%s, %s)"
            platform = "00000000-0000-0000-0000-000000000000"
            row = owner.execute(query, [world.tenant.id, platform]).fetchone()
            assert row
            count += row[0]
    return count


@pytest.mark.parametrize(
    "operation", [one for one in CHANGES if _key(one) not in NOT_WRITTEN], ids=str
)
async def test_what_changes_something_is_written_down(
    operation: Operation, dashboard: FastAPI, engine: FastAPI
) -> None:
    own = await worlds.settle(Tenant(dashboard, engine))
    client = own.client(operation.service)
    before = _lines(own)

    answer = await send(client, operation.request(ids(operation, own)))

    assert answer.status_code < 500, answer.text[:500]
    assert _lines(own) > before, f"{answer.status_code}: {answer.text[:500]}"
