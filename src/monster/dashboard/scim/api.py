"""SCIM 2.0 for directories (RFC 7643 and 7644): parse, call the service, answer."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Body, Query, Response
from scim2_models import Context, ListResponse, Meta, Resource, ResourceType

from monster.dashboard.directory.schemas import Directory
from monster.dashboard.scim import service
from monster.dashboard.scim.errors import NoSuchResource, NotOffered
from monster.dashboard.scim.schemas import (
    CONFIG,
    Group,
    Groups,
    GroupSearch,
    User,
    Users,
    UserSearch,
)
from monster.dashboard.scim.scope import (
    MEDIA_TYPE,
    PREFIX,
    CurrentDirectory,
    ScimErrorOut,
    ScimResponse,
    ScimTransaction,
)
from monster.kit import scim

_REFUSED: dict[str, Any] = {
    "model": ScimErrorOut,
    "description": "Refused",
    "content": {MEDIA_TYPE: {}},
}
router = APIRouter(
    prefix=PREFIX,
    tags=["scim"],
    default_response_class=ScimResponse,
    responses={"4XX": _REFUSED, "501": {**_REFUSED, "description": "Not offered"}},
)

Sent: TypeAlias = Annotated[dict[str, Any], Body(media_type=MEDIA_TYPE)]
Search: TypeAlias = Annotated[scim.Searched, Body(media_type=MEDIA_TYPE)]
Asked: TypeAlias = Annotated[scim.Listed, Query()]
Shown: TypeAlias = Annotated[scim.Selected, Query()]

_SEARCHES: Mapping[type, Any] = {User: UserSearch, Group: GroupSearch}


def _one(resource: User | Group, shown: scim.Selected) -> Response:
    selected = scim.search(_SEARCHES[type(resource)], shown)
    context = Context.RESOURCE_QUERY_RESPONSE
    return ScimResponse(resource.model_dump(scim_ctx=context, response_parameters=selected))


def _made(resource: User | Group, shown: scim.Selected) -> Response:
    answer = _one(resource, shown)
    answer.status_code = 201
    if resource.meta and resource.meta.location:
        answer.headers["Location"] = resource.meta.location
    return answer


def _page(page: Users | Groups, selected: UserSearch | GroupSearch) -> Response:
    context = Context.RESOURCE_QUERY_RESPONSE
    return ScimResponse(page.model_dump(scim_ctx=context, response_parameters=selected))


# What this service is


def _described(directory: Directory, kind: str, resource: Resource[Any]) -> dict[str, Any]:
    path = f"{kind}/{resource.id}" if resource.id else kind
    location = f"{directory.base_url}/{path}"
    resource.meta = Meta(resource_type=type(resource).__name__, location=location)
    return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def _types(directory: Directory) -> dict[str, dict[str, Any]]:
    known = (ResourceType.from_resource(model) for model in (User, Group))
    return {str(one.id): _described(directory, "ResourceTypes", one) for one in known}


def _schemas(directory: Directory) -> dict[str, dict[str, Any]]:
    known = (model.to_schema() for model in (User, Group))
    return {str(one.id): _described(directory, "Schemas", one) for one in known}


def _all(known: Mapping[str, dict[str, Any]]) -> Response:
    counts = {"totalResults": len(known), "startIndex": 1, "itemsPerPage": len(known)}
    schemas = [str(ListResponse.__schema__)]
    return ScimResponse({"schemas": schemas, **counts, "Resources": list(known.values())})


def _known(known: Mapping[str, dict[str, Any]], key: str) -> Response:
    if key not in known:
        raise NoSuchResource("there is no such description")
    return ScimResponse(known[key])


@router.get("/ServiceProviderConfig")
async def describe_service(directory: CurrentDirectory) -> Response:
    config = CONFIG.model_copy()
    return ScimResponse(_described(directory, "ServiceProviderConfig", config))


@router.get("/ResourceTypes")
async def list_resource_types(directory: CurrentDirectory) -> Response:
    return _all(_types(directory))


@router.get("/ResourceTypes/{name}")
async def get_resource_type(name: str, directory: CurrentDirectory) -> Response:
    return _known(_types(directory), name)


@router.get("/Schemas")
async def list_schemas(directory: CurrentDirectory) -> Response:
    return _all(_schemas(directory))


@router.get("/Schemas/{urn}")
async def get_schema(urn: str, directory: CurrentDirectory) -> Response:
    return _known(_schemas(directory), urn)


@router.get("/Me")
async def get_me(_: CurrentDirectory) -> Response:
    raise NotOffered("a directory is nobody")


@router.post("/.search")
async def search_all(_: CurrentDirectory) -> Response:
    raise NotOffered("search users and groups apart, at /Users/.search and /Groups/.search")


# Users


@router.get("/Users")
async def list_users(
    asked: Asked, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _page(*await service.users(session, directory, asked))


@router.post("/Users/.search")
async def search_users(
    asked: Search, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _page(*await service.users(session, directory, asked))


@router.post("/Users", status_code=201)
async def create_user(
    sent: Sent, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _made(await service.create_user(session, directory, sent), shown)


@router.get("/Users/{user_id}")
async def get_user(
    user_id: str, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _one(await service.user(session, directory, user_id), shown)


@router.put("/Users/{user_id}")
async def replace_user(
    user_id: str, sent: Sent, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _one(await service.replace_user(session, directory, user_id, sent), shown)


@router.patch("/Users/{user_id}")
async def patch_user(
    user_id: str, sent: Sent, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _one(await service.patch_user(session, directory, user_id, sent), shown)


@router.delete("/Users/{user_id}", status_code=204)
async def delete_user(user_id: str, session: ScimTransaction, directory: CurrentDirectory) -> None:
    await service.delete_user(session, directory, user_id)


# Groups


@router.get("/Groups")
async def list_groups(
    asked: Asked, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _page(*await service.groups(session, directory, asked))


@router.post("/Groups/.search")
async def search_groups(
    asked: Search, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _page(*await service.groups(session, directory, asked))


@router.post("/Groups", status_code=201)
async def create_group(
    sent: Sent, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _made(await service.create_group(session, directory, sent), shown)


@router.get("/Groups/{group_id}")
async def get_group(
    group_id: str, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _one(await service.group(session, directory, group_id), shown)


@router.put("/Groups/{group_id}")
async def replace_group(
    group_id: str, sent: Sent, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _one(await service.replace_group(session, directory, group_id, sent), shown)


@router.patch("/Groups/{group_id}")
async def patch_group(
    group_id: str, sent: Sent, shown: Shown, session: ScimTransaction, directory: CurrentDirectory
) -> Response:
    return _one(await service.patch_group(session, directory, group_id, sent), shown)


@router.delete("/Groups/{group_id}", status_code=204)
async def delete_group(
    group_id: str, session: ScimTransaction, directory: CurrentDirectory
) -> None:
    await service.delete_group(session, directory, group_id)
