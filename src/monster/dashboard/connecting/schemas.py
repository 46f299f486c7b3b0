"""What is asked of whoever connects a system."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from monster.contracts.auth_config import Strategy
from monster.contracts.oauth import CUSTOM, OAuthProviderOut, ProviderKindOut
from monster.dashboard.systems.schemas import Asked, Part, System

FIRST = "/connections/systems"  # where a system is chosen
PLATFORM = ""  # the choice of a registration that is the platform's own


def path(factory_id: uuid.UUID, strategy: str = "", back: str = "") -> str:
    """Of the form."""
    asked = {"factory": str(factory_id), "strategy": strategy, "back": back}
    return f"/connections/new?{urlencode({name: it for name, it in asked.items() if it})}"


@dataclass(frozen=True, slots=True)
class Registrations:
    """Through which registrations a system's OAuth can go. Options are (value, text)."""

    options: Sequence[tuple[str, str]]
    wanted: str  # the provider to register with, if there is no option

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        kinds: Sequence[ProviderKindOut],
        own: Sequence[OAuthProviderOut],
    ) -> "Registrations":
        """`names` are providers that the system may use; what a workspace registered as custom may
        be one of them, too."""
        known = {kind.system_name: kind for kind in kinds if kind.system_name in names}
        fitting = (*names, CUSTOM)
        options = [(str(one.id), one.name) for one in own if one.system_name in fitting]
        options += [
            (PLATFORM, f"{kind.name}, as registered for everyone here")
            for kind in known.values()
            if kind.available
        ]
        return cls(options, names[0] if names else CUSTOM)


@dataclass(frozen=True, slots=True)
class Connect:
    """The form, as it is shown. `registrations` is None where no OAuth is involved."""

    system: System
    strategy: Strategy
    asked: Asked
    back: str
    registrations: Registrations | None

    @property
    def parts(self) -> Sequence[Part]:
        return self.system.parts(self.strategy, self.asked)

    @property
    def action(self) -> str:
        return self.path(self.strategy.name)

    def path(self, strategy: str) -> str:
        return path(self.system.id, strategy, self.back)

    @property
    def name(self) -> str:
        return self.asked.values.get("name", self.system.name)

    @property
    def scope(self) -> str:
        usual = "shared" if self.system.is_model else "private"
        return self.asked.values.get("scope", usual)

    @property
    def provider_id(self) -> str:
        return self.asked.values.get("oauth_provider_id", "")

    @property
    def takes_files(self) -> bool:
        return any(part.parameter.type == "file" for part in self.parts)

    @property
    def problem(self) -> str:
        """What is wrong with no field of the form."""
        shown = {"name", "scope", *(part.id for part in self.parts)}
        shown |= {"oauth_provider_id"} if self.registrations else set()
        return next((said for key, said in self.asked.errors.items() if key not in shown), "")

    @property
    def unready(self) -> dict[str, str]:
        """What must be done before the form can be sent."""
        if self.registrations is None or self.registrations.options:
            return {}
        return {"": "Register Monster with the provider first."}

    def body(self, values: Mapping[str, str]) -> dict[str, object]:
        """As the engine takes it."""
        return {
            "tool_factory_id": str(self.system.id),
            "strategy": self.strategy.name,
            "name": self.asked.values.get("name", ""),
            "scope": self.scope,
            "oauth_provider_id": self.provider_id or None,
            "values": {name: value for name, value in values.items() if value.strip()},
        }
