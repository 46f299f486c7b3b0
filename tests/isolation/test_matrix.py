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
    "engine:PUT /v1/agents/{agent_id} body:tools.0.tool_factory_id": "looked up when it is used",
    "engine:PUT /v1/agents/{agent_id} body:tools.0.credential_id": "looked up when it is used",
    "engine:DELETE /v1/agents/{agent_id} path:agent_id": "buries the caller's own copy, if any",
    "engine:GET /v1/conversations query:agent_id": "a filter: of no agent, no conversation",
    "engine:GET /v1/audit query:user_id": "a filter: of nobody here, no line",
    "dashboard:GET /api/audit query:user_id": "a filter: of nobody here, no line",
    "dashboard:GET /api/audit/export query:user_id": "a filter: of nobody here, no line",
    "dashboard:GET /audit query:person": "a filter: of nobody here, no line",
    "dashboard:GET /agents/new query:folder": "what a form begins with; judged when it is sent",
    "dashboard:GET /folders/new query:parent": "what a form begins with; judged when it is sent",
    "dashboard:GET /sign-in/sso/{slug} query:provider": "if it is none of those, one chooses again",
    "dashboard:POST /agents/{agent_id}/knowledge/detach body:index_id": "not attached: stays so",
    "dashboard:GET /chat/threads query:current": "marks one of the caller's own",
    "dashboard:GET /conversations/{conversation_id} query:run": "a position in the conversation",
}

# What needs somebody else, who does not answer here.
OUTSIDE = {"dashboard:GET /sign-in/sso/{slug}"}

_FRESH = re.compile(r'\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{32}|"version":\d+')

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
        content=request.content,
        json=request.json,
        data=dict(request.form) if request.form else None,
        files=dict(request.files) if request.files else None,
        headers={"Accept": "text/html"} if request.form is not None else {},
    )


def ids(operation: Operation, world: World, **instead: str) -> Mapping[Field, str]:
    """Each field with an id of its kind."""
    known: dict[Field, str] = {}
    for field in operation.fields:
        kind = kind_of(operation, field)
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


# Every way in: as a person (or a directory), and with an API key.
ASKED = [
    *(pytest.param(one, False, id=str(one)) for one in TAKEN),
    *(pytest.param(one, True, id=f"{one} by key") for one in TAKEN if one.service == "engine"),
]


@pytest.mark.parametrize(("operation", "by_key"), ASKED)
async def test_what_is_another_companys_does_not_exist(
    operation: Operation, *, by_key: bool, both: tuple[World, World]
) -> None:
    ours, theirs = both
    if any(place.startswith(f"{operation} ") for place in NO_REFERENCE):
        theirs = await worlds.settle(Tenant(theirs.tenant.dashboard, theirs.tenant.engine))
    before = worlds.state(ours)
    stranger = theirs.program() if by_key else theirs.stranger(operation)
    for field in operation.fields:
        foreign = ours.ids[kind_of(operation, field)] if not field.is_cursor else ours.ids["run"]
        unknown = str(new_id())
        mine = dict(ids(operation, theirs))
        answer = await send(stranger, operation.request(mine | {field: foreign}, theirs.values))
        other = await send(stranger, operation.request(mine | {field: unknown}, theirs.values))

        place = f"{operation} {field}"
        _nothing_leaks(ours, answer, foreign, place)
        if field.is_cursor:
            assert answer.status_code in {200, *REFUSED}, place
            continue
        assert _blind(answer, foreign) == _blind(other, unknown), place
        if place not in NO_REFERENCE:
            assert answer.status_code in REFUSED | _also(operation, field), place
    assert worlds.state(ours) == before


def _also(operation: Operation, field: Field) -> set[int]:
    """A form says it at its field; SCIM knows only that a value is wrong."""
    if field.place != "body":
        return set()
    return {422} if operation.is_page else {400} if "/scim/" in operation.path else set()


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
    await own.ready(operation)
    answer = await send(own.keeper(operation), operation.request(ids(operation, own), own.values))
    assert answer.status_code < 500 or str(operation) in OUTSIDE, answer.text
    assert answer.status_code not in {401, 403, 404, 405, 422}, answer.text[:3000]
