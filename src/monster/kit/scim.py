"""What SCIM messages say (RFC 7644): bodies, patches, searches, and the errors about them."""

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from scim2_models import (
    Context,
    Error,
    InvalidSyntaxException,
    InvalidValueException,
    PatchOp,
    Resource,
    SCIMException,
    ScimPolicy,
    SearchRequest,
)
from scim2_models.path import AttrPath

from monster.kit.errors import AppError
from monster.kit.scim_filters import Window

MOST = 200  # resources of one page
_DEEPEST = 32
_LONGEST = 1000  # characters of one value
_FARTHEST = 2**31  # PostgreSQL counts rows no further than this squared

# Directories send whatever they know about people, and do not mind if we keep only some of it.
LENIENT = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)

Message: TypeAlias = Mapping[str, Any]
AnyResource = TypeVar("AnyResource", bound=Resource[Any])
AnySearch = TypeVar("AnySearch", bound=SearchRequest[Any])


class ScimRefused(AppError):
    """`code` is SCIM's keyword, or empty where it has none."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@contextmanager
def translated() -> Generator[None]:
    """The library's errors become ours where they enter."""
    try:
        yield
    except SCIMException as error:
        raise ScimRefused(str(error), status=error.status, code=error.scim_type) from error
    except ValidationError as error:
        said = Error.from_validation_errors(error)[0]
        code, status = said.scim_type or "invalidValue", said.status or 400
        raise ScimRefused(said.detail or "not understood", status=status, code=code) from error


# Searches


class Selected(BaseModel):
    """Which attributes to send, or to leave out."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    attributes: Annotated[str | None, Field(max_length=2000)] = None
    excluded_attributes: Annotated[str | None, Field(max_length=2000)] = None


class _Asked(BaseModel):
    """What of all there is, in SCIM's names."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    filter: Annotated[str | None, Field(max_length=8000)] = None
    sort_by: Annotated[str | None, Field(max_length=200)] = None
    sort_order: Annotated[str | None, Field(max_length=20)] = None
    start_index: int = 1
    count: int = 100


class Listed(_Asked, Selected):
    """In the address of a list."""


class Searched(_Asked):
    """In the body of a search."""

    attributes: Annotated[list[str] | None, Field(max_length=100)] = None
    excluded_attributes: Annotated[list[str] | None, Field(max_length=100)] = None


Asked: TypeAlias = Listed | Searched | Selected


def search(kind: type[AnySearch], asked: Asked) -> AnySearch:
    with translated():
        said = asked.model_dump(by_alias=True, exclude_none=True)
        return kind.model_validate(said, scim_policy=LENIENT)


def window(wanted: SearchRequest[Any]) -> Window:
    node: object = wanted.sort_by.ast if wanted.sort_by else None
    return Window(
        filter=wanted.filter.ast if wanted.filter else None,
        sort_by=node if isinstance(node, AttrPath) else None,
        descending=wanted.sort_order == SearchRequest.SortOrder.descending,
        offset=min((wanted.start_index or 1) - 1, _FARTHEST),
        limit=min(wanted.count or 0, MOST),
    )


def wants(wanted: SearchRequest[Any], attribute: str) -> bool:
    """Whether it will be shown, so that it need not be fetched in vain."""
    if wanted.attributes:
        return attribute in _top(wanted.attributes)
    return attribute not in _top(wanted.excluded_attributes or ())


def _top(paths: Collection[str]) -> set[str]:
    return {str(path).rpartition(":")[2].partition(".")[0].lower() for path in paths}


# Bodies


def read(
    kind: type[AnyResource], sent: Message, context: Context, defaults: Message
) -> AnyResource:
    """`defaults`: by name, of what need not be sent."""
    with translated():
        check(sent)
        known = {name.lower() for name in sent}
        absent = {name: value for name, value in defaults.items() if name.lower() not in known}
        return kind.model_validate({**sent, **absent}, scim_ctx=context, scim_policy=LENIENT)


def patch(resource: Resource[Any], sent: Message, ignored: Collection[str] = ()) -> None:
    """Changes the resource as it says. `ignored`, in lower case: attributes that only follow from
    others here; directories set them all the same."""
    with translated():
        check(sent)
        asked = _operations(sent)
        left = [cut for one in asked if (cut := _without(one, ignored)) is not None]
        if asked and not left:
            return
        message = {"schemas": sent.get("schemas", []), "Operations": left}
        kind = PatchOp[type(resource)]
        context = Context.RESOURCE_PATCH_REQUEST
        operations = kind.model_validate(message, scim_ctx=context, scim_policy=LENIENT)
        operations.patch(resource, scim_policy=LENIENT)


def _operations(sent: Message) -> list[Message]:
    found = next((value for name, value in sent.items() if name.lower() == "operations"), None)
    items = cast("list[object]", found) if isinstance(found, list) else []
    if not items or not all(isinstance(item, dict) for item in items):
        raise InvalidSyntaxException(detail="this takes a list of operations")
    return cast("list[Message]", items)


def _without(operation: Message, ignored: Collection[str]) -> Message | None:
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str) and path:
        return None if _first(path) in ignored else operation
    if not isinstance(value, dict):
        return operation
    values = cast("Message", value)
    left = {name: one for name, one in values.items() if _first(name) not in ignored}
    return {**operation, "value": left} if left or not values else None


def _first(path: str) -> str:
    """The attribute in `emails[type eq "work"].value`, with or without its schema before it."""
    name = path.partition("[")[0]
    return name.rpartition(":")[2].partition(".")[0].strip().lower()


def check(sent: object) -> None:
    """Refuses what neither the database nor a reader can bear."""
    waiting = [(sent, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise InvalidSyntaxException(detail="this is nested too deeply")
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict):
            pairs = cast("dict[str, object]", value)
            waiting += [(one, depth + 1) for pair in pairs.items() for one in pair]
        elif isinstance(value, list):
            waiting += [(one, depth + 1) for one in cast("list[object]", value)]


def _check_text(value: str) -> None:
    if len(value) > _LONGEST:
        raise InvalidValueException(detail=f"a value has at most {_LONGEST} characters")
    if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise InvalidValueException(detail="there are signs in it that are no text")
