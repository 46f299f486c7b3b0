"""What a system is written with: one class, one file, found by import."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

import aiohttp

from monster.contracts import auth_config
from monster.contracts.auth_config import AuthConfig
from monster.contracts.tools import FunctionOut, ToolFactoryOut
from monster.engine.toolkit.effects import ToolFailed
from monster.engine.toolkit.files import Files
from monster.engine.toolkit.functions import Function, functions_of
from monster.engine.toolkit.http import Answer, Http
from monster.kit.addresses import Guard

# Ids of what comes with Monster: the same in every installation.
_SYSTEMS = uuid.UUID("3f0b7a0e-6f3c-5c8e-9d53-6d6f6e737465")


class TokenSource(Protocol):
    """The access token of an OAuth grant."""

    async def token(self, *, refused: str | None = None) -> str:
        """One that is good for some minutes. `refused` is one that was not accepted: get a new one.

        Raises ConnectionRefused if the grant is dead.
        """
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """A credential at the moment of its use, for one call.

    `values` by parameter; `base_url` is where the platform says that the system answers, None is
    its public address; `config` is what the agent's builder set; `key` is the same however often
    this call is repeated.
    """

    strategy: str
    values: Mapping[str, str] = field(repr=False)
    session: aiohttp.ClientSession
    guard: Guard
    files: Files
    key: uuid.UUID
    base_url: str | None = None
    token: TokenSource | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])


class ToolFactory:
    """A system. Its methods that are marked with `tool` are what agents can do there.

    `auth_config` is as `contracts.auth_config` reads it; empty, no connection is needed. `config`
    are parameters that whoever builds an agent may set, in the shape of a strategy.
    """

    system_name: ClassVar[str]
    name: ClassVar[str]
    category: ClassVar[str]
    description: ClassVar[str]
    logo: ClassVar[str] = "tool"  # an icon's name
    help: ClassVar[str] = ""
    auth_config: ClassVar[Mapping[str, Any]] = {}
    config: ClassVar[Mapping[str, Any]] = {}
    oauth: ClassVar[tuple[str, ...]] = ()  # providers of its OAuth strategy
    scopes: ClassVar[tuple[str, ...]] = ()  # that are asked of them
    base_url: ClassVar[str] = ""  # where it answers the public
    origin: ClassVar[Literal["tool", "web"]] = "tool"  # where what it says comes from
    headers: ClassVar[Mapping[str, str]] = {}  # of each request, such as the API's version

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.values = connection.values
        self.http = Http(connection.session, self.name, self.url, self._authorize, self.explain)
        self._token: str | None = None

    @property
    def url(self) -> str:
        """Where it answers: for systems with an address of their own, what the connection says."""
        return self.connection.base_url or self.base_url

    def authorization(self) -> Mapping[str, str]:
        """Headers of each request, made of `values`. An OAuth token takes their place."""
        return {}

    def explain(self, answer: Answer) -> ToolFailed | None:  # noqa: ARG002
        """A sentence somebody can act on, for what this system refuses in a way of its own."""
        return None

    async def account(self) -> str | None:
        """Who we are there, by the cheapest call that needs the connection. Raises ToolFailed."""
        return None

    async def call(self, function: str, arguments: Mapping[str, Any]) -> object:
        """A `live.Live`. Raises ToolFailed and whatever the method raises."""
        found = self.functions().get(function)
        if found is None:
            raise ToolFailed(f"{self.name} has no function {function!r}")
        return await found.call(self, arguments)

    async def _authorize(self, again: bool) -> Mapping[str, str]:  # noqa: FBT001 (an Authorize)
        source = self.connection.token
        if source is None:
            return {**self.headers, **self.authorization()}
        self._token = await source.token(refused=self._token if again else None)
        return {**self.headers, "Authorization": f"Bearer {self._token}"}

    # What is known of the class

    @classmethod
    def missing(cls) -> str | None:
        """What this server lacks for it, if something: then it is not offered."""
        return None

    @classmethod
    @cache
    def factory_id(cls) -> uuid.UUID:
        return uuid.uuid5(_SYSTEMS, cls.system_name)

    @classmethod
    @cache
    def functions(cls) -> Mapping[str, Function]:
        return functions_of(cls)

    @classmethod
    @cache
    def auth(cls) -> AuthConfig:
        return auth_config.parse(cls.auth_config)

    @classmethod
    def out(cls) -> ToolFactoryOut:
        return ToolFactoryOut(
            id=cls.factory_id(),
            kind="builtin",
            system_name=cls.system_name,
            name=cls.name,
            description=cls.description,
            category=cls.category,
            logo=cls.logo,
            help=cls.help,
            auth_config=dict(cls.auth_config),
            oauth=list(cls.oauth),
            type="official",
            compatible_system=None,
            tools=[
                FunctionOut(
                    name=one.name,
                    description=one.description,
                    parameters=one.parameters,
                    effect=one.mark.effect.value,
                )
                for one in cls.functions().values()
            ],
            config=dict(cls.config),
            status="active",
            last_error=None,
        )
