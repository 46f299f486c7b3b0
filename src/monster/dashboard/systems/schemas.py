"""What the gallery of systems shows, and the form that an `auth_config` makes."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from markupsafe import Markup

from monster.contracts.auth_config import AuthConfig, BadValue, Parameter, Strategy
from monster.contracts.tools import ToolFactoryOut
from monster.dashboard.transcript import markdown
from monster.dashboard.web import assets
from monster.dashboard.web.problems import sentence

VALUES = "values."  # before the name of a parameter, in forms as in what the engine says
FILES = "files."  # the same, of a file that is chosen instead of pasted
MODELS = "Models"  # the category of language models

_ACRONYMS = {"api", "id", "tls", "url", "uri", "sql", "smtp", "imap", "aws", "oauth", "jql"}
_KINDS = {"mcp_server": "MCP server", "custom": "Custom tool", "doc_source": "Document source"}
_OWN = "Your own"


class Preset(NamedTuple):
    name: str
    value: str


# Values that people would otherwise look up, by system and parameter.
_PRESETS: Mapping[tuple[str, str], Sequence[Preset]] = {
    ("openai", "base_url"): (
        Preset("OpenAI", "https://api.openai.com/v1"),
        Preset("OpenRouter", "https://openrouter.ai/api/v1"),
        Preset("Groq", "https://api.groq.com/openai/v1"),
        Preset("Mistral", "https://api.mistral.ai/v1"),
        Preset("Azure (put in your resource)", "https://RESOURCE.openai.azure.com/openai/v1"),
        Preset("Ollama on this machine", "http://127.0.0.1:11434/v1"),
        Preset("vLLM on this machine", "http://127.0.0.1:8000/v1"),
        Preset("LM Studio on this machine", "http://127.0.0.1:1234/v1"),
    ),
}


def label(name: str) -> str:
    """Of a parameter: `jira_url` is `Jira URL`."""
    words = name.replace("_", " ").split()
    text = " ".join(word.upper() if word.lower() in _ACRONYMS else word for word in words)
    return text[:1].upper() + text[1:]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


@dataclass(frozen=True, slots=True)
class Part:
    """One field of the form. `value` is what was typed, never a secret; `is_set`: there is one."""

    parameter: Parameter
    value: str
    error: str = ""
    is_set: bool = False
    presets: Sequence[Preset] = ()

    @property
    def id(self) -> str:
        return VALUES + self.parameter.name

    @property
    def file_id(self) -> str:
        return FILES + self.parameter.name

    @property
    def label(self) -> str:
        return label(self.parameter.name)

    @property
    def help(self) -> str:
        """Nothing, if it only says the label once more."""
        said = self.parameter.description
        return "" if _letters(said) == _letters(self.label) else said

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """A choice that nobody has to make has an empty one first."""
        named = [(option, option) for option in self.parameter.options]
        free = not self.parameter.required and not self.parameter.default
        return [("", "Not chosen"), *named] if free else named

    @property
    def attributes(self) -> dict[str, object]:
        """What the browser can check by itself, and need not suggest."""
        attributes: dict[str, object] = {"autocomplete": "off", "spellcheck": "false"}
        if self.parameter.pattern and self.parameter.type in ("text", "number"):
            attributes |= {"pattern": self.parameter.pattern, "title": self.parameter.description}
        if self.is_set and not self.value:  # it is sealed, as a secret is
            attributes |= {"placeholder": "Set. Type to replace it."}
        if self.parameter.type == "number":
            attributes |= {"step": "any"}
        if self.presets:
            attributes |= {"list": f"{self.id}-presets"}
        return attributes


@dataclass(frozen=True, slots=True)
class Asked:
    """A form as a person left it."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class System:
    """Something agents can be connected to."""

    factory: ToolFactoryOut
    auth: AuthConfig

    @property
    def id(self) -> uuid.UUID:
        return self.factory.id

    @property
    def name(self) -> str:
        return self.factory.name

    @property
    def icon(self) -> str:
        return self.factory.logo if assets.has_icon(self.factory.logo) else "tool"

    @property
    def hue(self) -> int:
        return sum(self.factory.name.encode()) % 7

    @property
    def category(self) -> str:
        return self.factory.category or (_OWN if self.is_own else "Other")

    @property
    def is_own(self) -> bool:
        """Made in this workspace."""
        return self.factory.kind != "builtin"

    @property
    def kind(self) -> str:
        return _KINDS.get(self.factory.kind, "")

    @property
    def is_model(self) -> bool:
        return not self.is_own and self.factory.category == MODELS

    @property
    def needs_connection(self) -> bool:
        return bool(self.auth.strategies)

    def help(self, strategy: Strategy | None) -> Markup | None:
        """How a person gets what the form asks for."""
        said = (self.factory.help, self.auth.help, strategy.help if strategy else "")
        text = "\n\n".join(part.strip() for part in said if part.strip())
        return Markup(markdown.render(text).html) if text else None  # noqa: S704 (cleaned)

    def matches(self, words: str) -> bool:
        factory = self.factory
        functions = " ".join(one.name for one in factory.tools)
        text = f"{factory.name} {factory.description} {self.category} {functions}".casefold()
        return all(word in text for word in words.casefold().split())

    def parts(
        self, strategy: Strategy, asked: Asked, known: frozenset[str] = frozenset()
    ) -> list[Part]:
        """The fields, in order; `known` are parameters that are set already."""
        return [
            Part(
                one,
                _shown(one, asked.values.get(VALUES + one.name)),
                asked.errors.get(VALUES + one.name, ""),
                one.name in known,
                _PRESETS.get((self.factory.system_name, one.name), ()),
            )
            for one in strategy.parameters
        ]


def _shown(parameter: Parameter, typed: str | None) -> str:
    if parameter.is_hidden:
        return ""
    return (parameter.default or "") if typed is None else typed


def collect(
    parameters: Sequence[Parameter],
    typed: Mapping[str, str],
    files: Mapping[str, str | None],
    known: frozenset[str] = frozenset(),
) -> tuple[dict[str, str], dict[str, str]]:
    """What was sent for each parameter, and all that is wrong with it, by field, as the engine
    would say it. `known` are set already and may stay empty."""
    values, errors = dict[str, str](), dict[str, str]()
    for one in parameters:
        field = VALUES + one.name
        text = files.get(FILES + one.name, typed.get(field, ""))
        if text is None:
            errors[field] = "This is no text file."
        elif field in typed or text:
            values[one.name] = text
        try:
            _judge(one, text or "", known)
        except BadValue as wrong:
            errors = refusal(wrong.field, wrong.message) | errors
    return values, errors


def _judge(parameter: Parameter, text: str, known: frozenset[str]) -> None:
    """Raises BadValue."""
    if text.strip():
        parameter.check(text)
    elif parameter.required and not parameter.default and parameter.name not in known:
        raise BadValue(f"{parameter.name} is missing", field=VALUES + parameter.name)


def refusal(field: str | None, message: str) -> dict[str, str]:
    """What the engine refuses, by field of the form: it goes by the names of parameters."""
    name = (field or "").removeprefix(VALUES)
    if message == f"{name} is missing":
        return {field or "": "This is needed."}
    if name and message.startswith(f"{name} "):
        message = f"It{message.removeprefix(name)}"
    return {field or "": sentence(message)}
