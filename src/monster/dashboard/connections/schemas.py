"""What the screens about connections show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from pydantic import BaseModel, SecretStr

from monster.contracts.credentials import CredentialOut, ModelSystem
from monster.dashboard.web.problems import sentence


class Preset(NamedTuple):
    name: str
    base_url: str


@dataclass(frozen=True, slots=True)
class System:
    """Something agents can be connected to, and how a person gets its key."""

    key: ModelSystem
    name: str
    text: str
    icon: str
    hue: int
    steps: tuple[str, ...]
    presets: tuple[Preset, ...] = ()
    key_help: str = "Stored encrypted. Nobody can read it back, you included."


_OPENAI = System(
    key="openai",
    name="OpenAI-compatible",
    text="OpenAI, Ollama, OpenRouter and others",
    icon="cpu",
    hue=4,
    key_help="Stored encrypted, never shown again. A server of your own may do without one.",
    steps=(
        "Leave the base URL empty for OpenAI itself. Any other server that speaks the same format"
        " has one of its own; it usually ends in /v1.",
        "Make an API key on the provider's site and paste it here.",
        "A server of your own, such as Ollama, may do without a key. Its private address must be"
        " allowed with MONSTER_OUTBOUND_ALLOW.",
    ),
    presets=(
        Preset("OpenAI", "https://api.openai.com/v1"),
        Preset("OpenRouter", "https://openrouter.ai/api/v1"),
        Preset("Groq", "https://api.groq.com/openai/v1"),
        Preset("Mistral", "https://api.mistral.ai/v1"),
        Preset("Azure (put in your resource)", "https://RESOURCE.openai.azure.com/openai/v1"),
        Preset("Ollama on this machine", "http://127.0.0.1:11434/v1"),
        Preset("vLLM on this machine", "http://127.0.0.1:8000/v1"),
        Preset("LM Studio on this machine", "http://127.0.0.1:1234/v1"),
    ),
)
_ANTHROPIC = System(
    key="anthropic",
    name="Anthropic",
    text="Claude",
    icon="message-chatbot",
    hue=5,
    steps=(
        "Sign in to the Anthropic console and open “API keys”.",
        "Make a key for Monster and paste it here. It is shown to you only once.",
    ),
)
_GOOGLE = System(
    key="google",
    name="Google",
    text="Gemini",
    icon="star",
    hue=2,
    steps=(
        "Open Google AI Studio and choose “Get API key”.",
        "Make a key for Monster and paste it here.",
    ),
)
SYSTEMS: Mapping[ModelSystem, System] = {
    system.key: system for system in (_OPENAI, _ANTHROPIC, _GOOGLE)
}


class Status(NamedTuple):
    text: str
    tone: str


_STATUS: Mapping[str, Status] = {
    "active": Status("Working", "good"),
    "expired": Status("Expired", "warn"),
    "failing": Status("Not working", "bad"),
}


@dataclass(frozen=True, slots=True)
class Connection:
    """A credential of the engine, as a person sees it."""

    credential: CredentialOut

    @property
    def system(self) -> System:
        return SYSTEMS[cast("ModelSystem", self.credential.system_name)]

    @property
    def status(self) -> Status:
        return _STATUS[self.credential.status]

    @property
    def trouble(self) -> str:
        return sentence(self.credential.last_error or "test it to learn why")

    @property
    def detail(self) -> str:
        """Where it leads, and as whom."""
        facts = (self.system.name, self.credential.config.get("base_url"), self.credential.account)
        return " · ".join(fact for fact in facts if fact)


class ConnectForm(BaseModel):
    """What was typed. The engine judges it; the key is never sent back to the page."""

    name: str = ""
    scope: str = "shared"
    base_url: str = ""
    api_key: SecretStr = SecretStr("")
