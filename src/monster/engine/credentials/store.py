"""What credentials are made of, and kept in."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from monster.contracts.auth_config import CLIENT_CREDENTIALS, TOKEN_CREDS
from monster.contracts.credentials import CredentialOut
from monster.engine.access.scope import Scope
from monster.engine.credentials.models import Credential
from monster.engine.credentials.schemas import REFRESH_TOKEN
from monster.engine.secrets.service import Secrets
from monster.engine.tool_factories import service as tool_factories
from monster.engine.toolkit.catalogue import Catalogue
from monster.engine.toolkit.definitions import Definition

_RENEWED = frozenset({REFRESH_TOKEN, TOKEN_CREDS})


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
        if _RENEWED & set(found.secrets) or found.strategy == CLIENT_CREDENTIALS:
            values["expires_at"] = None  # of its token: that is renewed, the connection goes on
        return CredentialOut(**values, tool_factory_id=factory_id)
