"""What tools can be made of: the systems that come with Monster, and what a tenant made itself."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts import auth_config
from monster.contracts.custom_tools import CustomToolChange, CustomToolCreate
from monster.contracts.tokens import Permission
from monster.contracts.tools import ToolFactoryOut
from monster.engine.access.scope import Scope
from monster.engine.custom_tools import definition as definition_of
from monster.engine.custom_tools.definition import Definition as CustomDefinition
from monster.engine.custom_tools.errors import BadTool
from monster.engine.secrets.schemas import Owner
from monster.engine.secrets.service import Secrets
from monster.engine.tool_factories import queries
from monster.engine.tool_factories.errors import (
    OtherKind,
    ToolFactoryInUse,
    ToolFactoryNameTaken,
    ToolFactoryNotFound,
)
from monster.engine.tool_factories.models import ToolFactory
from monster.engine.toolkit import definitions
from monster.engine.toolkit.catalogue import Catalogue
from monster.engine.toolkit.definitions import Definition
from monster.kit import audit
from monster.kit.audit import Action, Entry
from monster.kit.errors import Forbidden
from monster.kit.ids import new_id

_KIND = "tool_factory"
_MOST = 500  # that a tenant makes
_SHOWN = ("name", "description", "category", "logo", "help")
_DEFINED = {*CustomDefinition.model_fields}


async def all_of(session: AsyncSession, scope: Scope, catalogue: Catalogue) -> list[ToolFactoryOut]:
    """Those of the tenant last."""
    scope.require(Permission.CREDENTIALS_READ)
    made = await queries.made(session, scope, _MOST)
    here = (one for one in catalogue.systems.values() if not one.missing())
    return [*(one.out() for one in here), *map(_out, made)]


async def get(
    session: AsyncSession, scope: Scope, catalogue: Catalogue, factory_id: uuid.UUID
) -> ToolFactoryOut:
    scope.require(Permission.CREDENTIALS_READ)
    if system := catalogue.by_id(factory_id):
        return system.out()
    return _out(await _made(session, scope, factory_id))


async def create_custom(
    session: AsyncSession, scope: Scope, secrets: Secrets, data: CustomToolCreate
) -> ToolFactoryOut:
    """Raises BadTool, BadAuthConfig, with the field."""
    scope.require(Permission.CREDENTIALS_WRITE)
    if scope.user_id is None:
        raise Forbidden("a tool is somebody's: the token names no person")
    environments = _plain(data.environments)
    values = data.model_dump(exclude={"environments"})
    row = _row(values, environments.keys())
    made = await queries.insert_if_free(
        session, scope, {"id": new_id(), "user_id": scope.user_id, "kind": "custom", **row}
    )
    if made is None:
        raise ToolFactoryNameTaken(f"there is a tool named {data.name!r}", field="name")
    await secrets.put(session, scope, Owner(_KIND, made.id), environments)
    created = Entry(Action.CREATE, _KIND, made.id, after=_told(made))
    await audit.record(session, scope.actor, created)
    return _out(made)


async def change_custom(
    session: AsyncSession,
    scope: Scope,
    secrets: Secrets,
    factory_id: uuid.UUID,
    data: CustomToolChange,
) -> ToolFactoryOut:
    """Raises BadTool, BadAuthConfig, ToolFactoryNotFound, ToolFactoryInUse, OtherKind."""
    scope.require(Permission.CREDENTIALS_WRITE)
    found = await _made(session, scope, factory_id)
    if found.kind != "custom":
        raise OtherKind("this is no custom tool")
    before = _told(found)
    was = {name: getattr(found, name) for name in (*_SHOWN, "auth_config")} | found.config
    sent = _plain(data.environments)
    new = data.model_dump(include=data.model_fields_set - {"environments"})
    emptied = {name for name, value in sent.items() if not value}
    row = _row(was | new, ({*found.environments} | sent.keys()) - emptied)
    if row["config"]["base_url"] != found.config["base_url"]:
        await _check_move(session, scope, found, sent)
    saved = await queries.save(session, scope, factory_id, row)
    if saved is None:
        raise ToolFactoryNameTaken(f"there is a tool named {data.name!r}", field="name")
    owner = Owner(_KIND, factory_id)
    kept = {name: value for name, value in sent.items() if value}
    await secrets.put(session, scope, owner, kept)
    await secrets.drop(session, scope, owner, emptied)
    changed = Entry(Action.UPDATE, _KIND, factory_id, before, _told(saved))
    await audit.record(session, scope.actor, changed)
    return _out(saved)


async def _check_move(
    session: AsyncSession, scope: Scope, found: ToolFactory, sent: Mapping[str, str]
) -> None:
    """Nobody sends secrets that others gave for one address to another one."""
    if await queries.has_credentials(session, scope, found.id):
        raise ToolFactoryInUse(
            "people have connected it at its old address: make another tool", field="base_url"
        )
    if {*found.environments} - sent.keys():
        raise BadTool("say its secrets again for the new address", field="environments")


async def delete(session: AsyncSession, scope: Scope, factory_id: uuid.UUID) -> None:
    """With its credentials and their secrets. What comes with Monster stays."""
    scope.require(Permission.CREDENTIALS_WRITE)
    gone = await queries.remove(session, scope, factory_id)
    if gone is None:
        raise ToolFactoryNotFound(f"no tool factory {factory_id} of this workspace")
    was = {"name": gone.name, "kind": gone.kind}
    await audit.record(session, scope.actor, Entry(Action.DELETE, _KIND, factory_id, before=was))


async def define(
    session: AsyncSession, scope: Scope, catalogue: Catalogue, factory_id: uuid.UUID
) -> Definition:
    """Within the engine; whoever asks has checked what the caller may do.

    Raises ToolFactoryNotFound.
    """
    if system := catalogue.by_id(factory_id):
        return definitions.of(system)
    made = await _made(session, scope, factory_id)
    return Definition(
        made.id,
        made.name,
        made.kind,
        auth_config.parse(made.auth_config),
        (),
        config=made.config,
        oauth_provider_id=made.oauth_provider_id,
    )


def named(catalogue: Catalogue, system_name: str) -> Definition:
    """Raises ToolFactoryNotFound."""
    system = catalogue.systems.get(system_name)
    if system is None:
        raise ToolFactoryNotFound(f"there is no system {system_name!r}", field="system_name")
    return definitions.of(system)


async def _made(session: AsyncSession, scope: Scope, factory_id: uuid.UUID) -> ToolFactory:
    found = await queries.get(session, scope, factory_id)
    if found is None:
        raise ToolFactoryNotFound(f"no tool factory {factory_id}", field="tool_factory_id")
    return found


def _row(values: Mapping[str, Any], environments: Collection[str]) -> dict[str, Any]:
    """Checked, as the table has it."""
    kept = {name: value for name, value in values.items() if name in _DEFINED}
    wanted = CustomDefinition.model_validate(kept)
    checked = definition_of.check(wanted, values["auth_config"], environments)
    return {
        **{name: values[name] for name in _SHOWN},
        "auth_config": values["auth_config"],
        "config": checked.model_dump(mode="json"),
        "environments": sorted(environments),
        "tools": [definition_of.out(one).model_dump() for one in checked.functions],
    }


def _plain(environments: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in environments.items()}


def _told(made: ToolFactory) -> dict[str, object]:
    """What the audit log may keep: of the secrets their names."""
    shown = {name: getattr(made, name) for name in ("name", "description", "auth_config")}
    functions = [one["name"] for one in made.tools]
    where = made.config.get("base_url")
    return {**shown, "base_url": where, "functions": functions, "secrets": made.environments}


def _out(made: ToolFactory) -> ToolFactoryOut:
    return ToolFactoryOut.model_validate(
        {
            "id": made.id,
            "kind": made.kind,
            "system_name": "",
            "name": made.name,
            "description": made.description,
            "category": made.category,
            "logo": made.logo,
            "help": made.help,
            "auth_config": made.auth_config,
            "oauth": [],
            "type": made.type,
            "compatible_system": made.compatible_system,
            "tools": made.tools,
            "config": made.config,
            "status": made.status,
            "last_error": made.last_error,
        }
    )
