"""Typed methods as tools: a model reads their docstring, and what it sends is checked."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from monster.engine.toolkit.effects import Effect, ToolFailed

Method: TypeAlias = Callable[..., Awaitable[object]]
Marked = TypeVar("Marked", bound=Method)

_MARK = "__tool__"
_ARGUMENT = re.compile(r"^(\w+): (.+)$")


@dataclass(frozen=True, slots=True)
class Mark:
    effect: Effect
    seconds: float
    trusted: bool


def tool(
    effect: Effect, *, seconds: float = 60.0, trusted: bool = False
) -> Callable[[Marked], Marked]:
    """Of a method of a ToolFactory: its name, docstring and parameters are what a model is shown.

    In the docstring, after what it does, a line "name: text" describes a parameter. `trusted`: the
    result holds nothing that somebody outside wrote, such as the key of what was just created.
    """

    def mark(method: Marked) -> Marked:
        setattr(method, _MARK, Mark(effect, seconds, trusted))
        return method

    return mark


@dataclass(frozen=True, slots=True)
class Function:
    """One tool of a factory; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]
    mark: Mark
    _arguments: type[BaseModel]

    async def call(self, owner: object, arguments: Mapping[str, Any]) -> object:
        """Raises ToolFailed if the arguments are not as the schema says."""
        try:
            checked = self._arguments.model_validate(arguments)
        except ValidationError as error:
            raise ToolFailed(_first(error)) from error
        values = {name: getattr(checked, name) for name in self._arguments.model_fields}
        return await getattr(owner, self.name)(**values)


def functions_of(owner: type) -> dict[str, Function]:
    """By name, in the order of their definition, those of base classes first."""
    found: dict[str, Function] = {}
    for kind in reversed(owner.__mro__):
        for name, member in vars(kind).items():
            if mark := getattr(member, _MARK, None):
                found[name] = _function(name, member, mark)
    return found


def _function(name: str, method: Method, mark: Mark) -> Function:
    description, texts = _read(inspect.getdoc(method) or "")
    signature = inspect.signature(method, eval_str=True)
    fields: dict[str, Any] = {
        parameter.name: (parameter.annotation, _field(parameter, texts))
        for parameter in list(signature.parameters.values())[1:]  # without self
    }
    model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    schema = model.model_json_schema()
    _untitle(schema)
    return Function(name, description, schema, mark, model)


def _field(parameter: inspect.Parameter, texts: Mapping[str, str]) -> FieldInfo:
    default = ... if parameter.default is inspect.Parameter.empty else parameter.default
    return FieldInfo(default=default, description=texts.get(parameter.name))


def _read(doc: str) -> tuple[str, dict[str, str]]:
    """What is said of the whole, and of each parameter."""
    said: list[str] = []
    texts: dict[str, str] = {}
    current = ""
    for line in doc.splitlines():
        if found := _ARGUMENT.match(line):
            current = found[1]
            texts[current] = found[2]
        elif current and line.startswith("    "):
            texts[current] += " " + line.strip()
        else:
            current = ""
            said.append(line)
    return "\n".join(said).strip(), texts


def _untitle(schema: dict[str, Any]) -> None:
    """pydantic gives each part a title that tells a model nothing."""
    schema.pop("title", None)
    for name in ("properties", "$defs"):
        for part in schema.get(name, {}).values():
            _untitle(part)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"]))
    return f"the argument {field!r} is not right: {first['msg']}"
