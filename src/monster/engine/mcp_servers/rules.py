"""What goes together in the description of a server, and what never does."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from monster.engine.mcp.config import HEADER, ServerConfig, references
from monster.engine.mcp_servers.errors import BadMcpServer
from monster.kit.texts import storable

# With these, whoever brings a value decides which code runs.
_DANGEROUS = re.compile(
    r"(LD_|DYLD_|PYTHON|PERL|RUBY|NODE_|NPM_|GIT_|JAVA_|JDK_|UV_|PIP_|BASH).*"
    r"|PATH|HOME|TMPDIR|SHELL|ENV|IFS|CLASSPATH|LOCPATH|GCONV_PATH",
    re.IGNORECASE,
)
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})
_UNSENDABLE = re.compile(r"[^\x20-\x7e]")


def check(config: ServerConfig, secrets: Mapping[str, str]) -> None:
    """`secrets` are headers and environments. Raises BadMcpServer with the field."""
    if config.transport == "stdio":
        _check_program(config)
    else:
        _check_address(config, secrets)
    if (config.auth == "values") != bool(config.parameters):
        raise BadMcpServer(
            "parameters are what each connection brings when auth is values", field="parameters"
        )
    for name, value in secrets.items():
        _check_value(name, value)
    for name in config.parameters.keys() & secrets.keys():
        raise BadMcpServer(f"{name} is an environment and a parameter", field=f"parameters.{name}")


def _check_program(config: ServerConfig) -> None:
    if not config.command:
        raise BadMcpServer("a program has a command", field="command")
    if config.url or config.headers:
        raise BadMcpServer("a program has no address and no headers", field="url")
    if config.auth not in ("none", "values"):
        raise BadMcpServer("a program takes values for its environment", field="auth")
    for name in filter(_DANGEROUS.fullmatch, config.parameters):
        raise BadMcpServer(
            f"no connection may set {name}: it decides what runs", field=f"parameters.{name}"
        )


def _check_address(config: ServerConfig, secrets: Mapping[str, str]) -> None:
    if not config.url:
        raise BadMcpServer("a server has an address", field="url")
    if config.command or config.args:
        raise BadMcpServer("only a program has a command", field="command")
    try:
        host = urlsplit(config.url).hostname
    except ValueError:
        host = None
    if not host or references(urlsplit(config.url).netloc):
        raise BadMcpServer("this is no address", field="url")
    for name in filter(lambda one: one.lower() in _OURS, config.headers):
        raise BadMcpServer(f"{name} is set by us", field=f"headers.{name}")
    known = secrets.keys() | config.parameters.keys()
    texts = {"url": config.url, **{f"headers.{n}": secrets[HEADER + n] for n in config.headers}}
    for field, text in texts.items():
        for name in references(text) - known:
            raise BadMcpServer(f"nothing is called {name} here", field=field)


def _check_value(name: str, value: str) -> None:
    """Nothing of it is quoted."""
    is_header = name.startswith(HEADER)
    field = f"headers.{name.removeprefix(HEADER)}" if is_header else f"environments.{name}"
    if value != storable(value) or (is_header and _UNSENDABLE.search(value)):
        raise BadMcpServer("it has characters that cannot be sent", field=field)
