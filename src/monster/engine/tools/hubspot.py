"""HubSpot, by its CRM API of versions 3 and 4.

https://developers.hubspot.com/docs/api-reference/overview
"""

import html as markup
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from monster.engine.toolkit.effects import Effect, ToolFailed
from monster.engine.toolkit.factory import ToolFactory
from monster.engine.toolkit.formats import html
from monster.engine.toolkit.formats.records import Record, dig, several, within
from monster.engine.toolkit.functions import tool
from monster.engine.toolkit.http import Answer, path
from monster.kit import clock

_SHOWN = {
    "contacts": ("firstname", "lastname", "email", "phone", "company", "lifecyclestage"),
    "companies": ("name", "domain", "industry", "city", "country", "phone"),
    "deals": ("dealname", "amount", "dealstage", "pipeline", "closedate"),
    "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
}
# What a note is to a record: fixed by HubSpot.
_NOTES = {"contacts": 202, "companies": 190, "deals": 214, "tickets": 228}
_MOST_NOTES = 20

Kind = Literal["contacts", "companies", "deals", "tickets"]
Names = Annotated[tuple[str, ...], Field(max_length=50)]
Properties = Annotated[dict[str, str | int | float | bool | None], Field(min_length=1)]


class HubSpot(ToolFactory):
    system_name = "hubspot"
    name = "HubSpot"
    category = "CRM and support"
    description = "Search, read, create and update records; notes"
    logo = "affiliate"
    auth_config: ClassVar = {
        "strategy_token": {
            "1. hubspot_token": "Access token of a private app",
            "help": """\
1. In HubSpot open **Settings**, **Integrations**, **Private Apps**, and create one.
2. Give it the scopes `crm.objects.contacts`, `crm.objects.companies` and `crm.objects.deals`, read
   and write, `tickets`, and those of the schemas to read them.
3. Paste its access token here.
""",
        },
        "strategy_oauth": {"help": "You are sent to HubSpot and choose the account."},
    }
    oauth = ("hubspot",)
    scopes = (
        "oauth", "crm.objects.contacts.read", "crm.objects.contacts.write",
        "crm.objects.companies.read", "crm.objects.companies.write", "crm.objects.deals.read",
        "crm.objects.deals.write", "tickets",
    )  # fmt: skip
    base_url = "https://api.hubapi.com"

    def authorization(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.values['hubspot_token']}"}

    def explain(self, answer: Answer) -> ToolFailed | None:
        if answer.status not in (400, 403, 404, 409, 429):
            return None
        found = answer.json()
        words = str(dig(found, "message") or f"it answered {answer.status}")
        if dig(found, "category") == "MISSING_SCOPES":
            errors = several(found, "errors")
            needed = [s for e in errors for s in dig(e, "context", "requiredGranularScopes") or ()]
            return ToolFailed(f"the connection lacks one of the scopes {', '.join(needed)}")
        if answer.status == 429:
            return ToolFailed(f"HubSpot is asked too often; wait ten seconds: {words}")
        return ToolFailed(f"HubSpot refused it: {words}")

    async def account(self) -> str:
        found = await self.http.get("/account-info/v3/details")
        return f"account {found['portalId']} at https://{found['uiDomain']}"

    @tool(Effect.READ)
    async def search(
        self,
        kind: Kind,
        query: str = "",
        where: dict[str, str] | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        page: str = "",
    ) -> object:
        """Find records.

        kind: What kind of records.
        query: Words that stand in their names, addresses or domains.
        where: Values that properties must have, such as {"lifecyclestage": "customer"}.
        limit: How many.
        page: `next` of the answer before, for what follows.
        """
        asked: Record = {"limit": limit, "properties": _SHOWN[kind]}
        asked |= ({"query": query} if query else {}) | ({"after": page} if page else {})
        if where:
            filters = [
                {"propertyName": name, "operator": "EQ", "value": value}
                for name, value in where.items()
            ]
            asked["filterGroups"] = [{"filters": filters}]
        found = await self.http.query(path("crm", "v3", "objects", kind, "search"), json=asked)
        records = [_record(one) for one in found["results"]]
        more = dig(found, "paging", "next", "after")
        return {"records": records, "total": found["total"], "next": more}

    @tool(Effect.READ)
    async def read(self, kind: Kind, id: str, properties: Names = ()) -> object:
        """One record, with the ids of those it belongs to.

        kind: What kind of record.
        id: Its id.
        properties: Names of further properties that shall be shown.
        """
        others = ",".join(one for one in _SHOWN if one != kind)
        asked = {"properties": ",".join((*_SHOWN[kind], *properties)), "associations": others}
        found = await self.http.get(path("crm", "v3", "objects", kind, id), params=asked)
        linked = {
            name: sorted({str(one["id"]) for one in several(held, "results")})
            for name, held in within(found, "associations").items()
        }
        return _record(found) | {"linked": linked}

    @tool(Effect.READ)
    async def list_properties(self, kind: Kind) -> object:
        """The properties that records of a kind have, and the values that are allowed.

        kind: What kind of records.
        """
        found = await self.http.get(path("crm", "v3", "properties", kind))
        return [
            {
                "name": one["name"],
                "label": one.get("label"),
                "type": one.get("type"),
                "options": [option["value"] for option in several(one, "options")],
            }
            for one in several(found, "results")
            if not one.get("hidden") and not dig(one, "modificationMetadata", "readOnlyValue")
        ]

    @tool(Effect.WRITE, trusted=True)
    async def create(self, kind: Kind, properties: Properties) -> object:
        """Create a record.

        kind: What kind of record.
        properties: Values by the names of properties, such as {"email": "ada@acme.example"}.
        """
        place = path("crm", "v3", "objects", kind)
        made = await self.http.post(place, json={"properties": properties})
        return {"id": made["id"], "kind": kind}

    @tool(Effect.IDEMPOTENT, trusted=True)
    async def update(self, kind: Kind, id: str, properties: Properties) -> object:
        """Change a record; what is not given stays.

        kind: What kind of record.
        id: Its id.
        properties: Values by the names of properties; an empty one takes the value away.
        """
        place = path("crm", "v3", "objects", kind, id)
        await self.http.patch(place, json={"properties": properties})
        return {"id": id, "kind": kind, "changed": sorted(properties)}

    @tool(Effect.WRITE, trusted=True)
    async def add_note(
        self, kind: Kind, id: str, text: Annotated[str, Field(min_length=1, max_length=60_000)]
    ) -> object:
        """Write a note on a record.

        kind: What kind of record.
        id: Its id.
        text: Plain text.
        """
        body = markup.escape(text).replace("\n", "<br>")
        sort = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _NOTES[kind]}
        note: dict[str, Any] = {
            "properties": {"hs_timestamp": clock.now().isoformat(), "hs_note_body": body},
            "associations": [{"to": {"id": id}, "types": [sort]}],
        }
        made = await self.http.post("/crm/v3/objects/notes", json=note)
        return {"note": made["id"]}

    @tool(Effect.READ)
    async def read_notes(self, kind: Kind, id: str) -> object:
        """The latest notes on a record.

        kind: What kind of record.
        id: Its id.
        """
        place = path("crm", "v4", "objects", kind, id, "associations", "notes")
        found = await self.http.get(place, params={"limit": 500})
        ids = sorted((int(one["toObjectId"]) for one in found["results"]), reverse=True)
        if not ids:
            return []
        inputs = [{"id": str(one)} for one in ids[:_MOST_NOTES]]
        asked = {"inputs": inputs, "properties": ["hs_timestamp", "hs_note_body"]}
        read = await self.http.query("/crm/v3/objects/notes/batch/read", json=asked)
        notes = [
            {"id": one["id"], "time": dig(one, "properties", "hs_timestamp"), "text": _text(one)}
            for one in read["results"]
        ]
        return sorted(notes, key=lambda note: note["time"] or "", reverse=True)


def _text(note: Record) -> str:
    return html.to_text(dig(note, "properties", "hs_note_body") or "")


def _record(found: Record) -> Record:
    held = found["properties"]
    kept = {name: value for name, value in held.items() if value not in (None, "")}
    return {"id": found["id"], "url": found.get("url"), "properties": kept}
