"""Every operation of both services, every field that takes an id: what belongs to another company
does not exist. New operations join by themselves; one that cannot be asked here fails."""

import re
from collections.abc import Mapping

import httpx
import pytest
from fastapi import FastAPI

from monster.kit.ids import new_id
from tests.builders import Tenant
from tests.isolation import world as worlds
from tests.isolation.operations import OPERATIONS, Field, Operation, Request
from tests.isolation.world import World, kind_of

# Where another's id is no reference at all, and why. All are held to the rest: an id that is
# somebody else's is answered exactly as one that is nobody's, nothing leaks, nothing changes.
NO_REFERENCE = {
    "engine:PUT /v1/agents/{agent_id} path:agent_id": "names the caller's own copy, made by this",
    "engine:PUT /v1/agents/{agent_id} body:user_id": "whose the agent is, as the dashboard knows",
    "engine:PUT /v1/agents/{agent_id} body:credential_id": "looked up when it is used",
    "engine:PUT /v1/agents/{agent_id} body:knowledge.indexes": "looked up when it is used",
    "engine:DELETE /v1/agents/{agent_id} path:agent_id": "buries the caller's own copy, if any",
    "engine:GET /v1/conversations query:agent_id": "a filter: of no agent, no conversation",
    "dashboard:POST /agents/{agent_id}/knowledge/detach body:index_id": "not attached: stays so",
    "dashboard:GET /chat/threads query:current": "marks one of the caller's own",
    "dashboard:GET /conversations/{conversation_id} query:run": "a position in the conversation",
}

_FRESH = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{32}")

REFUSED = {403, 404}
TAKEN = [operation for operation in OPERATIONS if operation.fields]

_settled: dict[str, tuple[World, World]] = {}


@pytest.fixture
async def both(
    request: pytest.FixtureRequest, two_tenants: tuple[Tenant, Tenant]
) -> tuple[World, World]:
    """One pair for all operations: whatever one of them changes is found by the next look."""
    walls = str(request.node.callspec.params["two_tenants"])
    if walls not in _settled:
        first, second = two_tenants
        _settled[walls] = (await worlds.settle(first), await worlds.settle(second))
    return _settled[walls]


async def send(client: httpx.AsyncClient, request: Request) -> httpx.Response:
    return await client.request(
        request.method,
        request.url,
        params=dict(request.params),
        json=request.json,
        data=dict(request.form) if request.form else None,
        files=dict(request.files) if request.files else None,
        headers={"Accept": "text/html"} if request.form is not None else {},
    )


def ids(operation: Operation, world: World, **instead: str) -> Mapping[Field, str]:
    """Each field with an id of its kind."""
    known: dict[Field, str] = {}
    for field in operation.fields:
        kind = kind_of(field.name)
        if field.is_cursor:
            continue
        assert kind in world.ids, f"{operation} takes a {kind}: give the world one of them"
        known[field] = instead.get(str(field), world.ids[kind])
    return known


def test_there_is_something_to_check() -> None:
    assert len(OPERATIONS) > 60
    assert len(TAKEN) > 40


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_form_is_known(operation: Operation) -> None:
    assert not operation.takes_unknown_form, "say in tests/isolation/forms.py what it is sent"


def test_every_exception_is_one() -> None:
    places = {f"{operation} {field}" for operation in TAKEN for field in operation.fields}
    assert NO_REFERENCE.keys() <= places


@pytest.mark.parametrize("operation", TAKEN, ids=str)
async def test_what_is_another_companys_does_not_exist(
    operation: Operation, both: tuple[World, World]
) -> None:
    ours, theirs = both
    if any(place.startswith(f"{operation} ") for place in NO_REFERENCE):
        theirs = await worlds.settle(Tenant(theirs.tenant.dashboard, theirs.tenant.engine))
    before = worlds.state(ours)
    stranger = theirs.client(operation.service)
    for field in operation.fields:
        foreign = ours.ids[kind_of(field.name)] if not field.is_cursor else ours.ids["run"]
        unknown = str(new_id())
        mine = dict(ids(operation, theirs))
        answer = await send(stranger, operation.request(mine | {field: foreign}))
        other = await send(stranger, operation.request(mine | {field: unknown}))

        place = f"{operation} {field}"
        _nothing_leaks(ours, answer, foreign, place)
        if field.is_cursor:
            assert answer.status_code in {200, *REFUSED}, place
            continue
        assert _blind(answer, foreign) == _blind(other, unknown), place
        if place not in NO_REFERENCE:
            form = operation.is_page and field.place == "body"
            assert answer.status_code in REFUSED | ({422} if form else set()), place
    assert worlds.state(ours) == before


def _nothing_leaks(ours: World, answer: httpx.Response, sent: str, place: str) -> None:
    shown = (answer.text + str(answer.headers)).replace(sent, "")
    assert not [trace for trace in ours.traces() if trace in shown], place


def _blind(answer: httpx.Response, sent: str) -> tuple[int, str]:
    """The answer without what may differ: the id that was sent, the time, names made up here."""
    return answer.status_code, _FRESH.sub("", answer.text.replace(sent, "ID"))


@pytest.mark.parametrize("operation", TAKEN, ids=str)
async def test_what_is_ones_own_does(
    operation: Operation, dashboard: FastAPI, engine: FastAPI
) -> None:
    """Without this a request that is refused for another reason would pass for a wall."""
    own = await worlds.settle(Tenant(dashboard, engine))
    answer = await send(own.client(operation.service), operation.request(ids(operation, own)))
    assert answer.status_code < 500, answer.text
    assert answer.status_code not in {401, 403, 404, 405, 422}, answer.text[:3000]
