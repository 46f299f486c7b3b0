"""What is asked of the audit log, and a row as people and programs see it."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, NamedTuple, TypeAlias, cast
from urllib.parse import urlencode

import orjson
from pydantic import BeforeValidator

from monster.contracts.audit import AuditOut, BreakOut, CheckedOut
from monster.kit import clock
from monster.kit.audit_log import Filter, Page, Words
from monster.kit.schemas import Input, Output

Service: TypeAlias = Literal["dashboard", "engine"]
Format: TypeAlias = Literal["csv", "json"]

# What the engine records, besides what is found in the dashboard's own log.
ENGINE_KINDS = frozenset(
    {"agent", "api_key", "contact", "conversation", "credential", "document", "index", "run"}
)


class Wanted(Page):
    """Of both services, unless one is named."""

    service: Service | None = None


class ExportWanted(Filter):
    service: Service | None = None
    format: Format = "csv"


class AuditEntryOut(AuditOut):
    """`user_name` is null if nobody did it, or somebody who has left."""

    service: Service
    user_name: str | None


class BothChecked(Output):
    intact: bool
    dashboard: CheckedOut
    engine: CheckedOut


def _nothing(value: object) -> object:
    return None if value == "" else value


Days: TypeAlias = Literal["1", "7", "30", "90", "365"]


class View(Input):
    """What a person chose in the filters above the list; empty means everything."""

    q: Words = ""
    person: Annotated[uuid.UUID | None, BeforeValidator(_nothing)] = None
    action: Words = ""
    kind: Words = ""
    service: Annotated[Service | None, BeforeValidator(_nothing)] = None
    days: Annotated[Days | None, BeforeValidator(_nothing)] = None
    after: uuid.UUID | None = None
    before: uuid.UUID | None = None

    @property
    def query(self) -> str:
        """Of this page, without the place in the list."""
        chosen = self.model_dump(mode="json", exclude={"after", "before"}, exclude_none=True)
        return urlencode({name: value for name, value in chosen.items() if value})

    @property
    def export(self) -> str:
        """The same as a query of the export."""
        wanted = self.wanted(1).model_dump(
            mode="json", exclude={"after", "before", "limit"}, exclude_none=True
        )
        return urlencode({name: value for name, value in wanted.items() if value})

    def wanted(self, limit: int) -> Wanted:
        since = clock.now() - timedelta(days=int(self.days)) if self.days else None
        return Wanted(
            action=self.action,
            resource_type=self.kind,
            user_id=self.person,
            since=since,
            q=self.q,
            service=self.service,
            after=self.after,
            before=self.before,
            limit=limit,
        )


class Choices(NamedTuple):
    """What the filters offer."""

    people: list[tuple[str, str]]  # id, name
    kinds: list[str]


# A row for people

_DID = {
    "ACCEPT": "accepted", "APPROVE": "approved", "CANCEL": "cancelled", "CONFIRM": "confirmed",
    "CREATE": "created", "DELETE": "deleted", "DENY": "denied", "ERASE": "erased",
    "EXPORT": "exported", "IMPERSONATE": "acted as", "INVITE": "invited",
    "LEAVE": "left", "LOCK": "locked", "LOGIN": "signed in", "LOGIN_FAILED": "failed to sign in",
    "LOGOUT": "signed out", "PUBLISH": "published", "RESUME": "resumed", "REVOKE": "revoked",
    "SUSPEND": "suspended", "TEST": "tested", "TRANSFER": "transferred", "UPDATE": "changed",
}  # fmt: skip
_ALONE = {"LOGIN", "LOGIN_FAILED", "LOGOUT"}  # what they were done to goes without saying
_PERSONS = {"IMPERSONATE", "INVITE"}  # done to a person, who is named
_TONES = {
    "CREATE": "good", "DELETE": "bad", "ERASE": "bad", "IMPERSONATE": "warn", "LOCK": "warn",
    "LOGIN_FAILED": "warn", "PUBLISH": "accent", "REVOKE": "bad", "SUSPEND": "bad",
}  # fmt: skip
_NOBODY = {"system": "Monster", "scim": "Directory sync", "anonymous": "Somebody"}
_NAMED = ("name", "title", "email", "version")
_KINDS = {
    "credential": "connection", "api_key": "API key",
    "scim_token": "directory sync token", "tenant": "workspace", "tool_call": "call of a tool",
    "totp": "authenticator app", "user": "account",
}  # fmt: skip

ACTIONS = [("", "Every action"), *((key, did.capitalize()) for key, did in _DID.items())]


@dataclass(frozen=True, slots=True)
class Line:
    """`behind` is the person in whose name the one who is named acted."""

    entry: AuditEntryOut
    who: str
    behind: str
    did: str
    what: str

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.who.split()[:2]).upper()

    @property
    def hue(self) -> int:
        key = self.entry.impersonator_id or self.entry.user_id
        return key.int % 6 + 1 if key else 0

    @property
    def tone(self) -> str:
        return _TONES.get(self.entry.action, "neutral")

    @property
    def diff(self) -> list[tuple[str, str]]:
        """As the macro takes it: what was, what is, and what else is known."""
        details = self.entry.details
        before, after = _mapping(details.get("before")), _mapping(details.get("after"))
        rows = [(" ", f"{k}: {_said(v)}") for k, v in details.items() if k not in _SIDES]
        for name in before | after:
            rows += [("-", f"{name}: {_said(before[name])}")] if name in before else []
            rows += [("+", f"{name}: {_said(after[name])}")] if name in after else []
        return rows

    @property
    def facts(self) -> list[tuple[str, str]]:
        entry = self.entry
        facts = [
            ("Time", f"{entry.created_at:%Y-%m-%d %H:%M:%S}"),
            ("Where", f"{entry.service}, row {entry.seq}"),
            ("Id", entry.resource_id or ""),
            ("Address", entry.ip_address or ""),
            ("Browser", (entry.user_agent or "")[:120]),
            ("Seal", f"{entry.hash[:12]}…"),
            ("Before it", f"{entry.prev_hash[:12]}…" if entry.prev_hash else "the first row"),
        ]
        return [(name, value) for name, value in facts if value]


_SIDES = ("before", "after")


def line(entry: AuditEntryOut) -> Line:
    who = _who(entry)
    kind = "" if entry.action in _ALONE | _PERSONS else f"the {kind_name(entry.resource_type)}"
    did = f"{_DID.get(entry.action, entry.action.lower())} {kind}".strip()
    if entry.impersonator_id:
        return Line(entry, "Platform admin", who, did, _what(entry))
    return Line(entry, who, "", did, _what(entry))


def kind_name(kind: str) -> str:
    return _KINDS.get(kind, kind.replace("_", " "))


def kind_options(choices: Choices) -> list[tuple[str, str]]:
    return [("", "Everything"), *((kind, kind_name(kind).capitalize()) for kind in choices.kinds)]


def break_lines(service: str, log: CheckedOut) -> list[tuple[str, str]]:
    """As the macro `diff` takes them."""
    return [("-", f"{service}, row {_broken(one)}") for one in log.breaks]


def _broken(one: BreakOut) -> str:
    if one.id is None:
        return f"{one.seq}: {one.reason}."
    row = f"{one.created_at:%Y-%m-%d %H:%M:%S}, {one.action} {one.resource_type}"
    return f"{one.seq} ({row} {one.resource_id or ''}, id {one.id}): {one.reason}."


def _who(entry: AuditEntryOut) -> str:
    if entry.user_name:
        return entry.user_name
    if entry.user_id:
        return f"Somebody who left ({entry.user_id.hex[-8:]})"
    if entry.principal.startswith("api_key:"):
        return f"API key {entry.principal[-8:]}"
    return _NOBODY.get(entry.principal, "Monster")


def _what(entry: AuditEntryOut) -> str:
    """By the name it had then."""
    details = entry.details
    for said in (details, _mapping(details.get("after")), _mapping(details.get("before"))):
        for name in _NAMED:
            if said.get(name):
                return str(said[name])
    return "" if entry.action in _ALONE else (entry.resource_id or "")[:36]


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _said(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
