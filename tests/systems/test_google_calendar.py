from collections.abc import AsyncGenerator

import pytest

from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.tools.google_calendar import GoogleCalendar
from tests.systems.connect import Grant, connected, do
from tests.systems.emulated import Emulators
from tests.systems.google_server import TOKEN, USER, GoogleServer, google_server
from tests.systems.served import Refused

JANUARY = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
KICKOFF = {
    "id": "kickoff",
    "user_email": USER,
    "calendar_id": "primary",
    "summary": "Kick-off",
    "description": "<p>All of <b>us</b></p>",
    "start_date_time": "2026-01-10T09:00:00.000Z",
    "end_date_time": "2026-01-10T09:30:00.000Z",
}


@pytest.fixture
async def server(emulated: Emulators) -> AsyncGenerator[GoogleServer]:
    async with google_server(emulated, {"calendar_events": [KICKOFF]}) as served:
        yield served


@pytest.fixture
async def calendar(server: GoogleServer) -> AsyncGenerator[GoogleCalendar]:
    async with connected(GoogleCalendar, server.url, token=Grant([TOKEN])) as system:
        yield system


async def test_says_who_and_where(calendar: GoogleCalendar) -> None:
    assert await calendar.account() == "ada@acme.example at Google Calendar (Europe/Berlin)"
    (found,) = await do(calendar, "list_calendars")
    assert (found["id"], found["may"]) == ("primary", "owner")


async def test_lists_what_is_in_a_span_of_time(calendar: GoogleCalendar) -> None:
    found = await do(calendar, "list_events", **JANUARY, query="kick")
    (one,) = found["events"]
    assert (one["title"], one["description"]) == ("Kick-off", "All of us")
    assert one["start"] == "2026-01-10T09:00:00.000Z"
    later = {"start": "2026-02-01T00:00:00+01:00", "end": "2026-03-01T00:00:00+01:00"}
    assert (await do(calendar, "list_events", **later))["events"] == []


async def test_wants_a_time_zone(calendar: GoogleCalendar) -> None:
    with pytest.raises(ToolFailed, match="'start' is not right"):
        await do(calendar, "list_events", start="2026-01-01T00:00:00", end=JANUARY["end"])


async def test_lists_page_by_page(calendar: GoogleCalendar) -> None:
    span = {"start": "2026-01-11T10:00:00Z", "end": "2026-01-11T11:00:00Z"}
    await do(calendar, "create_event", title="Second", **span)
    first = await do(calendar, "list_events", **JANUARY, limit=1)
    rest = await do(calendar, "list_events", **JANUARY, limit=1, page=first["next"])
    titles = [one["title"] for one in [*first["events"], *rest["events"]]]
    assert (titles, rest["next"]) == (["Kick-off", "Second"], None)


async def test_creates_once_however_often_it_is_repeated(
    calendar: GoogleCalendar, server: GoogleServer
) -> None:
    fields = {"title": "Review", "attendees": ["grace@acme.example"], "location": "Room 1"}
    span = {"start": "2026-01-12T10:00:00+01:00", "end": "2026-01-12T11:00:00+01:00"}
    made = [await do(calendar, "create_event", **fields, **span) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0]["event"] == calendar.connection.key.hex
    sent = next(one for one in server.requests if one.method == "POST")
    assert sent.query == {"sendUpdates": "all"}
    found = await do(calendar, "list_events", **JANUARY, query="Review")
    assert [one["location"] for one in found["events"]] == ["Room 1"]
    assert found["events"][0]["attendees"][0].startswith("grace@acme.example")


async def test_whole_days_are_days(calendar: GoogleCalendar, server: GoogleServer) -> None:
    await do(calendar, "create_event", title="Leave", start="2026-01-20", end="2026-01-22")
    assert server.last.json["start"] == {"date": "2026-01-20"}
    await do(
        calendar, "update_event", event="kickoff",
        start="2026-01-10T00:00:00+00:00", end="2026-01-10T01:00:00+00:00",
    )  # fmt: skip
    assert server.last.json["start"] == {"dateTime": "2026-01-10T00:00:00+00:00"}


async def test_changes_what_is_given_alone(calendar: GoogleCalendar) -> None:
    changed = await do(calendar, "update_event", event="kickoff", title="Start", location="Hall")
    assert changed == {"event": "kickoff", "changed": ["location", "summary"]}
    (one,) = (await do(calendar, "list_events", **JANUARY))["events"]
    assert (one["title"], one["location"], one["description"]) == ("Start", "Hall", "All of us")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "what shall be changed"),
        ({"start": "2026-01-20"}, "start and end together"),
        ({"attendees": ["grace"]}, "'grace' is no e-mail address"),
    ],
)
async def test_refuses_half_a_change(
    calendar: GoogleCalendar, server: GoogleServer, fields: dict[str, object], words: str
) -> None:
    with pytest.raises(ToolFailed, match=words):
        await do(calendar, "update_event", event="kickoff", **fields)
    assert server.requests == []


async def test_cancels_and_cancels_again(calendar: GoogleCalendar, server: GoogleServer) -> None:
    await do(calendar, "cancel_event", event="kickoff")
    assert (await do(calendar, "list_events", **JANUARY))["events"] == []
    gone = Refused(410, {"error": {"code": 410, "message": "Resource has been deleted"}})
    server.refusals["/calendar/v3/calendars/primary/events/kickoff"] = gone
    again = await do(calendar, "cancel_event", event="kickoff")
    assert again == {"event": "kickoff", "status": "cancelled"}


async def test_tells_busy_times(calendar: GoogleCalendar) -> None:
    busy = ["2026-01-10T09:00:00.000Z", "2026-01-10T09:30:00.000Z"]
    assert await do(calendar, "free_busy", **JANUARY) == {"primary": {"busy": [busy]}}


async def test_says_what_is_not_there(calendar: GoogleCalendar) -> None:
    with pytest.raises(ToolFailed, match="no such thing"):
        await do(calendar, "update_event", event="none", title="x")


async def test_a_dead_grant_is_refused(server: GoogleServer) -> None:
    async with connected(GoogleCalendar, server.url, token=Grant(["ya29.wrong"])) as calendar:
        with pytest.raises(ConnectionRefused):
            await calendar.account()
