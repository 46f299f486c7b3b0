"""A company that has one of everything, so that every id of an operation can be somebody's."""

import base64
import hashlib
import json
import secrets
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args

import bcrypt
import httpx
import psycopg
from fastapi import FastAPI
from pyotp.totp import TOTP

from monster.contracts.agents import QUOTING, AgentSpec
from monster.contracts.api_keys import KeyPermission
from monster.contracts.tokens import Permission
from monster.dashboard.identity.pages import CHALLENGE
from monster.dashboard.identity.scope import COOKIE
from monster.kit import clock
from monster.kit.ids import new_id
from tests import admins, catalogue
from tests.authenticator import Authenticator
from tests.builders import Tenant, client, create_agent, owner_conninfo, publish
from tests.isolation.forms import BODIES, FOUND, PASSWORD
from tests.isolation.operations import Field, Operation

# What an id is called, where that is not the kind of thing with `_id` after it.
KINDS = {
    "agent_ids": "agent",
    "chunk_id": "passage",
    "current": "conversation",
    "factory": "tool_factory",
    "indexes": "index",
    "parent": "shelf",
    "parent_id": "shelf",
    "person": "user",
    "run": "run",
    "source": "credential",
}

# Where the same name means another kind.
HERE = (
    ("/contacts/", "conversation", "talk"),
    ("/scim/v2/", "user", "member"),
    ("/admin/", "user", "colleague"),
    ("/workspaces/invitations/", "invitation", "waiting"),
    ("/v1/", "row", "engine row"),
    ("/v1/tool_factories/", "tool_factory", "custom tool"),
    ("/settings/custom-tools/", "tool_factory", "custom tool"),
    ("/authorize", "credential", "grant"),
    ("/device", "credential", "grant"),
    ("/agents/{agent_id}/tools", "credential", "link"),
)

# Nobody of a company is given these: the dashboard asks so for platform admins alone.
PLATFORMS = frozenset({Permission.SYSTEM_READ, Permission.SYSTEM_WRITE})

LATER = "2099-01-01"

# What has to be so for an operation to change something, by what its path ends with.
_BEFORE = {
    "/members/{member_id}/reactivate": "update tenant_member set is_active = false"
    " where id = %(member)s",
    "/users/{user_id}/activate": """update "user" set is_active = false where id = %(colleague)s""",
    "/tenants/{tenant_id}/resume": "update tenant set suspended_at = now() where id = %(tenant)s",
    "/totp/remove": "update totp set confirmed_at = now() where user_id = %(user)s",
    "/runs/{run_id}/cancel": "update run set status = 'waiting' where id = %(run)s",
    "/{mcp_server_id}/register": "update tool_factory set config_json ="
    """ config_json || '{"auth": "oauth"}' where id = %(mcp_server)s""",
    "/runs/{run_id}/answers": "update run set status = 'waiting' where id = %(run)s",
}


def kind_of(operation: Operation, field: Field) -> str:
    kind = field.kind or KINDS.get(field.name, field.name.removesuffix("_id"))
    places = (other for part, name, other in HERE if part in operation.path and name == kind)
    return next(places, kind)


@cache
def _hashed() -> str:
    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


@dataclass
class World:
    """`ids` by kind; `values` are what else only this company knows; `marker` is in every name, so
    that a leak is seen."""

    tenant: Tenant
    marker: str = field(default_factory=lambda: f"Zanzibar{new_id().hex}")
    ids: dict[str, str] = field(default_factory=dict[str, str])
    values: dict[str, object] = field(default_factory=dict[str, object])
    scim_token: str = ""
    api_key: str = ""

    def client(self, service: str) -> httpx.AsyncClient:
        """With everything that an owner may do."""
        if service == "engine":
            return self.tenant.caller(*(frozenset(Permission) - PLATFORMS))
        http = self.tenant.member("owner", self.tenant.user_id)
        http.cookies[CHALLENGE] = str(self.values.get("challenge", ""))
        return http

    def stranger(self, operation: Operation) -> httpx.AsyncClient:
        """As whom somebody of this company would ask for what is not theirs."""
        if operation.path.startswith("/scim/"):
            return client(self.tenant.dashboard, self.scim_token)
        return self.client(operation.service)

    def program(self) -> httpx.AsyncClient:
        """With an API key that may do whatever a key may do."""
        return client(self.tenant.engine, self.api_key)

    def keeper(self, operation: Operation) -> httpx.AsyncClient:
        """Whoever may do this: of the company, or a platform admin."""
        http = self.stranger(operation)
        if operation.path.endswith("/leave"):
            return self.tenant.member("editor", uuid.UUID(self.ids["colleague"]))
        if operation.path.endswith("/impersonation/end"):
            return self._disguised()
        if operation.path.startswith("/dev/"):  # shown to this machine alone
            http.base_url = httpx.URL("http://localhost")
            return http
        if operation.is_platforms:
            return admins.sign_in(self.tenant.dashboard)
        if operation.path.startswith("/v1/system"):
            return self.tenant.caller(*Permission)
        return http

    def _disguised(self) -> httpx.AsyncClient:
        http, admin = self.client("dashboard"), new_id()
        admins.sign_in(self.tenant.dashboard, admin)
        digest = hashlib.sha256(http.cookies[COOKIE].encode()).digest()
        with _owner(self.tenant.dashboard) as dashboard:
            acts = "update login_session set impersonator_id = %s where token_hash = %s"
            dashboard.execute(acts, [admin, digest])
        return http

    async def ready(self, operation: Operation) -> None:
        """Something for it to change."""
        of_engine = any(part in operation.path for part in ("/runs/", "{mcp_server_id}"))
        is_engines = operation.service == "engine" or of_engine
        app = self.tenant.engine if is_engines else self.tenant.dashboard
        for ending, statement in _BEFORE.items():
            if operation.path.endswith(ending):
                with _owner(app) as owner:
                    owner.execute(statement.encode(), self.ids)
        if operation.path.endswith("/passkeys"):
            await self._ask_for_passkey()

    async def _ask_for_passkey(self) -> None:
        answer = await self.client("dashboard").post("/api/factors/passkeys/options")
        credential = Authenticator().create(answer.json()["options"])
        self.values |= {
            "passkey_challenge": answer.json()["challenge"],
            "passkey": credential,
            "passkey_text": json.dumps(credential),
        }

    def traces(self) -> Iterator[str]:
        """What no answer to anybody else may hold."""
        yield from (self.marker, str(self.tenant.id), str(self.tenant.user_id))
        yield from self.ids.values()


@contextmanager
def _owner(app: FastAPI) -> Generator[psycopg.Connection[Any]]:
    with psycopg.connect(owner_conninfo(app), autocommit=True) as connection:
        yield connection


async def settle(tenant: Tenant) -> World:
    world = World(tenant)
    world.values["marker"] = world.marker
    world.values["name"] = f"{world.marker}.txt"  # of a file, in a path
    await _through_the_door(world)
    with _owner(tenant.dashboard) as dashboard, _owner(tenant.engine) as engine:
        _Engine(world, engine).fill()
        _Dashboard(world, dashboard).fill()
    return world


async def _through_the_door(world: World) -> None:
    """What must be real inside, for operations that succeed."""
    tenant, name = world.tenant, world.marker
    agent_id = (await create_agent(world.client("dashboard"), name=name))["id"]
    version = await publish(world.client("dashboard"), agent_id)
    engine = world.client("engine")
    spec = AgentSpec(
        version=version,
        user_id=tenant.user_id,
        scope="shared",
        name=name,
        model=QUOTING,
        instruction=name,
    )
    await engine.put(f"/v1/agents/{agent_id}", json=spec.model_dump(mode="json"))
    secret = {"system_name": "openai", "name": name, "values": {"api_key": name}}
    server = {"name": f"{name} server", "url": "http://127.0.0.1:9/mcp"}  # where nobody answers
    tool = {
        "name": name,
        "base_url": "https://shop.example",
        "functions": [{"name": "items", "description": name, "path": "/items"}],
    }
    run = (await engine.post(f"/v1/agents/{agent_id}/runs", json={"message": name})).json()
    world.ids |= {
        "agent": agent_id,
        "tenant": str(tenant.id),
        "user": str(tenant.user_id),
        "credential": (await engine.post("/v1/credentials", json=secret)).json()["id"],
        "mcp_server": (await engine.post("/v1/mcp_servers", json=server)).json()["id"],
        "custom tool": (await engine.post("/v1/tool_factories/custom", json=tool)).json()["id"],
        "index": (await engine.post("/v1/indexes", json={"name": name})).json()["id"],
        "run": run["id"],
        "conversation": run["conversation_id"],
    }
    await _grant(world, engine)


async def _grant(world: World, engine: httpx.AsyncClient) -> None:
    """Two OAuth apps, of which one is used, for a connection that nobody has agreed to yet."""
    app = dict(BODIES["POST /v1/oauth_providers"]) | {"client_id": world.marker}
    made = [
        (
            await engine.post("/v1/oauth_providers", json=app | {"name": f"{world.marker} {n}"})
        ).json()
        for n in range(2)
    ]
    grant = {
        "system_name": "jira",
        "strategy": "strategy_oauth",
        "name": f"{world.marker} 2",
        "oauth_provider_id": made[0]["id"],
    }
    world.ids["grant"] = (await engine.post("/v1/credentials", json=grant)).json()["id"]
    world.ids["oauth_provider"] = made[1]["id"]
    begun = await engine.post(
        f"/v1/credentials/{world.ids['grant']}/authorize",
        json=BODIES["POST /v1/credentials/{credential_id}/authorize"],
    )
    world.values["oauth_state"] = httpx.URL(begun.json()["url"]).params["state"]


def _secret(tenant_id: uuid.UUID, prefix: str) -> str:
    home = base64.urlsafe_b64encode(tenant_id.bytes).decode().rstrip("=")
    return f"{prefix}_{home}_{secrets.token_urlsafe(32)}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class _Engine:
    """Rows that are of no worth to anybody until they are asked for."""

    world: World
    engine: psycopg.Connection[Any]

    def add(self, kind: str, table: str, /, **values: object) -> uuid.UUID:
        row = catalogue.add(self.engine, table, tenant_id=self.world.tenant.id, **values)
        self.world.ids[kind] = str(row["id"])
        return row["id"]

    def fill(self) -> None:
        world, ids = self.world, self.world.ids
        found = json.dumps({"digest": FOUND, "offers": [], "left_out": []})
        tools = '[{"name": "look", "description": "", "parameters": {}, "effect": "read"}]'
        self.engine.execute(
            "update tool_factory set found = %s, tools = %s where id = %s",
            [found, tools, ids["mcp_server"]],
        )
        marker, index = world.marker, ids["index"]
        agreed = json.dumps({"strategy_oauth": {}})
        made = {"name": f"{marker} 3", "kind": "custom", "auth_config": agreed, "tools": tools}
        factory = self.add("tool_factory", "tool_factory", **made)
        link = {"user_id": world.tenant.user_id, "name": f"{marker} 4", "scope": "shared"}
        self.add("link", "credential", tool_factory_id=factory, system_name="", **link)
        document = self.add(
            "document", "document", doc_index_id=index, title=marker, status="failed"
        )
        self.add("passage", "chunk", doc_index_id=index, document_id=document, text=marker)
        contact = self.add("contact", "contact", name=marker, ext_id=marker)
        talk = {"agent_id": ids["agent"], "contact_id": contact, "title": marker}
        self.add("talk", "conversation", **talk)
        run = {"conversation_id": ids["talk"], "message": marker, "status": "completed"}
        self.add("talk run", "run", **run)
        own = {"conversation_id": ids["conversation"], "name": marker, "mime_type": "text/plain"}
        self.add("file", "attachment", **own, source="upload", size=1, content=b"x")
        asked = {"effect": "write", "status": "requested", "waits_for": "approval"}
        self.add("call", "tool_call", run_id=ids["run"], tool=marker, **asked)
        world.api_key = _secret(world.tenant.id, "mk")
        may = {"permissions": list(get_args(KeyPermission)), "name": marker}
        self.add("own key", "api_key", key_hash=_digest(world.api_key), **may)
        self.add("key", "api_key", **may)
        query = "select id from audit_log where tenant_id = %s order by seq desc"
        ids["engine row"] = _one(self.engine, query, world.tenant.id)


@dataclass(frozen=True)
class _Dashboard:
    world: World
    dashboard: psycopg.Connection[Any]

    def add(self, kind: str, table: str, /, **values: object) -> uuid.UUID:
        row = catalogue.add(self.dashboard, table, **values)
        if kind:
            self.world.ids[kind] = str(row["id"])
        return row["id"]

    def fill(self) -> None:
        self._people()
        self._workspace()
        self._factors()
        self._links()
        world, query = self.world, "select id from audit_log where tenant_id = %s order by seq desc"
        world.ids["row"] = _one(self.dashboard, query, world.tenant.id)
        failed = """
            insert into procrastinate_jobs (queue_name, task_name, status)
            values ('default', 'nothing', 'failed') returning id
        """
        world.values["job_id"] = _one(self.dashboard, failed)

    def _people(self) -> None:
        """The owner with a password, a second session and an address; and somebody else."""
        tenant, ids = self.world.tenant, self.world.ids
        person = """
            update "user" set password_hash = %s, email_verified = true where id = %s
        """
        self.dashboard.execute(person, [_hashed(), tenant.user_id])
        colleague = new_id()
        tenant.member("editor", colleague)
        ids["colleague"] = str(colleague)
        self.world.values["colleague"] = f"{colleague}@example.com"
        member = "select id from tenant_member where tenant_id = %s and user_id = %s"
        ids["member"] = _one(self.dashboard, member, tenant.id, colleague)
        session = {"user_id": tenant.user_id, "tenant_id": tenant.id, "expires_at": LATER}
        self.add("session", "login_session", token_hash=new_id().bytes, **session)

    def _workspace(self) -> None:
        tenant, marker = self.world.tenant, self.world.marker
        own = {"tenant_id": tenant.id}
        made = own | {"user_id": tenant.user_id, "name": marker}
        folder = self.add("folder", "folder", **made, scope="shared")
        self.add("shelf", "folder", **made | {"name": f"{marker} 2"}, scope="shared")
        of_agent = "update agent set folder_id = %s where id = %s"
        self.dashboard.execute(of_agent, [folder, self.world.ids["agent"]])
        self._tool()
        group = self.add("group", "member_group", **own, name=marker, role=None)
        member = uuid.UUID(self.world.ids["member"])
        self.add("", "group_member", **own, group_id=group, member_id=member)
        issuer = {"issuer": "https://127.0.0.1", "scopes": "openid", "client_id": marker}
        provider = self.add(
            "provider", "identity_provider", **own, **issuer, name=marker, default_role="viewer"
        )
        person = {"identity_provider_id": provider, "user_id": tenant.user_id}
        self.add("", "external_identity", **own, **person, subject=marker)
        self.world.scim_token = _secret(tenant.id, "scim")
        self.add("", "scim_token", **made, token_hash=_digest(self.world.scim_token))
        self.add("token", "scim_token", **made, token_hash=_digest(marker))
        slug = "select slug from tenant where id = %s"
        self.world.values["slug"] = _one(self.dashboard, slug, tenant.id)

    def _tool(self) -> None:
        ids = self.world.ids
        used = {"tool_factory_id": ids["tool_factory"], "credential_id": ids["link"]}
        made = {"name": self.world.marker.lower(), "functions": ["look"], "approval": "always"}
        tenant_id = self.world.tenant.id
        self.add("tool", "tool", tenant_id=tenant_id, agent_id=ids["agent"], **used, **made)

    def _factors(self) -> None:
        """A passkey, and an authenticator app that waits for its first code."""
        tenant, secret = self.world.tenant, "A" * 32
        sealed = tenant.dashboard.state.account_key.seal(
            secret.encode(), str(tenant.user_id), "totp"
        )
        own = {"user_id": tenant.user_id}
        self.add("passkey", "passkey", **own, name=self.world.marker, credential_id=new_id().bytes)
        self.add("", "totp", **own, secret=sealed)
        self.add("", "recovery_code", **own, code_hash=new_id().bytes)
        self.world.values["totp"] = TOTP(secret).at(clock.now())

    def _links(self) -> None:
        """Invitations out of here and to here, and whatever else a mail would bring."""
        world, tenant = self.world, self.world.tenant
        lasting = {"expires_at": LATER, "role": "editor", "user_id": tenant.user_id}
        new, mine = f"{world.marker}@example.com", f"{tenant.user_id}@example.com"
        invited = self.add("invitation", "invitation", tenant_id=tenant.id, email=new, **lasting)
        other = self.add("", "tenant", name="Other", slug=str(new_id()))
        waiting = self.add("waiting", "invitation", tenant_id=other, email=mine, **lasting)
        there = {"tenant_id": tenant.id, "invitation_id": invited, "email": new}
        role = {"role": "editor"}
        self._token("invite", "invite", there, role)
        there = {"tenant_id": other, "invitation_id": waiting, "email": mine}
        self._token("waiting", "invite", there, role)
        kept = {"name": "Eve", "company": "Other", "password_hash": _hashed()}
        self._token("register", "register", {"email": f"new-{new}"}, kept)
        self._token("reset", "reset", {"email": mine})
        own = {"user_id": tenant.user_id}
        self._token("email", "email", own | {"email": f"moved-{new}"}, {"old": mine})
        self._token("challenge", "second_factor", own, {"passkey": secrets.token_urlsafe(32)})

    def _token(
        self, name: str, kind: str, row: dict[str, Any], data: dict[str, str] | None = None
    ) -> None:
        text = secrets.token_urlsafe(32)
        self.world.values[name] = text
        kept = {"data": json.dumps(data or {}), "token_hash": _digest(text)}
        self.add("", "one_time_token", kind=kind, expires_at="2099-01-01", **kept, **row)


def _one(connection: psycopg.Connection[Any], query: str, *values: object) -> str:
    row = connection.execute(query.encode(), values).fetchone()
    assert row
    return str(row[0])


def state(world: World) -> tuple[str, str]:
    """Of both databases: the same as long as nothing of this company changes."""
    with _owner(world.tenant.dashboard) as dashboard, _owner(world.tenant.engine) as engine:
        tenant_id = world.tenant.id
        return catalogue.state(dashboard, tenant_id), catalogue.state(engine, tenant_id)
