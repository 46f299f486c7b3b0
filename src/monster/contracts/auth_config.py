"""What a connection to a system takes: its strategies and their parameters.

`auth_config` maps a strategy to its parameters. A parameter is its description, or an object that
says more; a key such as "1. jira_token" is the parameter `jira_token` at position 1. `help` is
Markdown, of a strategy or of the whole. One definition makes the form and judges what is sent.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from monster.contracts.parameters import BadValue, Parameter, ParameterType
from monster.kit.errors import Invalid

OAUTH = "strategy_oauth"
CLIENT_CREDENTIALS = "strategy_client_credentials"  # a program's own: nobody agrees
TOKEN_CREDS = "token_creds"  # noqa: S105 (a name: of a grant that was made elsewhere)
MISSPELT = "strategy_oath"  # as one of the source documents writes it
_HELP = "help"
_POSITION = re.compile(r"(\d{1,4})\.\s*(.+)")
# A bare description tells no type: what names a person or a place is typed in the open.
_OPEN_NAMES = re.compile(
    r"(?:^|_)(?:user(?:name)?|e?mail|host|port|region|domain|account|workspace|name|id)$"
)
_PASTED = frozenset({TOKEN_CREDS, "client_id"})  # who agrees at a provider needs neither
_URL_NAME = re.compile(r"(?:^|_)ur[li]$")


class BadAuthConfig(Invalid):
    code = "bad_auth_config"


class Strategy(BaseModel):
    """One way to authenticate. `name` is as written, with `strategy_oath` put right."""

    model_config = ConfigDict(frozen=True)

    name: str
    parameters: tuple[Parameter, ...]  # in order
    help: str = ""

    @property
    def is_oauth(self) -> bool:
        return self.name == OAUTH

    @property
    def has_token(self) -> bool:
        return self.name in (OAUTH, CLIENT_CREDENTIALS)

    @property
    def title(self) -> str:
        words = self.name.removeprefix("strategy_").replace("_", " ").capitalize()
        return "OAuth" if self.is_oauth else words

    def check(
        self, values: Mapping[str, str], known: frozenset[str] = frozenset()
    ) -> dict[str, str]:
        """All values as they are kept, with defaults; `known` are set already and may be absent.

        Raises BadValue with the field of what is unknown, missing or wrong.
        """
        names = {parameter.name for parameter in self.parameters}
        for name in values.keys() - names:
            raise BadValue(f"there is no parameter {name!r} here", field=f"values.{name}")
        known = known | _PASTED if self.is_oauth else known
        kept: dict[str, str] = {}
        for parameter in self.parameters:
            value = values.get(parameter.name) or parameter.default or ""
            if value.strip():
                kept[parameter.name] = parameter.check(value)
            elif parameter.required and parameter.name not in known:
                raise BadValue(f"{parameter.name} is missing", field=f"values.{parameter.name}")
        return kept


class AuthConfig(BaseModel):
    model_config = ConfigDict(frozen=True)

    strategies: tuple[Strategy, ...]
    help: str = ""

    def strategy(self, name: str | None) -> Strategy:
        """The first if none is named. Raises BadValue."""
        wanted = OAUTH if name == MISSPELT else name
        for strategy in self.strategies:
            if wanted in (None, strategy.name):
                return strategy
        raise BadValue(f"there is no strategy {name!r} here", field="strategy")


def parse(raw: Mapping[str, Any]) -> AuthConfig:
    """Raises BadAuthConfig with the field that is wrong. Without strategies nothing is needed."""
    named = [key for key in raw if key != _HELP]
    strategies = tuple(_strategy(key, raw[key]) for key in named)
    if len({strategy.name for strategy in strategies}) < len(strategies):
        raise BadAuthConfig("two strategies have the same name", field="auth_config")
    return AuthConfig(strategies=strategies, help=_text(raw.get(_HELP, ""), "auth_config.help"))


def _strategy(key: str, raw: object) -> Strategy:
    where = f"auth_config.{key}"
    if not key.startswith("strategy_") or not isinstance(raw, Mapping):
        raise BadAuthConfig("a strategy is strategy_… with an object of parameters", field=where)
    given: dict[str, object] = {str(name): value for name, value in raw.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    found = [
        _parameter(name, value, n, where)
        for n, (name, value) in enumerate(given.items())
        if name != _HELP
    ]
    if len({parameter.name for parameter in found}) < len(found):
        raise BadAuthConfig("two parameters have the same name", field=where)
    ordered = tuple(sorted(found, key=lambda parameter: parameter.order))
    text = _text(given.get(_HELP, ""), f"{where}.help")
    return Strategy(name=OAUTH if key == MISSPELT else key, parameters=ordered, help=text)


def _parameter(key: str, raw: object, place: int, where: str) -> Parameter:
    numbered = _POSITION.fullmatch(key)
    name = numbered[2].strip() if numbered else key
    # Those without a position come after those with one, as they are written.
    order: float = int(numbered[1]) if numbered else 1_000 + place
    if isinstance(raw, str):
        raw = {"description": raw, "type": _guess(name)}
    if not isinstance(raw, Mapping):
        raise BadAuthConfig("a parameter is a description or an object", field=f"{where}.{key}")
    try:
        return Parameter.model_validate({"order": order, **raw, "name": name})
    except ValidationError as error:
        field = ".".join([where, key, *map(str, error.errors()[0]["loc"])])
        raise BadAuthConfig(f"{field}: {error.errors()[0]['msg']}", field=field) from error


def _guess(name: str) -> ParameterType:
    if _URL_NAME.search(name):
        return "url"
    if name == TOKEN_CREDS:  # pasted as it is, lines and all
        return "file"
    return "text" if _OPEN_NAMES.search(name) else "secret"


def _text(raw: object, where: str) -> str:
    if not isinstance(raw, str):
        raise BadAuthConfig("help is Markdown", field=where)
    return raw
