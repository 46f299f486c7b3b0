"""What tools can be made of: the systems that come with Monster, and what a tenant made itself."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts import auth_config
from monster.contracts.tokens import Permission
from monster.contracts.tools import ToolFactoryOut
from monster.engine.access.scope import Scope
from monster.engine.tool_factories import queries
from monster.engine.tool_factories.errors import ToolFactoryNotFound
from monster.engine.tool_factories.models import ToolFactory
from monster.engine.toolkit import definitions
from monster.engine.toolkit.catalogue import Catalogue
from monster.engine.toolkit.definitions import Definition
from monster.kit import audit
from monster.kit.audit import Action, Entry

_KIND = "tool_factory"
_MOST = 500  # that a tenant makes


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
