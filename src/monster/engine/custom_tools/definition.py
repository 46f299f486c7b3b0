"""What a custom tool is, checked once when it is written."""

from collections.abc import Iterable, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict

from monster.contracts import auth_config
from monster.contracts.auth_config import AuthConfig, BadAuthConfig, BadValue, Parameter
from monster.contracts.custom_tools import CustomFunction, CustomParameter
from monster.contracts.tools import EffectName, FunctionOut
from monster.engine.custom_tools import templates
from monster.engine.custom_tools.errors import BadTool
from monster.engine.custom_tools.schemas import check_schema
from monster.engine.toolkit import headers

_READING = ("GET", "HEAD")
_SERVER = Parameter(name="base_url", description="", type="url")


class Definition(BaseModel):
    """As it is kept in `config_json`."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    basic: tuple[str, str] | None = None
    functions: tuple[CustomFunction, ...]
    account: str = ""
    account_result: str = ""

    def function(self, name: str) -> CustomFunction | None:
        return next((one for one in self.functions if one.name == name), None)


def effect_of(function: CustomFunction) -> EffectName:
    return function.effect or ("read" if function.method in _READING else "write")


def schema_of(function: CustomFunction) -> dict[str, Any]:
    """A JSON Schema of the arguments."""
    properties = {one.name: _property(one) for one in function.parameters}
    required = [one.name for one in function.parameters if one.required]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def out(function: CustomFunction) -> FunctionOut:
    return FunctionOut(
        name=function.name,
        description=function.description,
        parameters=schema_of(function),
        effect=effect_of(function),
    )


def check(
    definition: Definition, auth: Mapping[str, Any], environments: Iterable[str]
) -> Definition:
    """With the base URL as it is used. Raises BadTool, BadAuthConfig, with the field."""
    parsed = auth_config.parse(auth)
    _check_strategies(parsed)
    own = set(environments)
    if own and any(one.name == "base_url" for way in parsed.strategies for one in way.parameters):
        # Whoever makes a connection would choose where the secrets of the tool go.
        raise BadTool("a tool with secrets of its own has one address", field="environments")
    known = {one.name for way in parsed.strategies for one in way.parameters} | own
    _check_templates(definition, known)
    if len({one.name for one in definition.functions}) < len(definition.functions):
        raise BadTool("two functions have the same name", field="functions")
    for n, function in enumerate(definition.functions):
        _check_function(definition, function, f"functions.{n}")
    _check_account(definition)
    try:
        base_url = _SERVER.check(definition.base_url)
    except BadValue as error:
        raise BadTool(error.message, field="base_url") from error
    return definition.model_copy(update={"base_url": base_url})


def _check_strategies(auth: AuthConfig) -> None:
    for strategy in auth.strategies:
        for parameter in strategy.parameters:
            if parameter.is_hidden and parameter.default:
                where = f"auth_config.{strategy.name}.{parameter.name}.default"
                raise BadAuthConfig("a secret has no default", field=where)


def _check_templates(definition: Definition, known: set[str]) -> None:
    for place, texts in (("headers", definition.headers), ("query", definition.query)):
        for name, template in texts.items():
            _check_template(f"{place}.{name}", name, template, known)
    for name in definition.headers:
        owned = headers.is_ours(name) and name.lower() not in ("authorization", "cookie")
        if not headers.is_name(name) or owned:
            raise BadTool(f"{name!r} cannot be set", field=f"headers.{name}")
    if definition.basic:
        user, password = definition.basic
        _check_template("basic", "user", user, known)
        _check_template("basic", "password", password, known)


def _check_template(field: str, name: str, template: str, known: set[str]) -> None:
    if unknown := templates.names(template) - known:
        words = ", ".join(sorted(unknown))
        raise BadTool(f"neither auth_config nor environments has {words}", field=field)
    if templates.is_sensitive(name) and templates.holds_a_literal(template):
        raise BadTool(
            "a secret is not written here: put it into environments, or let a connection ask for "
            "it, and refer to it as {name}",
            field=field,
        )


def _check_function(definition: Definition, function: CustomFunction, where: str) -> None:
    names = [one.name for one in function.parameters]
    if len(set(names)) < len(names):
        raise BadTool("two parameters have the same name", field=f"{where}.parameters")
    in_path = {one.name for one in function.parameters if one.place == "path"}
    if in_path != templates.names(function.path):
        raise BadTool(
            "the names in braces are not those of the path parameters", field=f"{where}.path"
        )
    places = [one.place for one in function.parameters]
    if places.count("whole") > 1 or ("whole" in places and "body" in places):
        raise BadTool("one parameter is the whole body, or many are parts", field=where)
    if "body" in places and function.encoding == "text":
        raise BadTool("a text has no parts: use the place whole", field=f"{where}.encoding")
    _check_result(function.result, f"{where}.result")
    for n, parameter in enumerate(function.parameters):
        _check_parameter(definition, parameter, f"{where}.parameters.{n}")


def _check_parameter(definition: Definition, parameter: CustomParameter, where: str) -> None:
    check_schema(_property(parameter), f"{where}.shape")
    wire = parameter.wire or parameter.name
    taken: Mapping[str, str] = {}
    if parameter.place == "header":
        taken = {name.lower(): "" for name in definition.headers}
        if not headers.is_name(wire) or headers.is_ours(wire) or wire.lower() in taken:
            raise BadTool(f"a model cannot set the header {wire!r}", field=where)
    if parameter.place == "query" and wire in definition.query:
        raise BadTool(f"{wire!r} is set by the connection", field=where)
    if parameter.place == "path" and not parameter.required and parameter.default is None:
        raise BadTool("a part of the path is required, or has a default", field=where)


def _check_account(definition: Definition) -> None:
    _check_result(definition.account_result, "account_result")
    if definition.account:
        found = definition.function(definition.account)
        if found is None or effect_of(found) != "read" or schema_of(found)["required"]:
            raise BadTool(
                "it must be a function that reads and needs no arguments", field="account"
            )


def _check_result(expression: str, where: str) -> None:
    if expression:
        try:
            jmespath.compile(expression)
        except JMESPathError as error:
            raise BadTool(f"this is no JMESPath expression: {error}", field=where) from error


def _property(parameter: CustomParameter) -> dict[str, Any]:
    said: dict[str, Any] = dict(parameter.shape)
    if parameter.description:
        said["description"] = parameter.description
    if parameter.default is not None:
        said["default"] = parameter.default
    return said
