"""Google Calendar, by its API of version 3.

https://developers.google.com/workspace/calendar/api/v3/reference
"""

from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.formats import google, html, mail
from monster.engine.toolkit.formats.records import Record, dig, several
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, path

_INVITE = {"sendUpdates": "all"}  # those who are invited hear of it

When = AwareDatetime | date
People = Annotated[tuple[str, ...], Field(max_length=50)]


class GoogleCalendar(ToolFactory):
    system_name = "google_calendar"
    name = "Google Calendar"
    category = "Calendar"
    description = "Free and busy times; list, create, change and cancel events"
    logo = "calendar"
    auth_config: ClassVar = google.AUTH
    oauth = ("google",)
    scopes = (
        "https://www.googleapis.com/auth/calendar.readonly",
        "https://www.googleapis.com/auth/calendar.events",
    )
    base_url = "https://www.googleapis.com"

    def explain(self, answer: Answer) -> ToolFailed | None:
        if answer.status == 410:
            return ToolFailed("the event is cancelled already")
        return google.explain(answer, self.scopes)

    async def account(self) -> str:
        found = await self.http.get(_api("primary"))
        return f"{found['id']} at Google Calendar ({found['timeZone']})"

    @tool(Effect.READ)
    async def list_calendars(self) -> object:
        """The calendars that the account can see, with their time zones."""
        found = await self.http.get("/calendar/v3/users/me/calendarList")
        return [
            {
                "id": one["id"],
                "name": one.get("summary"),
                "time_zone": one.get("timeZone"),
                "may": one.get("accessRole"),
            }
            for one in several(found, "items")
        ]

    @tool(Effect.READ)
    async def list_events(
        self,
        start: AwareDatetime,
        end: AwareDatetime,
        query: str = "",
        calendar: str = "primary",
        limit: Annotated[int, Field(ge=1, le=100)] = 25,
        page: str = "",
    ) -> object:
        """Events in a span of time, the first first; each one of those that repeat.

        start: From when on, such as 2026-01-31T09:00:00+01:00.
        end: Until when.
        query: Words that stand in them.
        calendar: The id of a calendar.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked = {"timeMin": start.isoformat(), "timeMax": end.isoformat(), "q": query}
        asked |= {"pageToken": page, "maxResults": str(limit)}
        asked |= {"singleEvents": "true", "orderBy": "startTime"}
        known = {name: value for name, value in asked.items() if value}
        found = await self.http.get(_api(calendar, "events"), params=known)
        events = [_event(one) for one in several(found, "items")]
        return {"events": events, "next": found.get("nextPageToken")}

    @tool(Effect.READ)
    async def free_busy(
        self,
        start: AwareDatetime,
        end: AwareDatetime,
        calendars: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)] = ("primary",),
    ) -> object:
        """When people are busy.

        start: From when on.
        end: Until when.
        calendars: Ids of calendars; a colleague's is their e-mail address.
        """
        items = [{"id": one} for one in calendars]
        asked = {"timeMin": start.isoformat(), "timeMax": end.isoformat(), "items": items}
        found = await self.http.query("/calendar/v3/freeBusy", json=asked)
        return {name: _busy(one) for name, one in found["calendars"].items()}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def create_event(
        self,
        title: Annotated[str, Field(min_length=1)],
        start: When,
        end: When,
        description: str = "",
        location: str = "",
        attendees: People = (),
        calendar: str = "primary",
    ) -> object:
        """Make an event, and invite people to it.

        title: One line.
        start: A moment such as 2026-01-31T09:00:00+01:00, or a day such as 2026-01-31.
        end: In the same form; for whole days the day after the last.
        description: What it is about.
        location: Where it is.
        attendees: E-mail addresses of those who are invited.
        calendar: The id of a calendar.
        """
        event = _changes(title, start, end, description, location, attendees)
        event["id"] = self.connection.key.hex  # a repetition is the same event
        place = _api(calendar, "events")
        answer = await self.http.request("POST", place, params=_INVITE, json=event, fine=(409,))
        if answer.status == 409:
            answer = await self.http.request("GET", _api(calendar, "events", event["id"]))
        made = answer.json()
        return {"event": made["id"], "url": made.get("htmlLink")}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def update_event(
        self,
        event: str,
        title: str = "",
        start: When | None = None,
        end: When | None = None,
        description: str = "",
        location: str = "",
        attendees: People = (),
        calendar: str = "primary",
    ) -> object:
        """Change an event; what is not given stays.

        event: Its id.
        title: One line.
        start: A moment or a day; give the end, too.
        end: In the same form.
        description: What it is about.
        location: Where it is.
        attendees: All who shall be invited, those who are already included.
        calendar: The id of a calendar.
        """
        if (start is None) != (end is None):
            raise ToolFailed("give start and end together")
        change = _changes(title, start, end, description, location, attendees)
        if not change:
            raise ToolFailed("say what shall be changed")
        place = _api(calendar, "events", event)
        await self.http.patch(place, params=_INVITE, json=change)
        return {"event": event, "changed": sorted(change)}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def cancel_event(self, event: str, calendar: str = "primary") -> object:
        """Cancel an event; those who are invited hear of it.

        event: Its id.
        calendar: The id of a calendar.
        """
        place = _api(calendar, "events", event)
        await self.http.request("DELETE", place, params=_INVITE, fine=(410,))
        return {"event": event, "status": "cancelled"}


def _api(calendar: str, *segments: str) -> str:
    return path("calendar", "v3", "calendars", calendar, *segments)


def _changes(
    title: str,
    start: When | None,
    end: When | None,
    description: str,
    location: str,
    attendees: People,
) -> Record:
    mail.addresses(*attendees)
    change = {
        "summary": title,
        "start": _point(start),
        "end": _point(end),
        "description": description,
        "location": location,
        "attendees": [{"email": one} for one in attendees],
    }
    return {name: value for name, value in change.items() if value}


def _point(when: When | None) -> Record | None:
    if when is None:
        return None
    return {"dateTime" if isinstance(when, datetime) else "date": when.isoformat()}


def _event(found: Record) -> Record:
    return {
        "id": found["id"],
        "title": found.get("summary"),
        "start": dig(found, "start", "dateTime") or dig(found, "start", "date"),
        "end": dig(found, "end", "dateTime") or dig(found, "end", "date"),
        "location": found.get("location"),
        "description": html.to_text(found.get("description") or ""),
        "attendees": [
            f"{one.get('email')} ({one.get('responseStatus')})"
            for one in several(found, "attendees")
        ],
        "meeting": found.get("hangoutLink"),
        "url": found.get("htmlLink"),
    }


def _busy(found: Record) -> object:
    if problems := several(found, "errors"):
        return {"unknown": problems[0].get("reason")}
    return {"busy": [[one["start"], one["end"]] for one in several(found, "busy")]}
