"""Calls that wait for a person: approved, denied, and by whom; what was in doubt; what is not
connected."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from monster.contracts.tokens import Permission
from monster.engine.runs.schemas import Limits
from monster.kit.ids import new_id
from monster.kit.testing import Statements
from tests.approvals import PERSON, Waits, person, rows, wait, wait_in
from tests.builders import Tenant, client
from tests.engine.test_api_keys import make, new_contact, publish_shared, spent
from tests.process import FACTORY
from tests.processes import World, world_to_act_upon
from tests.talk import PERMISSIONS, Script, publish, text_of

DONE = {"text": "done"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with world_to_act_upon() as there:
        yield there


def asking(world: World, *tools: str) -> Script:
    """One reply that calls them all, and the end."""
    return [{"calls": [[tool, {"url": world.url}] for tool in tools or ("always",)]}, DONE]


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_what_is_approved_acts_once_as_it_was_shown(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world))
    assert (waits.run["reason"], world.keys) == ("approval", [])
    assert waits.call["arguments"] == f'{{"url":"{world.url}"}}'
    assert (waits.call["tool"], waits.call["effect"]) == ("always", "write")

    answer = await waits.answer(waits.said("approve", note="as agreed"))

    assert answer.status_code == 200
    assert answer.json()["status"] == "running"
    run = await waits.end()
    assert (run["status"], run["response"], run["waiting"]) == ("completed", "done ", [])
    assert world.keys == [waits.call["call"]]
    query = "select status, approved_by, note, result from tool_call where id = %s"
    assert rows(tenant, query, waits.call["call"]) == [
        ("done", tenant.user_id, "as agreed", "seen")
    ]


async def test_the_events_of_one_run_go_on_in_order(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world, "always", "look"))
    before = await waits.events()
    await waits.approve()
    after = await waits.events()

    assert [event.type for event in before] == [
        "run.started",
        "message.completed",
        "tool.call",
        "tool.call",
        "tool.approval_requested",
        "tool.result",  # of the one that needs nobody
        "run.waiting",
    ]
    assert after[: len(before)] == before
    assert [event.type for event in after[len(before) :] if event.type != "message.delta"] == [
        "run.resumed",
        "tool.result",
        "message.completed",
        "run.completed",
    ]
    cursors = [event.cursor for event in after]
    assert cursors == sorted(set(cursors))
    asked, ended = before[4].data, before[-1].data
    shown = {key: waits.call[key] for key in ("call", "tool", "arguments", "arguments_hash")}
    assert asked == {"id": before[2].data["id"], "effect": "write", **shown}
    assert ended["waiting"] == waits.run["waiting"]


async def test_what_is_denied_never_acts_and_the_model_hears_why(
    tenant: Tenant, world: World
) -> None:
    waits = await wait(tenant, asking(world))

    assert (await waits.answer(waits.said("deny", note=" not on Fridays "))).status_code == 200

    assert (await waits.end())["status"] == "completed"
    assert world.keys == []
    (result,) = await waits.results()
    assert result["content"] == (
        "A person did not allow this call, so nothing was done. They say: not on Fridays"
    )
    assert (result["failed"], result["origin"]) == (True, "user")


async def test_only_what_was_shown_can_be_approved(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world))
    for other in ("0" * 64, ""):
        answer = await waits.answer(waits.said("approve", arguments_hash=other))
        assert error(answer) == (409, "arguments_changed")

    assert (await waits.now())["status"] == "waiting"
    assert world.keys == []
    await waits.approve()
    assert (await waits.end())["status"] == "completed"


async def test_of_two_answers_at_once_one_wins(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world))
    said = [waits.said("approve"), waits.said("deny")] * 3

    answers = await asyncio.gather(*(waits.answer(one) for one in said))

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    refused = {error(answer) for answer in answers if answer.status_code == 409}
    assert refused == {(409, "already_answered")}
    assert (await waits.end())["status"] == "completed"
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 200)
    assert len(world.keys) == (1 if said[won]["decision"] == "approve" else 0)


async def test_a_run_waits_until_all_are_answered(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world, "always", "always", "look"))
    assert len(world.keys) == 1  # the one that needs nobody

    first = await waits.answer(waits.said("approve"))

    assert first.json()["status"] == "waiting"
    still = await waits.now()
    assert [one["call"] for one in still["waiting"]] == [waits.run["waiting"][1]["call"]]
    assert len(world.keys) == 1
    assert error(await waits.answer(waits.said("deny"))) == (409, "already_answered")
    second = await waits.answer(waits.said("deny", 1))
    assert second.json()["status"] == "running"
    assert (await waits.end())["status"] == "completed"
    assert len(world.keys) == 2


async def test_answers_to_different_calls_at_once_are_all_heard(
    tenant: Tenant, world: World
) -> None:
    """Each of them would see the other's call open, if they did not queue."""
    for _ in range(5):
        waits = await wait(tenant, asking(world, "always", "always", "always"))
        said = [waits.answer(waits.said("approve", n)) for n in range(3)]
        answers = await asyncio.gather(*said)
        assert sorted(a.json()["status"] for a in answers) == ["running", "waiting", "waiting"]
        assert (await waits.end())["status"] == "completed"
    assert len(world.keys) == 15


async def test_all_answers_are_taken_or_none(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world, "always", "always"))
    bad = waits.said("approve", 1, arguments_hash="0")

    assert error(await waits.answer(waits.said("approve"), bad)) == (409, "arguments_changed")

    assert len((await waits.now())["waiting"]) == 2
    both = await waits.answer(waits.said("approve"), waits.said("approve", 1))
    assert both.json()["status"] == "running"
    assert (await waits.end())["status"] == "completed"


async def test_reads_never_ask(tenant: Tenant, world: World) -> None:
    caller = person(tenant, await publish(tenant, asking(world, "read_always")))
    assert (await caller.ask_json("go"))["status"] == "completed"


async def test_an_idempotent_tool_that_acts_asks_too(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world, "always_put"))
    assert world.keys == []
    await waits.approve()
    assert (await waits.end())["status"] == "completed"


async def test_who_may_not_answer(two_tenants: tuple[Tenant, Tenant], world: World) -> None:
    tenant, other = two_tenants
    waits = await wait(tenant, asking(world))
    everything = (*PERSON, Permission.RUNS_APPROVE_OTHERS)
    strangers = {
        "another tenant": (other.caller(*everything), 404, "run_not_found"),
        "another person": (tenant.caller(*everything, user_id=new_id()), 404, "run_not_found"),
        "without permission": (tenant.caller(*PERMISSIONS), 403, "forbidden"),
    }
    for who, (http, status, code) in strangers.items():
        assert error(await waits.answer(waits.said("approve"), by=http)) == (status, code), who
        listed = await http.get("/v1/approvals")
        assert listed.status_code == 403 or listed.json() == [], who

    assert (await waits.now())["status"] == "waiting"
    assert world.keys == []


async def test_programs_never_approve_not_even_their_own(tenant: Tenant, world: World) -> None:
    agent_id = await publish_shared(tenant, asking(world))
    contact = await new_contact(tenant)
    for made in (await make(tenant), await make(tenant, contact_id=contact)):
        program = person(tenant, agent_id)
        program.http = client(tenant.engine, made["key"])
        waits = await wait_in(program)
        assert error(await waits.answer(waits.said("approve"))) == (403, "forbidden")
        assert (await program.http.get("/v1/approvals")).status_code == 403
    assert world.keys == []


async def test_a_contacts_call_is_decided_by_who_looks_after_contacts(
    tenant: Tenant, world: World
) -> None:
    agent_id = await publish_shared(tenant, asking(world))
    made = await make(tenant, contact_id=await new_contact(tenant))
    program = person(tenant, agent_id)
    program.http = client(tenant.engine, made["key"])
    waits = await wait_in(program)
    member = tenant.caller(*PERSON, user_id=new_id())
    keeper_id = new_id()
    keeper = tenant.caller(*PERSON, Permission.RUNS_APPROVE_OTHERS, user_id=keeper_id)

    assert error(await waits.answer(waits.said("approve"), by=member)) == (404, "run_not_found")
    assert (await member.get("/v1/approvals")).json() == []
    (listed,) = (await keeper.get("/v1/approvals")).json()
    assert listed["run_id"] == waits.run["id"]
    assert listed["contact_id"]
    assert listed["user_id"] is None
    assert (await waits.answer(waits.said("approve"), by=keeper)).status_code == 200

    assert (await waits.end())["status"] == "completed"
    assert len(world.keys) == 1
    query = "select approved_by from tool_call where id = %s"
    assert rows(tenant, query, waits.call["call"]) == [(keeper_id,)]


async def test_the_list_of_what_waits_has_pages(tenant: Tenant, world: World) -> None:
    caller = person(tenant, await publish(tenant, asking(world)))
    waiting = [await wait_in(caller) for _ in range(3)]
    newest = [one.run["id"] for one in reversed(waiting)]

    first = (await caller.http.get("/v1/approvals", params={"limit": 2})).json()
    params = {"before": first[-1]["run_id"], "limit": 2}
    second = (await caller.http.get("/v1/approvals", params=params)).json()

    assert [one["run_id"] for one in (*first, *second)] == newest
    assert (first[0]["agent"], first[0]["message"], first[0]["title"]) == ("Scout", "go", "go")
    assert first[0]["waiting"] == waiting[-1].run["waiting"]
    assert first[0]["user_id"] == str(tenant.user_id)
    await waiting[-1].approve()
    await waiting[-1].end()
    left = (await caller.http.get("/v1/approvals")).json()
    assert [one["run_id"] for one in left] == newest[1:]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"answers": [{"call": str(new_id()), "decision": "approve"}]}, 404, "call_not_found"),
    ({"answers": [{"call": "x", "decision": "approve"}]}, 422, "invalid"),
    ({"answers": [{"call": str(new_id()), "decision": "perhaps"}]}, 422, "invalid"),
    ({"answers": [{"call": str(new_id()), "decision": "deny", "note": "\0"}]}, 422, "invalid"),
    ({"answers": [{"call": str(new_id()), "decision": "deny"}] * 101}, 422, "invalid"),
    ({}, 422, "invalid"),
    ({"answers": []}, 409, "already_answered"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD)
async def test_bad_answers_are_named(
    tenant: Tenant, world: World, body: dict[str, Any], status: int, code: str
) -> None:
    waits = await wait(tenant, asking(world))
    answer = await waits.caller.http.post(f"{waits.url}/answers", json=body)
    assert error(answer) == (status, code)
    assert (await waits.now())["waiting"] == waits.run["waiting"]


async def test_a_call_of_another_run_is_not_found(tenant: Tenant, world: World) -> None:
    waits, other = await wait(tenant, asking(world)), await wait(tenant, asking(world))
    assert error(await waits.answer(other.said("approve"))) == (404, "call_not_found")
    twice = await waits.answer(waits.said("approve"), waits.said("deny"))
    assert error(twice) == (422, "answered_twice")
    assert error(await waits.answer(waits.said("confirm"))) == (409, "not_in_doubt")


async def test_a_run_that_is_over_takes_no_answer(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world))
    await waits.approve()
    await waits.end()
    assert error(await waits.answer(waits.said("approve"))) == (409, "already_answered")
    assert error(await waits.answer()) == (409, "already_answered")
    assert len(world.keys) == 1


async def test_a_waiting_run_can_be_cancelled(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world))
    assert (await waits.caller.http.post(f"{waits.url}/cancel")).status_code == 202
    run = await waits.end()
    assert (run["status"], run["waiting"], world.keys) == ("cancelled", [], [])
    assert error(await waits.answer(waits.said("approve"))) == (409, "already_answered")


async def test_cancel_and_approve_at_once_end_well(
    tenant: Tenant, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the machine takes for it."""
    monkeypatch.setattr(tenant.engine.state.runs, "limits", Limits())
    for _ in range(10):
        waits = await wait(tenant, asking(world))
        cancel = waits.caller.http.post(f"{waits.url}/cancel")
        answer, _ = await asyncio.gather(waits.answer(waits.said("approve")), cancel)
        assert answer.status_code in {200, 409}, answer.text
        run = await waits.end()
        while run["status"] in {"running", "waiting"}:  # its stream ended where it waited
            run = await waits.end()
        assert run["status"] in {"completed", "cancelled"}, run
    left = "select run_id from run_lease where tenant_id = %s"
    assert rows(tenant, left, tenant.id) == []


async def test_what_is_over_is_not_cancelled_afterwards(tenant: Tenant, world: World) -> None:
    """As if the cancel had come while the last commit was under way."""
    waits = await wait(tenant, asking(world))
    await waits.approve()
    run = await waits.end()
    late = """
        insert into run_lease (tenant_id, run_id, owner, until, cancel)
        values (%s, %s, gen_random_uuid(), now(), true)
    """
    rows(tenant, late, tenant.id, run["id"])

    await tenant.engine.state.runs.take_over()

    assert await waits.now() == run
    left = "select run_id from run_lease where tenant_id = %s"
    assert rows(tenant, left, tenant.id) == []


async def test_the_time_that_people_take_does_not_count(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world))
    long_ago = "update run set created_at = now() - interval '3 hours' where id = %s"
    rows(tenant, long_ago, waits.run["id"])
    await waits.approve()
    assert (await waits.end())["status"] == "completed"


async def test_what_comes_behind_waits_too_and_is_not_late(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world))
    conversation = waits.run["conversation_id"]
    behind = asyncio.create_task(waits.caller.ask_json("and then?", conversation))
    path = f"/v1/conversations/{conversation}/runs"
    newest: dict[str, Any] = waits.run
    async with asyncio.timeout(10):
        while newest["id"] == waits.run["id"]:
            newest = (await waits.caller.http.get(path)).json()[0]
    assert newest["status"] == "queued"
    long_ago = "update run set created_at = now() - interval '3 hours' where id = %s"
    rows(tenant, long_ago, newest["id"])

    await waits.answer(waits.said("deny"))
    assert (await waits.end())["status"] == "completed"

    # It plays the same script, so it waits for a person itself.
    assert (await behind)["status"] == "waiting"


async def test_what_waiting_costs(tenant: Tenant, world: World, statements: Statements) -> None:
    caller = person(tenant, await publish(tenant, asking(world)))
    first = await wait_in(caller)
    await first.approve()
    await first.end()
    conversation = first.run["conversation_id"]

    with statements.exactly(6):  # open, the reply with the call that is asked about, close
        events = await caller.ask("go", conversation)
    run = (await caller.http.get(f"/v1/runs/{events[0].data['run_id']}")).json()
    waits = Waits(caller, run)
    # Is the tenant open, 1; whose run is it, 2; the answer, 2; the claim, 1; where it stands, 2.
    # Then three steps: intended, result, end. To follow takes 5.
    with statements.exactly(8 + 3 * 2 + 5):
        await waits.approve()
        await waits.events()


async def test_a_key_pays_once(tenant: Tenant, world: World) -> None:
    made = await make(tenant)
    program = person(tenant, await publish_shared(tenant, asking(world)))
    program.http = client(tenant.engine, made["key"])
    waits = await wait_in(program)
    assert await spent(tenant, made["id"]) == 2

    keeper = tenant.caller(*PERSON, Permission.RUNS_APPROVE_OTHERS)
    await waits.answer(waits.said("approve"), by=keeper)
    run = await waits.end()

    assert run["usage"] == {"input_tokens": 2, "output_tokens": 2}
    assert await spent(tenant, made["id"]) == 4


NOWHERE = "http://127.0.0.1:9/"


async def doubtful(tenant: Tenant) -> Waits:
    """It called where nobody answers, so nobody knows."""
    waits = await wait(tenant, [{"calls": [["send", {"url": NOWHERE}]]}, DONE])
    assert waits.run["reason"].startswith("unknown effect: send")
    assert waits.call["waits_for"] == "unknown"
    assert waits.call["evidence"].startswith("ClientConnectorError: ")
    return waits


DOUBTS = {
    "approve": ("waiting", None),
    "deny": (
        "completed",
        "Nobody knows whether this call acted. A person decided not to repeat it. They say: seen",
    ),
    "confirm": (
        "completed",
        "A person looked into it: this call has acted. They say: seen",
    ),
}


@pytest.mark.parametrize("decision", DOUBTS)
async def test_what_was_in_doubt_is_decided(tenant: Tenant, decision: str) -> None:
    waits = await doubtful(tenant)
    answer = await waits.answer(waits.said(decision, note="seen"))
    assert answer.status_code == 200, answer.text

    run = await waits.end()

    status, told = DOUBTS[decision]
    assert run["status"] == status  # done again, it is in doubt again
    results = await waits.results()
    assert [result["content"] for result in results] == ([told] if told else [])
    assert [result["failed"] for result in results] == ([decision == "deny"] if told else [])


async def test_doing_it_again_takes_the_hash_of_what_was_shown(tenant: Tenant) -> None:
    waits = await doubtful(tenant)
    answer = await waits.answer(waits.said("approve", arguments_hash="0"))
    assert error(answer) == (409, "arguments_changed")


async def test_what_is_not_connected_is_waited_for(tenant: Tenant, world: World) -> None:
    world.text = "not connected"
    waits = await wait(tenant, asking(world, "plug", "look"))
    assert waits.run["reason"] == "connection: Jira"
    assert waits.call["waits_for"] == "connection"
    assert waits.call["connection"] == "Jira"
    assert waits.call["tool_factory_id"] == str(FACTORY)
    ended = (await waits.events())[-1]
    assert ended.data["waiting"][0]["tool_factory_id"] == str(FACTORY)

    assert (await waits.answer()).json()["status"] == "running"
    still = await waits.end()
    assert (still["status"], still["reason"]) == ("waiting", "connection: Jira")
    world.text = "connected"
    await waits.answer()

    assert (await waits.end())["status"] == "completed"
    assert "connected" in [result["content"] for result in await waits.results()]


async def test_what_is_not_connected_may_be_left(tenant: Tenant, world: World) -> None:
    world.text = "not connected"
    waits = await wait(tenant, asking(world, "plug"))
    await waits.answer(waits.said("deny"))
    assert (await waits.end())["status"] == "completed"
    (result,) = await waits.results()
    assert result["content"] == "Jira is not connected, so nothing was done."


async def test_going_on_approves_nothing(tenant: Tenant, world: World) -> None:
    world.text = "not connected"
    waits = await wait(tenant, asking(world, "plug", "always"))
    assert waits.run["reason"] == "approval; connection: Jira"

    assert (await waits.answer()).json()["status"] == "waiting"

    (left,) = (await waits.now())["waiting"]
    assert (left["tool"], left["waits_for"]) == ("always", "approval")
    assert len(world.keys) == 1


async def test_what_people_decide_is_written_down(tenant: Tenant, world: World) -> None:
    waits = await wait(tenant, asking(world, "always", "always"))
    await waits.answer(waits.said("approve"), waits.said("deny", 1, note="personal"))
    doubts = await doubtful(tenant)
    await doubts.answer(doubts.said("confirm"))
    query = """
        select action, resource_type, resource_id, details::text, user_id from audit_log
        where tenant_id = %s and action in ('APPROVE', 'DENY', 'CONFIRM') order by seq
    """
    found = rows(tenant, query, tenant.id)
    assert [row[:3] for row in found] == [
        ("APPROVE", "tool_call", waits.run["waiting"][0]["call"]),
        ("DENY", "tool_call", waits.run["waiting"][1]["call"]),
        ("CONFIRM", "tool_call", doubts.call["call"]),
    ]
    assert {row[4] for row in found} == {tenant.user_id}
    assert waits.run["id"] in found[0][3]
    assert "personal" not in str(found)


async def test_a_suspended_workspace_decides_nothing_until_it_is_open_again(
    tenant: Tenant, world: World
) -> None:
    waits = await wait(tenant, asking(world))
    keeper = tenant.caller(Permission.TENANT_WRITE)
    assert (await keeper.put("/v1/tenant", json={"suspended": True})).is_success
    assert error(await waits.answer(waits.said("approve"))) == (403, "workspace_suspended")
    assert world.keys == []
    assert (await keeper.put("/v1/tenant", json={"suspended": False})).is_success
    await waits.approve()
    assert (await waits.end())["status"] == "completed"


@pytest.mark.parametrize("what", ["contact", "conversation", "tenant"])
async def test_what_waits_goes_with_what_it_belongs_to(
    tenant: Tenant, world: World, what: str
) -> None:
    contact = await new_contact(tenant)
    made = await make(tenant, contact_id=contact)
    program = person(tenant, await publish_shared(tenant, asking(world)))
    program.http = client(tenant.engine, made["key"])
    waits = await wait_in(program)
    method, path, permission = {
        "contact": ("POST", f"/v1/contacts/{contact}/erase", Permission.CONTACTS_ERASE),
        "conversation": ("DELETE", f"/v1/conversations/{waits.run['conversation_id']}", None),
        "tenant": ("DELETE", "/v1/tenant", Permission.TENANT_WRITE),
    }[what]
    http = tenant.caller(permission) if permission else program.http
    gone = await http.request(method, path)
    assert gone.is_success, gone.text

    keeper = tenant.caller(*PERSON, Permission.RUNS_APPROVE_OTHERS)
    answer = await waits.answer(waits.said("approve"), by=keeper)

    assert error(answer) == (404, "run_not_found")
    for table in ("tool_call", "run_lease", "run"):
        assert rows(tenant, f"select from {table} where tenant_id = %s", tenant.id) == []
    assert world.keys == []


async def test_long_results_are_shown_in_part(tenant: Tenant) -> None:
    script: Script = [{"calls": [["repeat", {"times": n}] for n in (30_000, 30_001)]}, DONE]
    waits = Waits(
        person(tenant, await publish(tenant, script)),
        await person(tenant, await publish(tenant, script)).ask_json("go"),
    )
    whole, part = sorted(await waits.results(), key=lambda result: len(result["content"]))
    assert whole["content"] == "x" * 30_000
    shown, _, more = part["content"].partition("\n\n")
    assert shown == "x" * 30_000
    name = re.fullmatch(r"\[1 more characters are in the file '(.+)' of this conversation.\]", more)
    assert name, more
    caller = tenant.caller(Permission.CONVERSATIONS_READ)
    (file,) = (await caller.get(f"/v1/conversations/{waits.run['conversation_id']}/files")).json()
    assert (file["name"], file["size"], file["source"]) == (name[1], 30_001, "tool")


async def test_an_agent_calls_only_what_it_has(tenant: Tenant) -> None:
    script: Script = [{"calls": [["knowledge_search", {"query": "x"}]]}, DONE]
    caller = person(tenant, await publish(tenant, script))
    events = await caller.ask("go")
    results = [event.data["content"] for event in events if event.type == "tool.result"]
    assert results == ["there is no tool 'knowledge_search'"]
    assert text_of(events) == "done "
