"""One thing that a connection takes, and how what is typed for it is judged."""

import math
import re
import unicodedata
from functools import lru_cache
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import SchemaError

from monster.kit.errors import Invalid

ParameterType: TypeAlias = Literal["text", "secret", "choice", "file", "number", "url"]

_LONGEST = 20_000  # characters of a value; a file with a key is the longest
_HTTP = TypeAdapter(AnyHttpUrl)
# pydantic puts much right that others read differently, such as `https:\\host` and `https:///host`.
_ADDRESS = re.compile(r"https?://[^/\\\s][^\\\s]*", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")


class BadValue(Invalid):
    code = "bad_value"


class Parameter(BaseModel):
    """One thing to fill in. `pattern` must match the whole value; it is a linear-time expression.

    Values of `secret`, `file` and `text` go to the secret store and are never read back; where a
    connection leads (url, choice, number) people may see.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    description: Annotated[str, Field(max_length=2_000)]
    type: ParameterType = "text"
    required: bool = True
    default: Annotated[str, Field(max_length=_LONGEST)] | None = None
    pattern: Annotated[str, Field(max_length=500)] | None = None
    options: Annotated[tuple[str, ...], Field(max_length=200)] = ()
    order: Annotated[float, Field(ge=0, le=10_000)] = 10_000

    @property
    def is_sealed(self) -> bool:
        return self.type in ("secret", "file", "text")

    @property
    def is_hidden(self) -> bool:
        """Masked wherever it turns up, and not shown while it is typed."""
        return self.type in ("secret", "file")

    @model_validator(mode="after")
    def _can_be_filled_in(self) -> Self:
        if self.type == "choice" and not self.options:
            raise ValueError("a choice has options")
        if self.pattern is not None:
            _expression(self.pattern)
        if self.default:
            self._check_default(self.default)
        return self

    def _check_default(self, default: str) -> None:
        try:
            self.check(default)
        except BadValue as error:
            raise ValueError(f"the default cannot be used: {error}") from None

    def check(self, value: str) -> str:
        """The value as it is kept. Raises BadValue, which never quotes it."""
        if self.type != "file":
            value = value.strip()
        if len(value) > _LONGEST or _unusable(value, lines=self.type == "file"):
            raise self._wrong("is too long or has characters that it cannot have")
        if self.options and value not in self.options:
            raise self._wrong(f"must be one of {', '.join(self.options)}")
        if self.type == "number":
            _check_number(self, value)
        if self.type == "url":
            _check_url(self, value)
        if self.pattern and not _matches(self.pattern, value):
            raise self._wrong("does not look as it should")
        return value.rstrip("/") if self.type == "url" else value

    def _wrong(self, why: str) -> BadValue:
        return BadValue(f"{self.name} {why}", field=f"values.{self.name}")


def _unusable(value: str, *, lines: bool) -> bool:
    """Values are sent as headers, too: only a file may have lines."""
    allowed = "\r\n\t" if lines else ""
    return any(
        unicodedata.category(character) in ("Cc", "Cs") and character not in allowed
        for character in value
    )


def _check_number(parameter: Parameter, value: str) -> None:
    """Python takes more for a number than others do: `nan`, `1_000`, digits of all scripts."""
    if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
        why, field = f"{parameter.name} must be a number", f"values.{parameter.name}"
        raise BadValue(why, field=field)


def _check_url(parameter: Parameter, value: str) -> None:
    """People see where a connection leads, so nothing secret may hide in it."""
    try:
        url = _HTTP.validate_python(value)
        usable = not (url.username or url.password or url.query or url.fragment)
    except ValidationError:
        usable = False
    if not usable or not _ADDRESS.fullmatch(value):
        why = (
            f"{parameter.name} must be an address like https://host/path, with no password, ? or #"
        )
        raise BadValue(why, field=f"values.{parameter.name}")


@lru_cache
def _expression(pattern: str) -> TypeAdapter[str]:
    """By pydantic's engine, whose time is linear; Python's own can be made to hang.

    Raises ValueError if it cannot be used: by itself, too, since `a)|(b` is one within brackets.
    """
    try:
        TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
        return TypeAdapter(Annotated[str, StringConstraints(pattern=rf"^(?:{pattern})$")])
    except SchemaError:
        raise ValueError("the pattern is no regular expression of linear time") from None


def _matches(pattern: str, value: str) -> bool:
    try:
        _expression(pattern).validate_python(value)
    except ValidationError:
        return False
    return True
