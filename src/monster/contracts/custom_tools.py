"""Custom tools: HTTP calls that a workspace describes itself, or picks from an OpenAPI document."""

import uuid
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, SecretStr, StringConstraints

from monster.contracts.tools import EffectName
from monster.kit.schemas import WHOLE, Input, Json, JsonObject, Line, Name, Output

Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# `body`: a member of the object that is sent; `whole`: all of the body.
Place: TypeAlias = Literal["path", "query", "header", "body", "whole"]

MOST_FUNCTIONS = 200
MOST_PARAMETERS = 60
LARGEST_DOCUMENT = 4_000_000  # characters of an OpenAPI document

Argument: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Text: TypeAlias = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00]*$")]
Wire: TypeAlias = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Address: TypeAlias = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^[^\x00-\x20]*$")]
# What a request carries besides its arguments. "Bearer {token}" takes `token` from the credential,
# or from `environments`. What authorizes is never written here as it is.
Templates: TypeAlias = Annotated[dict[Wire, Wire], Field(max_length=30)]
Environments: TypeAlias = Annotated[dict[Argument, SecretStr], Field(max_length=30)]


class CustomParameter(Input):
    """An argument that a model gives. `wire` is its name in the request, if that is another.

    `shape` is the JSON Schema of its value, without references. Of a list in a query, `explode`
    repeats the name for each item; without it they are joined by commas.
    """

    name: Argument
    place: Place
    wire: Wire = ""
    description: Text = ""
    shape: Annotated[JsonObject, Field(max_length=100)] = Field(
        default_factory=lambda: {"type": "string"}
    )
    required: bool = False
    default: Json = None
    explode: bool = True


class CustomFunction(Input):
    """One HTTP call. `path` follows the base URL; "{name}" in it is a parameter in `path`.

    Retries are made of what reads or may be repeated, and only then. `result` is a JMESPath
    expression that picks from the answer; empty is all of it. Without `effect`, GET and HEAD read
    and all else writes.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
    description: Annotated[Text, Field(min_length=1)]
    method: Method = "GET"
    path: Annotated[Address, StringConstraints(pattern=r"^/[^?#]*$")]
    parameters: Annotated[tuple[CustomParameter, ...], Field(max_length=MOST_PARAMETERS)] = ()
    encoding: Literal["json", "form", "text"] = "json"
    timeout_seconds: Annotated[int, Field(ge=1, le=120), WHOLE] = 30
    retries: Annotated[int, Field(ge=0, le=5), WHOLE] = 2
    result: Annotated[Wire, Field(max_length=500)] = ""
    effect: EffectName | None = None


class CustomToolCreate(Input):
    """`auth_config` is what a connection takes, as `contracts.auth_config` reads it; a parameter
    `base_url` there takes the place of `base_url`. `headers`, `query` and `basic` (user name and
    password) say how its values go into requests. `environments` are secrets of the tool itself.

    `account` names a function without required arguments that tests a connection, and
    `account_result` picks who we are there from its answer.
    """

    name: Name
    description: Line = ""
    category: Line = "Custom"
    logo: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,50}$")] = "webhook"
    help: Text = ""
    base_url: Address
    auth_config: JsonObject = Field(default_factory=dict)
    headers: Templates = Field(default_factory=dict)
    query: Templates = Field(default_factory=dict)
    basic: tuple[Wire, Wire] | None = None
    environments: Environments = Field(default_factory=dict)
    functions: Annotated[tuple[CustomFunction, ...], Field(min_length=1, max_length=MOST_FUNCTIONS)]
    account: Wire = ""
    account_result: Wire = ""


class CustomToolChange(Input):
    """Only what is sent is changed; of `environments` those that are named, an empty one is
    forgotten."""

    name: Name = ""
    description: Line = ""
    category: Line = ""
    logo: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,50}$")] = "webhook"
    help: Text = ""
    base_url: Address = ""
    auth_config: JsonObject = Field(default_factory=dict)
    headers: Templates = Field(default_factory=dict)
    query: Templates = Field(default_factory=dict)
    basic: tuple[Wire, Wire] | None = None
    environments: Environments = Field(default_factory=dict)
    functions: Annotated[
        tuple[CustomFunction, ...], Field(min_length=1, max_length=MOST_FUNCTIONS)
    ] = ()
    account: Wire = ""
    account_result: Wire = ""


class OpenApiSource(Input):
    """One of both: the document itself (JSON or YAML), or where it is."""

    document: Annotated[str, StringConstraints(max_length=LARGEST_DOCUMENT)] = ""
    url: Address = ""


class OpenApiOperation(Output):
    """`id` is what it is chosen by; `parameters` is a JSON Schema of what a model gives."""

    id: str
    method: str
    path: str
    summary: str
    parameters: dict[str, Any]
    effect: EffectName


class OpenApiPreview(Output):
    """What is in a document. `notes` are sentences about what cannot be used as it stands.

    `oauth` is what the document says of its provider (authorization_url, token_url, scopes), for
    whoever registers there; empty if it says nothing.
    """

    name: str
    description: str
    version: str
    servers: list[str]
    auth_config: dict[str, Any]
    oauth: dict[str, Any]
    operations: list[OpenApiOperation]
    notes: list[str]


class OpenApiImport(OpenApiSource):
    """`operations` are the ids that are chosen; `base_url` takes the place of the document's."""

    name: Name
    description: Line = ""
    base_url: Address = ""
    operations: Annotated[tuple[Wire, ...], Field(min_length=1, max_length=MOST_FUNCTIONS)]


class FunctionTry(Input):
    """One call of a tool factory, to see what comes of it: it really is made. Without a credential
    the caller's own is taken, if one is needed."""

    function: Wire
    arguments: JsonObject = Field(default_factory=dict)
    credential_id: uuid.UUID | None = None


class FunctionTried(Output):
    """`result` is what a model would be given; `error` is why there is none."""

    result: Any
    error: str | None
