"""What is found, by whom, and how it is shown in its place."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from monster.engine.access.scope import Scope
from monster.engine.knowledge import service
from monster.engine.runs.tools import CallContext, Tool, ToolOutput
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.tools.knowledge_search import knowledge_search
from monster.kit import tenancy
from monster.kit.embedded import Embedded
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.builders import Tenant
from tests.knowledge import keeper, make_index, search, upload, work

QUESTIONS = {
    "How much vacation do I get?": "Holidays",  # no word in common
    "receipts": "Expenses",
    "Where can guests put their vehicle?": "Parking",
}


async def guide(tenant: Tenant, engine: FastAPI, postgres: Embedded, **index: str) -> str:
    caller = keeper(tenant)
    index_id = await make_index(caller, **index)
    await upload(caller, index_id)
    await work(postgres, engine)
    return index_id


async def test_the_right_passage_comes_first(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    index = await guide(tenant, engine, postgres)
    for question, heading in QUESTIONS.items():
        found = await search(keeper(tenant), index, question)
        assert found[0]["place"] == heading, question
        scores = [one["score"] for one in found]
        assert scores == sorted(scores, reverse=True)
        assert 0 <= scores[-1] <= scores[0] <= 1


async def test_a_search_costs_four_statements(
    tenant: Tenant, engine: FastAPI, postgres: Embedded, statements: Statements
) -> None:
    index = await guide(tenant, engine, postgres)
    with statements.exactly(4):  # the tenant, the index, how to scan, both retrievers at once
        assert await search(keeper(tenant), index, "receipts")


@pytest.mark.parametrize(
    "query", ["the", "?", "'", "\\", "a\\'b | c & !d <-> :*", "http://x.y/?a='1'&b=\\", "é" * 4000]
)
async def test_no_question_is_an_error(
    tenant: Tenant, engine: FastAPI, postgres: Embedded, query: str
) -> None:
    index = await guide(tenant, engine, postgres)
    found = await search(keeper(tenant), index, f"{query[:3990]} receipts")
    assert found[0]["place"] == "Expenses" or query == "é" * 4000
    await search(keeper(tenant), index, query)


async def test_a_word_of_the_title_is_enough(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    await upload(caller, index, "Thirty days.", "a.txt", title="Zanzibar")
    await upload(caller, index, "Forty days.", "b.txt", title="Ushuaia")
    await work(postgres, engine)
    assert (await search(caller, index, "zanzibar"))[0]["text"] == "Thirty days."


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, "Lamp › Bulb"),  # the first heading is the title
        ({"title": "  the  BOOK "}, "Lamp › Bulb"),
        ({"title": "Manual"}, "The book › Lamp › Bulb"),
    ],
)
async def test_a_place_does_not_repeat_the_title(
    tenant: Tenant, engine: FastAPI, postgres: Embedded, fields: dict[str, str], place: str
) -> None:
    caller = keeper(tenant)
    index = await make_index(caller)
    await upload(caller, index, "# The book\n\n## Lamp\n\n### Bulb\n\nIt is yellow.", **fields)
    await work(postgres, engine)
    assert (await search(caller, index, "yellow"))[0]["place"] == place


async def test_a_passage_is_shown_in_its_place(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    caller = keeper(tenant)
    index = await guide(tenant, engine, postgres)
    first = (await search(caller, index, "receipts"))[0]
    shown = (await caller.get(f"/v1/passages/{first['chunk_id']}")).json()
    assert shown["index_name"] == "Handbook"
    assert (shown["title"], shown["place"]) == ("Guide", "Expenses")
    assert shown["before"].startswith("# Guide\n\n## Holidays")
    assert shown["text"] == first["text"]
    assert shown["after"].startswith("## Parking")


def context(
    tenant: Tenant, indexes: list[str], numbers: Iterator[int], *, somebody: bool = True
) -> CallContext:
    user_id = tenant.user_id if somebody else None
    scope = Scope(tenant.id, "run", frozenset(), user_id)

    def reserve(wanted: int) -> int:
        return next(iter([next(numbers) for _ in range(wanted)]), 0)

    spec = {"knowledge": {"indexes": indexes}}
    return CallContext(scope, spec, new_id(), new_id(), new_id(), reserve)


async def use(tool: Tool, where: CallContext, **arguments: Any) -> tuple[list[Any], ToolOutput]:  # noqa: ANN401
    output = await tool.call(arguments, where)
    return json.loads(output.content), output


async def test_an_agent_cites_what_it_finds(
    tenant: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    tool = knowledge_search(engine.state.sessions, engine.state.embedder)
    where = context(tenant, [await guide(tenant, engine, postgres)], count(7))

    shown, output = await use(tool, where, query="receipts", limit=2)
    assert [one["source"] for one in shown] == [7, 8]
    assert shown[0]["place"] == output.sources[0]["place"] == "Expenses"
    assert output.sources[0]["number"] == 7
    url = f"/v1/passages/{output.sources[0]['chunk_id']}"
    assert (await keeper(tenant).get(url)).json()["text"] == shown[0]["text"]
    again, _ = await use(tool, where, query="parking")
    assert again[0]["source"] == 9


async def test_an_agent_finds_what_its_person_may_see(
    two_tenants: tuple[Tenant, Tenant], postgres: Embedded
) -> None:
    tenant, other = two_tenants
    engine = tenant.engine
    tool = knowledge_search(engine.state.sessions, engine.state.embedder)
    private = await guide(tenant, engine, postgres, scope="private")
    shared = await guide(tenant, engine, postgres, name="Shared")
    foreign = await guide(other, engine, postgres)

    for indexes, somebody, found in [
        ([private, shared, foreign, str(new_id())], True, 6),
        ([private, shared, foreign], False, 3),
        ([private], False, 0),
        ([foreign], True, 0),
        ([], True, 0),
    ]:
        shown, _ = await use(
            tool, context(tenant, indexes, count(1), somebody=somebody), query="receipts"
        )
        assert len(shown) == found


@pytest.mark.parametrize(
    "arguments", [{}, {"query": ""}, {"query": 3}, {"query": "a", "limit": 99}, {"q": "a"}]
)
async def test_bad_arguments_are_explained_to_the_model(
    tenant: Tenant, engine: FastAPI, arguments: dict[str, Any]
) -> None:
    tool = knowledge_search(engine.state.sessions, engine.state.embedder)
    with pytest.raises(ToolFailed, match=r"the argument '(query|limit|q)' is not right"):
        await tool.call(arguments, context(tenant, [], count(1)))


async def test_row_security_alone_hides_passages_of_others(
    tenant: Tenant, other: Tenant, engine: FastAPI, postgres: Embedded
) -> None:
    """The search of one tenant inside the transaction of another: nothing."""
    index = await guide(tenant, engine, postgres)
    question = await service.ask(engine.state.embedder, "receipts", 5)
    scope = Scope(tenant.id, "run", frozenset(), tenant.user_id)
    for who, found in ((tenant, 3), (other, 0)):
        async with tenancy.transaction(engine.state.sessions, who.id) as session:
            passages = await service.search_for_agent(session, scope, [UUID(index)], question)
        assert len(passages) == found
