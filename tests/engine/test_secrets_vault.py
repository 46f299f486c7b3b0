"""An engine whose master key is in Vault, through its front door."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from monster.contracts.tokens import Permission
from monster.engine.app import create_app
from monster.engine.secrets.vault_keys import VaultKeys
from monster.engine.settings import Settings
from monster.engine.settings import Vault as VaultSettings
from monster.kit.addresses import parse_networks
from monster.kit.embedded import Embedded
from tests import stores, vaults
from tests.builders import PUBLIC_PEM, Tenant
from tests.stores import Store
from tests.upstream import OpenAI, upstream

# One that waits for Vault with a transaction in hand is idle in it.
WAITING = """
    select count(*) from pg_stat_activity
    where datname = current_database() and state ^@ 'idle in transaction'
"""
OAUTH = {
    "system_name": "slack",
    "name": "Ours",
    "client_id": "id",
    "client_secret": "secret-secret",
}
MCP = {
    "name": "Ours",
    "url": "http://127.0.0.1:9/mcp",
    "environments": {"TOKEN": "token-token"},
    "headers": {"Authorization": "Bearer ${TOKEN}"},
}

CUSTOM = {
    "name": "Ours",
    "base_url": "https://shop.example",
    "headers": {"X-Key": "{own}"},
    "environments": {"own": "secret-of-the-tool"},
    "functions": [{"name": "items", "description": "All items.", "path": "/items"}],
}

CHANGES = {
    "tool_factories": {"environments": {"own": "another-secret-of-it"}},
    "oauth_providers": {"client_secret": "another-secret"},
    "mcp_servers": {"environments": {"TOKEN": "another-token"}},
}


@asynccontextmanager
async def _engine(store: Store, vault: VaultSettings, folder: Path) -> AsyncGenerator[FastAPI]:
    settings = Settings(
        database_url=SecretStr(store.url),
        dashboard_public_key=PUBLIC_PEM,
        vault=vault,
        master_key_from="vault",
        outbound_allow=parse_networks(("127.0.0.1",)),
        data_dir=folder,
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


async def test_no_transaction_waits_for_vault(
    postgres: Embedded, dashboard: FastAPI, tmp_path: Path
) -> None:
    async with (
        vaults.vault() as vault,
        stores.store(postgres, VaultKeys(vault.settings())) as store,
        upstream(OpenAI.names) as served,
    ):
        waiting: list[int] = []
        vault.at_each = lambda: waiting.append(store.sql(WAITING)[0][0])
        values = {"api_key": "sk-0123456789", "base_url": f"{served.url}/v1"}
        key = {"system_name": "openai", "name": "Main", "scope": "shared", "values": values}
        forms: dict[str, dict[str, Any]] = {
            "oauth_providers": OAUTH,
            "mcp_servers": MCP,
            "credentials": key,
            "tool_factories": CUSTOM,
        }
        for path, form in forms.items():
            place = "tool_factories/custom" if form is CUSTOM else path
            async with _engine(store, vault.settings(), tmp_path) as engine:
                tenant = Tenant(dashboard, engine)
                caller = tenant.caller(Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)
                made = await caller.post(f"/v1/{place}", json=form)
                assert made.status_code == 201, made.text
            async with _engine(store, vault.settings(), tmp_path) as engine:
                tenant = Tenant(dashboard, engine, tenant.id, tenant.user_id)
                caller = tenant.caller(Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE)
                url = f"/v1/{path}/{made.json()['id']}"
                used = (
                    await caller.post(f"{url}/test")
                    if path == "credentials"
                    else await caller.patch(url, json=CHANGES[path])
                )
                assert used.status_code == 200, used.text
        assert vault.asked == ["encrypt", "decrypt"] * len(forms)
        assert waiting == [0] * len(vault.asked)


async def test_while_vault_is_sealed_people_are_told(
    postgres: Embedded, dashboard: FastAPI, tmp_path: Path
) -> None:
    async with (
        vaults.vault() as vault,
        stores.store(postgres, VaultKeys(vault.settings())) as store,
        _engine(store, vault.settings(), tmp_path) as engine,
    ):
        caller = Tenant(dashboard, engine).caller(Permission.CREDENTIALS_WRITE)
        vault.sealed = True
        refused = await caller.post("/v1/oauth_providers", json=OAUTH)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "keys_unreachable"
        assert "Vault is sealed" in refused.json()["error"]["message"]
        vault.sealed = False
        assert (await caller.post("/v1/oauth_providers", json=OAUTH)).status_code == 201
