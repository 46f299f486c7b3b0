"""Every operation that changes something leaves a line in the audit log, unless it is on the list.
New operations join by themselves."""

import uuid

import psycopg
import pytest
from fastapi import FastAPI

from tests.builders import Tenant, owner_conninfo
from tests.isolation import world as worlds
from tests.isolation.operations import OPERATIONS, Operation
from tests.isolation.test_matrix import ids, send
from tests.isolation.world import World

# Changing methods that change nothing, or nothing that is not written down elsewhere.
_MAILED = "sends a link; what happens when it is used is written down"
_READS = "reads"
NOT_WRITTEN = {
    "POST /chat/{agent_id}/runs": "a run is its own record",
    "POST /v1/agents/{agent_id}/runs": "a run is its own record",
    "POST /v1/indexes/{index_id}/search": _READS,
    "POST /v1/mcp_servers/{mcp_server_id}/register": "of whom nobody answers, nothing becomes",
    "POST /settings/mcp/{mcp_server_id}/register": "of whom nobody answers, nothing becomes",
    "POST /v1/tool_factories/openapi/preview": _READS,
    "POST /api/registrations": _MAILED,
    "POST /api/password-resets": _MAILED,
    "POST /api/profile/email": _MAILED,
    "POST /register": _MAILED,
    "POST /forgot": _MAILED,
    "POST /settings/profile/email": _MAILED,
    "POST /api/factors/totp": "counts for nothing until its first code comes",
    "POST /settings/security/totp/begin": "counts for nothing until its first code comes",
    "POST /api/factors/passkeys/options": "says what a new passkey has to sign",
    "POST /api/sessions/second-factor/passkey/options": "says what a passkey has to sign",
    "POST /v1/credentials/{credential_id}/authorize": "counts for nothing until somebody agrees",
    "POST /connections/{credential_id}/authorize": "counts for nothing until somebody agrees",
    "POST /connections/{credential_id}/device/poll": "written down once somebody has agreed",
    "POST /v1/credentials/{credential_id}/device/poll": "written down once somebody has agreed",
    "POST /scim/v2/.search": _READS,
    "POST /scim/v2/Users/.search": _READS,
    "POST /scim/v2/Groups/.search": _READS,
    "DELETE /v1/tenant": "its log goes with it; the dashboard keeps in the platform's that it was",
    "POST /v1/system/jobs/{job_id}/retry": "the dashboard, which asks, writes it down",
}

CHANGES = [operation for operation in OPERATIONS if operation.method != "GET"]


def test_the_list_names_operations() -> None:
    assert NOT_WRITTEN.keys() <= {operation.key for operation in CHANGES}


def _lines(world: World) -> set[uuid.UUID]:
    """Of all: who is unknown belongs to no company, and some go to another one."""
    found = set[uuid.UUID]()
    for app in (world.tenant.dashboard, world.tenant.engine):
        with psycopg.connect(owner_conninfo(app)) as owner:
            found |= {row[0] for row in owner.execute("select id from audit_log")}
    return found


@pytest.mark.parametrize(
    "operation", [one for one in CHANGES if one.key not in NOT_WRITTEN], ids=str
)
async def test_what_changes_something_is_written_down(
    operation: Operation, dashboard: FastAPI, engine: FastAPI
) -> None:
    own = await worlds.settle(Tenant(dashboard, engine))
    await own.ready(operation)
    client = own.keeper(operation)
    before = _lines(own)

    answer = await send(client, operation.request(ids(operation, own), own.values))

    assert answer.status_code < 500, answer.text[:500]
    assert _lines(own) - before, f"{answer.status_code}: {answer.text[:500]}"
