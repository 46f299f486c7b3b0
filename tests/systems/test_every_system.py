"""What holds of every system that comes with Monster, the next one included."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from monster.contracts.auth_config import Parameter, Strategy
from monster.contracts.tools import ToolFactoryOut
from monster.engine.oauth import kinds
from monster.engine.toolkit.catalogue import Catalogue
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed
from monster.engine.toolkit.factory import Connection, ToolFactory
from monster.engine.toolkit.files import MemoryFiles
from monster.kit import logs, outbound
from monster.kit.addresses import Guard
from monster.kit.ids import new_id
from tests.systems.connect import Grant, connected
from tests.systems.served import Refused, Served

ROOT = Path(__file__).parents[2]
ICONS = set((ROOT / "icons.txt").read_text().split())
SYSTEMS = list(Catalogue.load("monster.engine.tools").systems.values())
NAMED = re.compile(r"[a-z][a-z0-9_]*")
LONGEST_NAME = 64  # of a function, as model providers take it
TYPED = {"url": "https://acme.example", "number": "1"}
HEAVY = {
    "anthropic", "boto3", "botocore", "ctranslate2", "docx", "duckdb", "google.genai", "kreuzberg",
    "lxml", "markdown_it", "matplotlib", "mcp", "numpy", "openpyxl", "pandas", "PIL", "pyarrow",
    "pydantic_ai", "pypdf", "reportlab", "sqlglot", "tokenizers",
}  # fmt: skip

NAMES = {one.name: one for one in SYSTEMS}

each_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda one: one.system_name)
# Those with a public address of their own, whom a credential opens.
AT_HOME = [one for one in SYSTEMS if one.base_url and one.auth().strategies]
WITH_TOKEN = [
    (one, strategy)
    for one in AT_HOME
    for strategy in one.auth().strategies
    if any(parameter.is_hidden and parameter.required for parameter in strategy.parameters)
]


def _parameters(system: type[ToolFactory]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for function in system.functions().values():
        for name, schema in function.parameters.get("properties", {}).items():
            yield function.name, name, schema


def test_there_is_something_to_check() -> None:
    names = {one.system_name for one in SYSTEMS}
    assert {"jira", "slack", "gmail", "google_drive", "google_calendar"} <= names
    assert {"dropbox", "github", "notion", "hubspot", "openai"} <= names
    assert len(AT_HOME) >= 9
    assert len(WITH_TOKEN) >= 6


@each_system
def test_people_are_told_what_it_is(system: type[ToolFactory]) -> None:
    shown = ToolFactoryOut.model_validate(system.out().model_dump())
    assert NAMED.fullmatch(shown.system_name)
    assert shown.name
    assert shown.category
    assert 5 <= len(shown.description) <= 100
    assert not shown.description.endswith(".")
    assert shown.logo in ICONS


@each_system
def test_connecting_it_is_explained(system: type[ToolFactory]) -> None:
    config = system.auth()
    for strategy in config.strategies:
        assert strategy.help or config.help or system.help or not strategy.parameters
        for parameter in strategy.parameters:
            assert len(parameter.description) >= 4, parameter.name
    for text in (config.help, system.help, *(one.help for one in config.strategies)):
        assert "<" not in text, "Markdown, no HTML"
        assert text == text.strip() or text.endswith("\n")


@each_system
def test_oauth_has_providers_and_providers_have_oauth(system: type[ToolFactory]) -> None:
    has = any(strategy.is_oauth for strategy in system.auth().strategies)
    assert has == bool(system.oauth)
    assert set(system.oauth) <= set(kinds.BUILT_IN)


@each_system
def test_models_are_told_what_its_functions_do(system: type[ToolFactory]) -> None:
    for function in system.functions().values():
        assert NAMED.fullmatch(function.name)
        assert len(f"{system.system_name}_{function.name}") <= LONGEST_NAME
        assert len(function.description) >= 10, function.name
        assert function.parameters["type"] == "object"
        assert function.parameters["additionalProperties"] is False


@each_system
def test_models_are_told_what_each_parameter_is(system: type[ToolFactory]) -> None:
    for function, name, schema in _parameters(system):
        assert schema.get("description"), f"{function}: {name}"


@each_system
def test_what_it_shows_holds_no_line_meant_for_a_parameter(system: type[ToolFactory]) -> None:
    """A description that names no parameter would be shown as one of the function."""
    for function in system.functions().values():
        known = set(function.parameters.get("properties", {}))
        for line in function.description.splitlines():
            found = re.match(r"^(\w+): ", line)
            assert not found or found[1] in known, function.name


@each_system
def test_it_answers_where_the_platform_says(system: type[ToolFactory]) -> None:
    assert not system.base_url or re.fullmatch(r"https://[a-z0-9./-]+[^/]", system.base_url)
    connection = Connection(
        "",
        {},
        None,  # pyright: ignore[reportArgumentType] (nothing is asked)
        Guard(),
        MemoryFiles(),
        new_id(),
        base_url="http://127.0.0.1:1",
    )
    if system.base_url:
        assert system(connection).url == "http://127.0.0.1:1"


def test_nothing_heavy_is_loaded_until_it_is_used() -> None:
    code = f"""
import sys
from monster.engine.oauth import kinds
from monster.engine.toolkit.catalogue import Catalogue
Catalogue.load("monster.engine.tools")
print(*sorted({HEAVY!r} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout.strip() == ""


@pytest.mark.parametrize("page", ["systems.md", "code-interpreter.md", "connect-a-model.md"])
def test_the_pages_name_no_function_that_is_not_there(page: str) -> None:
    rows = {cells[0]: cells for cells in _rows(page) if cells[0] in NAMES}
    for name, cells in rows.items():
        told = set(re.findall(r"`([a-z_]+)`", " ".join(cells[1:])))
        assert told <= {*NAMES[name].functions(), *NAMES[name].scopes}, name


def _rows(page: str) -> list[list[str]]:
    lines = (ROOT / "docs" / page).read_text().splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]


@each_system
def test_its_functions_and_scopes_are_documented(system: type[ToolFactory]) -> None:
    pages = ("systems.md", "code-interpreter.md")
    rows = [cells for page in pages for cells in _rows(page) if cells[0] == system.name]
    told = " ".join(cell for cells in rows for cell in cells)
    missing = [one for one in (*system.functions(), *system.scopes) if f"`{one}`" not in told]
    assert not missing
    for cells in rows:  # reads, acts
        for name, effects in ((2, {"read"}), (3, {"idempotent", "write"})):
            for one in re.findall(r"`([a-z_]+)`", cells[name] if len(cells) == 4 else ""):
                assert system.functions()[one].mark.effect in effects


class Stranger(Served):
    """Nobody is known here, and what was sent is said again: as bad as a system can be."""

    def routes(self) -> list[web.RouteDef]:
        return []

    def authenticate(self, request: web.Request) -> None:
        said = " ".join([*request.headers.values(), *request.query.values()])
        raise Refused(401, {"error": {"message": f"you said {said}"}, "ok": False})


def _filled(parameter: Parameter) -> str:
    if parameter.options:
        return parameter.options[0]
    return TYPED.get(parameter.type) or f"wrong-{parameter.name}-0123456789"


@pytest.mark.parametrize(
    ("system", "strategy"),
    WITH_TOKEN,
    ids=lambda one: getattr(one, "system_name", None) or one.name,
)
async def test_a_wrong_token_is_refused_and_never_repeated(
    system: type[ToolFactory], strategy: Strategy
) -> None:
    values = strategy.check({one.name: _filled(one) for one in strategy.parameters})
    hidden = [values[one.name] for one in strategy.parameters if one.is_hidden]
    for value in hidden:
        logs.hide(value)
    server = Stranger()
    async with server.serving(), connected(system, server.url, values) as opened:
        with pytest.raises(ConnectionRefused) as error:
            await opened.account()
    assert server.requests, "it asks nobody"
    assert not [value for value in hidden if value in str(error.value)]


@pytest.mark.parametrize("system", [one for one in AT_HOME if one.oauth], ids=lambda one: one.name)
async def test_a_refused_grant_is_renewed_once_then_given_up(system: type[ToolFactory]) -> None:
    grant = Grant(["first-token-0123456789", "second-token-0123456789", "third"])
    for token in grant.tokens:
        logs.hide(token)
    server = Stranger()
    async with server.serving(), connected(system, server.url, token=grant) as opened:
        with pytest.raises(ConnectionRefused) as error:
            await opened.account()
    assert grant.refused == ["first-token-0123456789"]
    assert "token-0123456789" not in str(error.value)


class Nowhere(AbstractResolver):
    """Remembers which names were looked for, and finds none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        raise OSError(f"nobody is called {host} on port {port} of {family}")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("system", AT_HOME, ids=lambda one: one.system_name)
async def test_it_asks_its_own_address_and_no_other(system: type[ToolFactory]) -> None:
    strategy = system.auth().strategies[0]
    nowhere, token = Nowhere(), Grant(["some-token"]) if strategy.is_oauth else None
    values = {one.name: _filled(one) for one in strategy.parameters if one.type != "url"}
    files = MemoryFiles()
    async with outbound.session(Guard(), resolver=nowhere) as session:
        connection = Connection(
            strategy.name, values, session, Guard(), files, new_id(), token=token
        )
        with pytest.raises(ToolFailed):
            await system(connection).account()
    assert nowhere.asked == [re.findall(r"//([^/]+)", system.base_url)[0]]


async def test_a_private_address_is_refused_by_any() -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        for system in AT_HOME:
            strategy = system.auth().strategies[0]
            values = {one.name: _filled(one) for one in strategy.parameters if one.type != "url"}
            token = Grant(["some-token"]) if strategy.is_oauth else None
            async with outbound.session(Guard()) as session:
                connection = Connection(
                    strategy.name, values, session, Guard(), MemoryFiles(), new_id(), url, token
                )
                with pytest.raises(ToolFailed, match="not a public address"):
                    await system(connection).account()
