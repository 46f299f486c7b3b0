"""A company that has one of everything, so that every id of an operation can be somebody's."""

import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI

from monster.contracts.agents import QUOTING, AgentSpec
from monster.contracts.tokens import Permission
from monster.kit.ids import new_id
from tests import catalogue
from tests.builders import Tenant, create_agent, owner_conninfo, publish

# What an id is called, where that is not the kind of thing with `_id` after it.
KINDS = {
    "chunk_id": "passage",
    "current": "conversation",
    "indexes": "index",
    "run": "run",
    "source": "credential",
}


def kind_of(name: str) -> str:
    return KINDS.get(name, name.removesuffix("_id"))


@dataclass
class World:
    """`ids` by kind; `marker` is in every name, so that a leak is seen."""

    tenant: Tenant
    marker: str = field(default_factory=lambda: f"Zanzibar{new_id().hex}")
    ids: dict[str, str] = field(default_factory=dict[str, str])

    def client(self, service: str) -> httpx.AsyncClient:
        """With everything that an owner may do."""
        if service == "engine":
            return self.tenant.caller(*Permission)
        return self.tenant.member("owner", self.tenant.user_id)

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
    await _through_the_door(world)
    with _owner(tenant.dashboard) as dashboard, _owner(tenant.engine) as engine:
        _in_engine(world, engine)
        _in_dashboard(world, dashboard)
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
    secret = {"system_name": "openai", "name": name, "secrets": {"api_key": name}}
    run = (await engine.post(f"/v1/agents/{agent_id}/runs", json={"message": name})).json()
    world.ids |= {
        "agent": agent_id,
        "user": str(tenant.user_id),
        "credential": (await engine.post("/v1/credentials", json=secret)).json()["id"],
        "index": (await engine.post("/v1/indexes", json={"name": name})).json()["id"],
        "run": run["id"],
        "conversation": run["conversation_id"],
    }


def _in_engine(world: World, engine: psycopg.Connection[Any]) -> None:
    def add(kind: str, table: str, **values: object) -> uuid.UUID:
        row = catalogue.add(engine, table, tenant_id=world.tenant.id, **values)
        world.ids[kind] = str(row["id"])
        return row["id"]

    index = world.ids["index"]
    document = add("document", "document", doc_index_id=index, title=world.marker, status="failed")
    add("passage", "chunk", doc_index_id=index, document_id=document, text=world.marker)


def _in_dashboard(world: World, dashboard: psycopg.Connection[Any]) -> None:
    """Nothing yet."""


def state(world: World) -> tuple[str, str]:
    """Of both databases: the same as long as nothing of this company changes."""
    with _owner(world.tenant.dashboard) as dashboard, _owner(world.tenant.engine) as engine:
        tenant_id = world.tenant.id
        return catalogue.state(dashboard, tenant_id), catalogue.state(engine, tenant_id)
