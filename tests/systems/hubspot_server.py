"""HubSpot's CRM as it answers: https://developers.hubspot.com/docs/api-reference/overview"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from monster.kit import clock
from tests.systems.served import Refused, Served, reply

TOKEN = "pat-eu1-local-token"
_KINDS = ("contacts", "companies", "deals", "tickets")
_SORTS = {202: "contacts", 190: "companies", 214: "deals", 228: "tickets"}
_PROPERTIES = {
    "contacts": ("firstname", "lastname", "email", "phone", "company", "lifecyclestage"),
    "companies": ("name", "domain", "industry", "city", "country", "phone"),
    "deals": ("dealname", "amount", "dealstage", "pipeline", "closedate"),
    "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
}


def wrong(status: int, category: str, words: str, **more: object) -> Refused:
    body = {"status": "error", "message": words, "category": category, "correlationId": "c"}
    return Refused(status, body | more)


@dataclass
class HubSpotServer(Served):
    """`records` by kind and id, `notes` by id, `links` from records to notes."""

    records: dict[tuple[str, str], dict[str, Any]] = field(
        default_factory=dict[tuple[str, str], dict[str, Any]]
    )
    notes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    links: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    def routes(self) -> list[web.RouteDef]:
        objects = "/crm/v3/objects"
        return [
            web.get("/account-info/v3/details", self._account),
            web.post(f"{objects}/notes", self._note),
            web.post(f"{objects}/notes/batch/read", self._notes),
            web.get("/crm/v4/objects/{kind}/{id}/associations/notes", self._linked),
            web.get("/crm/v3/properties/{kind}", self._properties),
            web.post(objects + "/{kind}/search", self._search),
            web.post(objects + "/{kind}", self._create),
            web.get(objects + "/{kind}/{id}", self._read),
            web.patch(objects + "/{kind}/{id}", self._update),
        ]

    def authenticate(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            words = "Authentication credentials not found or expired."
            raise wrong(401, "INVALID_AUTHENTICATION", words)

    def too_many(self) -> Refused:
        words = "You have reached your ten_secondly_rolling limit."
        return wrong(429, "RATE_LIMITS", words, policyName="TEN_SECONDLY_ROLLING")

    def add(self, kind: str, **properties: object) -> str:
        number = str(101 + len(self.records))
        self.records[kind, number] = {name: str(value) for name, value in properties.items()}
        return number

    def _known(self, request: web.Request) -> tuple[str, str]:
        key = request.match_info["kind"], request.match_info["id"]
        if key not in self.records:
            raise wrong(404, "OBJECT_NOT_FOUND", "resource not found")
        return key

    def _shown(self, kind: str, number: str, names: list[str]) -> dict[str, Any]:
        held = self.records[kind, number]
        properties = {name: held.get(name) for name in names} | {"hs_object_id": number}
        return {"id": number, "properties": properties, "archived": False}

    async def _account(self, _: web.Request) -> web.Response:
        return reply({"portalId": 4711, "uiDomain": "app-eu1.hubspot.com"})

    async def _search(self, request: web.Request) -> web.Response:
        kind, asked = request.match_info["kind"], await request.json()
        groups = asked.get("filterGroups", [])
        filters = [one for group in groups for one in group["filters"]]
        found = [
            self._shown(kind, number, asked.get("properties", []))
            for (sort, number), held in self.records.items()
            if sort == kind
            and asked.get("query", "").lower() in str(held).lower()
            and all(held.get(one["propertyName"]) == one["value"] for one in filters)
        ]
        start = int(asked.get("after", 0))
        end = start + asked.get("limit", 10)
        more = {"paging": {"next": {"after": str(end)}}} if end < len(found) else {}
        return reply({"total": len(found), "results": found[start:end]} | more)

    async def _create(self, request: web.Request) -> web.Response:
        kind, sent = request.match_info["kind"], await request.json()
        self._check(kind, sent["properties"])
        email = sent["properties"].get("email")
        for (sort, number), held in self.records.items():
            if kind == sort == "contacts" and email and held.get("email") == email:
                words = f"Contact already exists. Existing ID: {number}"
                raise wrong(409, "CONFLICT", words)
        number = self.add(kind, **sent["properties"])
        return reply(self._shown(kind, number, []), 201)

    def _check(self, kind: str, properties: dict[str, Any]) -> None:
        unknown = [name for name in properties if name not in _PROPERTIES[kind]]
        if unknown:
            words = f'Property values were not valid: Property "{unknown[0]}" does not exist'
            raise wrong(400, "VALIDATION_ERROR", words)

    async def _read(self, request: web.Request) -> web.Response:
        kind, number = self._known(request)
        shown = self._shown(kind, number, request.query.get("properties", "").split(","))
        if "companies" in request.query.get("associations", ""):
            linked = [{"id": "9", "type": "contact_to_company"}] * 2
            shown["associations"] = {"companies": {"results": linked}}
        return reply(shown)

    async def _update(self, request: web.Request) -> web.Response:
        kind, number = self._known(request)
        changes = (await request.json())["properties"]
        self._check(kind, changes)
        self.records[kind, number] |= changes
        return reply(self._shown(kind, number, []))

    async def _properties(self, request: web.Request) -> web.Response:
        names = _PROPERTIES[request.match_info["kind"]]
        shown: list[Any] = [{"name": name, "label": name, "type": "string"} for name in names]
        made = {"name": "hs_object_id", "modificationMetadata": {"readOnlyValue": True}}
        return reply({"results": [*shown, made]})

    async def _note(self, request: web.Request) -> web.Response:
        sent = await request.json()
        if "hs_timestamp" not in sent["properties"]:
            raise wrong(400, "VALIDATION_ERROR", "hs_timestamp is required")
        number = str(501 + len(self.notes))
        for link in sent["associations"]:
            kind = _SORTS[link["types"][0]["associationTypeId"]]
            if (kind, link["to"]["id"]) not in self.records:
                raise wrong(400, "VALIDATION_ERROR", "one or more associations are not valid")
            self.links.append((kind, link["to"]["id"], number))
        self.notes[number] = sent["properties"]
        return reply({"id": number, "properties": sent["properties"]}, 201)

    async def _linked(self, request: web.Request) -> web.Response:
        key = self._known(request)
        found = [{"toObjectId": int(note)} for *place, note in self.links if tuple(place) == key]
        return reply({"results": found})

    async def _notes(self, request: web.Request) -> web.Response:
        asked = await request.json()
        found = [{"id": one["id"], "properties": self.notes[one["id"]]} for one in asked["inputs"]]
        return reply({"status": "COMPLETE", "results": found, "startedAt": clock.now()})


@asynccontextmanager
async def hubspot_server() -> AsyncGenerator[HubSpotServer]:
    server = HubSpotServer()
    async with server.serving():
        yield server
