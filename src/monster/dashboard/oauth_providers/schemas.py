"""What the screens about OAuth providers take and show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monster.contracts.oauth import CUSTOM, OAuthProviderOut, ProviderKindOut
from monster.dashboard.systems.schemas import Asked
from monster.dashboard.transcript import markdown
from monster.dashboard.web import assets

HOME = "/settings/oauth-providers"
_ENDPOINTS = "endpoints."

# Name, label and help of each address.
ADDRESSES: Sequence[tuple[str, str, str]] = (
    ("authorize_url", "Authorization address", "Where people are sent to agree."),
    ("token_url", "Token address", "Where a code becomes a token."),
    ("device_url", "Device address", "For codes that are typed on another device."),
    ("userinfo_url", "User info address", "Says who has agreed."),
    ("revoke_url", "Revocation address", "Told when a connection is deleted."),
    ("issuer", "Issuer", "The name that it signs with, if it tells one."),
)
CLIENT_AUTH = (
    ("", "As usual for it"),
    ("basic", "In a header (basic)"),
    ("post", "In the body (post)"),
    ("none", "Not at all: a public client"),
)
_OWN = ProviderKindOut(
    system_name=CUSTOM,
    name="Another provider",
    help="Any provider that speaks OAuth 2. Its documentation tells the addresses.",
    available=False,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A provider that one can register with."""

    out: ProviderKindOut

    @property
    def icon(self) -> str:
        named = f"brand-{self.out.system_name}"
        return named if assets.has_icon(named) else "shield-lock"

    @property
    def hue(self) -> int:
        return sum(self.out.name.encode()) % 7

    @property
    def is_custom(self) -> bool:
        return self.out.system_name == CUSTOM

    @property
    def help(self) -> Markup | None:
        text = self.out.help
        return Markup(markdown.render(text).html) if text else None  # noqa: S704 (cleaned)


def kinds(found: Sequence[ProviderKindOut]) -> list[Kind]:
    """A custom one last."""
    return [Kind(one) for one in (*found, _OWN)]


@dataclass(frozen=True, slots=True)
class Shown:
    """A registration, beside the kind of its provider."""

    provider: OAuthProviderOut
    kind: Kind | None

    @property
    def icon(self) -> str:
        return self.kind.icon if self.kind else "shield-lock"

    @property
    def hue(self) -> int:
        return self.kind.hue if self.kind else 0

    @property
    def kind_name(self) -> str:
        return self.kind.out.name if self.kind else self.provider.system_name

    @property
    def addresses(self) -> Sequence[tuple[str, str]]:
        """Label and value of those that the workspace has set."""
        set_ = {name: getattr(self.provider.endpoints, name) for name, _, _ in ADDRESSES}
        return [(label, set_[name]) for name, label, _ in ADDRESSES if set_[name]]

    @property
    def values(self) -> Mapping[str, str]:
        found = self.provider
        return {
            "name": found.name,
            "client_id": found.client_id,
            "scopes": " ".join(found.scopes),
        }

    def matches(self, words: str) -> bool:
        text = f"{self.provider.name} {self.kind_name}".casefold()
        return all(word in text for word in words.casefold().split())


def body(typed: Mapping[str, str], *, is_new: bool) -> dict[str, object]:
    """As the engine takes it; a secret that is left empty is not told: it stays as it is."""
    told: dict[str, object] = {name: typed.get(name, "") for name in ("name", "client_id")}
    told["scopes"] = typed.get("scopes", "").split()
    if typed.get("client_secret", "").strip():
        told["client_secret"] = typed["client_secret"].strip()
    if is_new:
        told |= {"system_name": typed.get("system_name", CUSTOM), "endpoints": _endpoints(typed)}
    return told


def _endpoints(typed: Mapping[str, str]) -> dict[str, object]:
    names = (*(name for name, _, _ in ADDRESSES), "client_auth")
    given = {name: typed.get(_ENDPOINTS + name, "").strip() for name in names}
    told: dict[str, object] = {name: text for name, text in given.items() if text}
    return told if typed.get("pkce", "on") == "on" else told | {"pkce": False}


_HINTS = {
    "name": "Give it a name of up to 200 characters.",
    "client_id": "Copy it from the provider: letters, digits and signs without blanks.",
    "scopes": "Words with blanks between, as the provider writes them.",
}
_NO_ADDRESS = "Enter a whole address that begins with https, without password and #."


def refused(typed: Mapping[str, str], code: str, field: str | None, message: str) -> Asked:
    """The form again, with what the engine says at its field."""
    name = field or ""
    name = "scopes" if name.startswith("scopes") else name
    if code == "invalid":
        message = _HINTS.get(name, _NO_ADDRESS if name.startswith(_ENDPOINTS) else message)
    return Asked(typed, {name: message})
