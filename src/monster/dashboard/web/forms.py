"""Reads a form as a person left it: what was typed stays, what is wrong is said at its field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import UploadFile

CSRF = "csrf"  # the field that every form carries besides its own

Model = TypeVar("Model", bound=BaseModel)

_SENTENCES = {
    "missing": "This is needed.",
    "string_too_short": "This is needed.",
    "string_too_long": "At most {max_length} characters.",
    "string_pattern_mismatch": "This cannot be used here.",
    "extra_forbidden": "There is no such field.",
}


@dataclass(frozen=True, slots=True)
class Form:
    """What a template needs to show it again."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Filled(Form, Generic[Model]):
    """`data` is there if nothing is wrong."""

    data: Model | None = None


async def fields(request: Request) -> dict[str, str]:
    """Text only, the last of each name."""
    sent = await request.form()
    return {name: text for name, text in sent.items() if isinstance(text, str) and name != CSRF}


async def files(request: Request) -> dict[str, str | None]:
    """The text of each file that was chosen, by the name of its field; None if it is no text."""
    sent = await request.form()
    found = dict[str, str | None]()
    for name, one in sent.items():
        if isinstance(one, UploadFile):
            if one.filename:
                found[name] = _text(await one.read())
            await one.close()
    return found


def _text(content: bytes) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


async def read(
    request: Request, model: type[Model], said: Mapping[str, str] | None = None
) -> Filled[Model]:
    """`said`: what to say about a field instead of the usual, by its name."""
    return check(await fields(request), model, said)


def check(
    values: Mapping[str, Any], model: type[Model], said: Mapping[str, str] | None = None
) -> Filled[Model]:
    try:
        return Filled(values=values, data=model.model_validate(values))
    except ValidationError as error:
        wrong = {str(one["loc"][0]): _sentence(one) for one in reversed(error.errors())}
    return Filled(values=values, errors={**wrong, **_only(said or {}, wrong)})


def _only(said: Mapping[str, str], wrong: Mapping[str, str]) -> dict[str, str]:
    return {name: said[name] for name in wrong if name in said}


def _sentence(error: ErrorDetails) -> str:
    known = _SENTENCES.get(error["type"])
    return known.format(**error.get("ctx", {})) if known else f"{error['msg']}."
