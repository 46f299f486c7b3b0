"""What the screens about connections show."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field

from monster.contracts.auth_config import Parameter, Strategy
from monster.contracts.credentials import CredentialOut, CredentialStatus, ModelSystem
from monster.dashboard.systems.schemas import VALUES, Asked, Part, System, label
from monster.dashboard.web.problems import sentence
from monster.kit import clock
from monster.kit.schemas import Prose

HOME = "/connections"
TROUBLE = "trouble"  # the filter for whatever does not work

Whose: TypeAlias = Literal["", "mine", "shared"]
State: TypeAlias = Literal["", "active", "trouble"]

_MODEL_SYSTEMS = get_args(ModelSystem)


class Status(NamedTuple):
    text: str
    tone: str


_STATUS: Mapping[CredentialStatus, Status] = {
    "active": Status("Working", "good"),
    "expired": Status("Refused", "bad"),
    "failing": Status("Not working", "bad"),
    "pending": Status("Not finished", "warn"),
}
_OAUTH_STATUS = {**_STATUS, "expired": Status("Sign in again", "bad")}


def path(credential_id: uuid.UUID, back: str = "") -> str:
    """Of one connection; `back` is where to go from there."""
    return f"{HOME}/{credential_id}" + (f"?back={quote(back, safe='/')}" if back else "")


def onward(back: str, credential_id: uuid.UUID) -> str:
    """Where to go once it works; there, `credential` tells what was made."""
    if not back:
        return path(credential_id)
    return f"{back}{'&' if '?' in back else '?'}credential={credential_id}"


def works(tested: CredentialOut) -> str:
    """Of one that does, for a toast."""
    account = f" You are {tested.account}." if tested.account else ""
    return f"{tested.name} works.{account}"


class Dependent(NamedTuple):
    """An agent that names a connection."""

    id: uuid.UUID
    name: str


@dataclass(frozen=True, slots=True)
class Dependents:
    """Agents that the caller sees, and how many others there are."""

    agents: Sequence[Dependent] = ()
    hidden: int = 0

    @property
    def count(self) -> int:
        return len(self.agents) + self.hidden

    @property
    def names(self) -> str:
        """As a sentence lists them; empty if there is none."""
        named = [agent.name for agent in self.agents[:5]]
        rest = self.count - len(named)
        if rest:
            named.append(f"{rest} {'other' if named else 'of colleagues'}")
        return " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]]))


@dataclass(frozen=True, slots=True)
class Connection:
    """A credential of the engine, as a person sees it. `system` is None if it is gone."""

    credential: CredentialOut
    system: System | None
    used_by: Dependents = Dependents()

    @property
    def strategy(self) -> Strategy | None:
        """None if the system does not offer it any more."""
        offered = self.system.auth.strategies if self.system else ()
        named = (one for one in offered if one.name == self.credential.strategy)
        return next(named, None)

    @property
    def is_oauth(self) -> bool:
        return bool(self.strategy and self.strategy.is_oauth)

    @property
    def is_model(self) -> bool:
        return self.credential.system_name in _MODEL_SYSTEMS

    @property
    def works(self) -> bool:
        return self.credential.status == "active"

    @property
    def icon(self) -> str:
        return self.system.icon if self.system else "tool"

    @property
    def hue(self) -> int:
        return self.system.hue if self.system else 0

    @property
    def system_title(self) -> str:
        return self.system.name if self.system else "A system that is gone"

    @property
    def category(self) -> str:
        return self.system.category if self.system else ""

    @property
    def status(self) -> Status:
        return (_OAUTH_STATUS if self.is_oauth else _STATUS)[self.credential.status]

    @property
    def detail(self) -> str:
        """Where it leads, and as whom."""
        return " · ".join(filter(None, (self.system_title, self.address, self.credential.account)))

    @property
    def address(self) -> str:
        """The first of its values that says where it leads."""
        kept = self.credential.config
        named = (one.name for one in self.parameters if one.type == "url")
        return next((kept[name] for name in named if name in kept), "")

    @property
    def parameters(self) -> Sequence[Parameter]:
        return self.strategy.parameters if self.strategy else ()

    @property
    def ends(self) -> str:
        """When it stops to work by itself."""
        if self.is_oauth:
            words = {"active": "Renews itself", "pending": "Not begun"}
            return words.get(self.credential.status, "Has ended")
        at = self.credential.expires_at
        if at is None:
            return "Never"
        return "Has ended" if at <= clock.now() else f"{at.day} {at:%b %Y}"

    @property
    def trouble(self) -> str:
        """Why it does not work, and who waits for it, in sentences; empty if it works."""
        if self.works:
            return ""
        pending = self.credential.status == "pending"
        usual = "nobody has agreed at the provider yet" if pending else "test it to learn why"
        why = self.credential.last_error or usual
        waits = f" {self.used_by.names} cannot work without it." if self.used_by.count else ""
        return sentence(why) + waits

    @property
    def shown(self) -> Sequence[tuple[str, str]]:
        """Label and value of what may be read."""
        return [(label(name), value) for name, value in self.credential.config.items()]

    @property
    def hidden(self) -> Sequence[str]:
        """Labels of what is set and never shown."""
        return [label(name) for name in self.credential.secrets]

    def parts(self, asked: Asked) -> Sequence[Part]:
        """The form that replaces values: what may be read stands in it."""
        if self.system is None or self.strategy is None:
            return ()
        kept = {one.name: self.credential.config.get(one.name, "") for one in self.parameters}
        values = {**{VALUES + name: value for name, value in kept.items()}, **asked.values}
        return self.system.parts(self.strategy, Asked(values, asked.errors), self.known)

    @property
    def known(self) -> frozenset[str]:
        """Parameters that are sealed, and set: they may stay empty."""
        return frozenset(self.credential.secrets)

    def changes(self, typed: Mapping[str, str], values: Mapping[str, str]) -> dict[str, object]:
        """What is new, as the engine takes it: a sealed value that is left empty stays."""
        body: dict[str, object] = {name: typed[name] for name in ("name", "scope") if name in typed}
        kept, new = self.credential.config, dict[str, str]()
        for one in self.parameters:
            value = values.get(one.name, kept.get(one.name, ""))
            if value.strip() if one.is_sealed else value != kept.get(one.name, ""):
                new[one.name] = value
        return body | {"values": new} if new else body

    def matches(self, words: str) -> bool:
        text = f"{self.credential.name} {self.detail}".casefold()
        return all(word in text for word in words.casefold().split())


class Filter(BaseModel):
    """What of the list is wanted; `after` is the last of the page before."""

    q: Annotated[Prose, Field(max_length=200)] = ""
    category: Annotated[Prose, Field(max_length=200)] = ""
    status: State = ""
    whose: Whose = ""
    after: uuid.UUID | None = None

    def fits(self, connection: Connection, user_id: uuid.UUID) -> bool:
        found = connection.credential
        return (
            connection.matches(self.q)
            and self.category in ("", connection.category)
            and self.status in ("", "active" if connection.works else TROUBLE)
            and self.whose in ("", "mine" if found.user_id == user_id else "shared")
        )

    @property
    def query(self) -> str:
        """As an address has it, without `after`; empty if nothing is chosen."""
        return urlencode(self.model_dump(exclude={"after"}, exclude_defaults=True))


class Page(NamedTuple):
    """`next` is where the following page begins; `every` is how many there are without a filter."""

    rows: Sequence[Connection]
    next: uuid.UUID | None
    every: Sequence[Connection]

    @property
    def troubled(self) -> Sequence[Connection]:
        return [one for one in self.every if not one.works]

    @property
    def categories(self) -> Sequence[str]:
        return sorted({one.category for one in self.every if one.category})
