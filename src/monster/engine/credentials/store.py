"""What credentials are made of, and kept in."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.credentials import CredentialOut
from monster.engine.access.scope import Scope
from monster.engine.credentials.models import Credential
from monster.engine.secrets.service import Secrets
from monster.engine.tool_factories import service as tool_factories
from monster.engine.toolkit.catalogue import Catalogue
from monster.engine.toolkit.definitions import Definition


@dataclass(frozen=True, slots=True)
class Store:
    secrets: Secrets
    catalogue: Catalogue

    async def define(self, session: AsyncSession, scope: Scope, found: Credential) -> Definition:
        if found.tool_factory_id:
            factory_id = found.tool_factory_id
            return await tool_factories.define(session, scope, self.catalogue, factory_id)
        return tool_factories.named(self.catalogue, found.system_name)

    def out(self, found: Credential) -> CredentialOut:
        factory_id = found.tool_factory_id
        if factory_id is None:
            factory_id = tool_factories.named(self.catalogue, found.system_name).id
        names = CredentialOut.model_fields.keys() - {"tool_factory_id"}
        values = {name: getattr(found, name) for name in names}
        return CredentialOut(**values, tool_factory_id=factory_id)
