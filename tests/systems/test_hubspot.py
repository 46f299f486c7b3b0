from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.tools.hubspot import HubSpot
from tests.systems.connect import Grant, connected, do
from tests.systems.hubspot_server import TOKEN, HubSpotServer, hubspot_server, wrong


@pytest.fixture
async def server() -> AsyncGenerator[HubSpotServer]:
    async with hubspot_server() as served:
        yield served


@pytest.fixture
async def hubspot(server: HubSpotServer) -> AsyncGenerator[HubSpot]:
    async with connected(HubSpot, server.url, {"hubspot_token": TOKEN}) as system:
        yield system


async def test_says_who_and_where(hubspot: HubSpot) -> None:
    assert await hubspot.account() == "account 4711 at https://app-eu1.hubspot.com"


async def test_creates_changes_and_reads(hubspot: HubSpot) -> None:
    given = {"firstname": "Ada", "email": "ada@acme.example"}
    made = await do(hubspot, "create", kind="contacts", properties=given)
    where = {"kind": "contacts", "id": made["id"]}
    for _ in range(2):
        changed = await do(hubspot, "update", **where, properties={"phone": "1", "firstname": ""})
        assert changed == where | {"changed": ["firstname", "phone"]}
    read = await do(hubspot, "read", **where)
    kept = {"email": "ada@acme.example", "phone": "1", "hs_object_id": made["id"]}
    assert (read["properties"], read["linked"]) == (kept, {"companies": ["9"]})


async def test_searches_page_by_page(hubspot: HubSpot, server: HubSpotServer) -> None:
    ids = [
        server.add("contacts", firstname=f"Ada {n}", lifecyclestage="customer") for n in range(3)
    ]
    server.add("contacts", firstname="Ada", lifecyclestage="lead")
    server.add("companies", name="Ada Inc.")
    asked = {"kind": "contacts", "query": "ada", "where": {"lifecyclestage": "customer"}}
    first = await do(hubspot, "search", **asked, limit=2)
    rest = await do(hubspot, "search", **asked, limit=2, page=first["next"])
    assert [one["id"] for one in [*first["records"], *rest["records"]]] == ids
    assert (first["total"], rest["next"]) == (3, None)


@pytest.mark.parametrize("kind", ["contacts", "companies", "deals", "tickets"])
async def test_writes_notes_and_reads_them(
    hubspot: HubSpot, server: HubSpotServer, kind: str
) -> None:
    where = {"kind": kind, "id": server.add(kind)}
    assert await do(hubspot, "read_notes", **where) == []
    made = await do(hubspot, "add_note", **where, text="Called <Ada>\n& agreed")
    assert server.notes[made["note"]]["hs_note_body"] == "Called &lt;Ada&gt;<br>&amp; agreed"
    (note,) = await do(hubspot, "read_notes", **where)
    assert (note["id"], note["text"]) == (made["note"], "Called <Ada>\n& agreed")


async def test_lists_properties_that_can_be_written(hubspot: HubSpot) -> None:
    names = [one["name"] for one in await do(hubspot, "list_properties", kind="deals")]
    assert "amount" in names
    assert "hs_object_id" not in names


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        ("create", {"properties": {"colour": "red"}}, 'Property "colour" does not exist'),
        ("create", {"properties": {"email": "a@b.example"}}, "Existing ID: 101"),
        ("create", {"properties": {}}, "'properties' is not right"),
        ("read", {"id": "999"}, "resource not found"),
        ("add_note", {"id": "999", "text": "x"}, "associations are not valid"),
    ],
)
async def test_refusals_say_what_is_wrong(
    hubspot: HubSpot,
    server: HubSpotServer,
    function: str,
    arguments: dict[str, object],
    words: str,
) -> None:
    server.add("contacts", email="a@b.example")
    with pytest.raises(ToolFailed, match=words):
        await do(hubspot, function, kind="contacts", **arguments)


async def test_a_missing_scope_is_named(hubspot: HubSpot, server: HubSpotServer) -> None:
    context = {"requiredGranularScopes": ["crm.objects.deals.write"]}
    words = "This app hasn't been granted all required scopes to make this call."
    refused = wrong(403, "MISSING_SCOPES", words, errors=[{"context": context}])
    server.refusals["/crm/v3/objects/deals"] = refused
    with pytest.raises(ToolFailed, match=r"one of the scopes crm\.objects\.deals\.write") as error:
        await do(hubspot, "create", kind="deals", properties={"dealname": "x"})
    assert not isinstance(error.value, ConnectionRefused)


async def test_says_when_it_is_too_often(hubspot: HubSpot, server: HubSpotServer) -> None:
    server.busy = 1
    with pytest.raises(ToolFailed, match="wait ten seconds"):
        await hubspot.account()


async def test_a_wrong_token_is_refused(server: HubSpotServer) -> None:
    async with connected(HubSpot, server.url, {"hubspot_token": "pat-wrong-token"}) as hubspot:
        with pytest.raises(ConnectionRefused) as error:
            await hubspot.account()
    assert "pat-wrong-token" not in str(error.value)


async def test_oauth(server: HubSpotServer) -> None:
    async with connected(HubSpot, server.url, token=Grant(["old", TOKEN])) as hubspot:
        assert await hubspot.account()
