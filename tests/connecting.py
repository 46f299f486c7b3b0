"""Connects systems as people do: by the form."""

import re

import httpx

from monster.engine.toolkit.catalogue import Catalogue
from tests.upstream import OpenAI, upstream

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "Accept": "text/html"}
KEY = "sk-very-secret"
NEW = "/connections/new"

SYSTEMS = Catalogue.load("monster.engine.tools").systems

_ID = re.compile(r"/connections/([\w-]{36})")


def factory(system: str) -> str:
    return str(SYSTEMS[system].factory_id())


async def connect(
    member: httpx.AsyncClient, base_url: str, system: str = "openai", **changes: str
) -> httpx.Response:
    """`back` is where to go on; anything else is of the form, `api_key` and such are values."""
    asked = {"factory": factory(system), "back": changes.pop("back", "")}
    form = {"name": "Ours", "scope": "shared"}
    form |= {name: changes.pop(name) for name in ("name", "scope") if name in changes}
    values = {"api_key": KEY, "base_url": base_url} | changes
    form |= {f"values.{name}": value for name, value in values.items() if value}
    return await member.post(NEW, params=asked, data=form)


async def connected(member: httpx.AsyncClient, **changes: str) -> str:
    """The address of a connection that works."""
    async with upstream(OpenAI.names) as provider:
        answer = await connect(member, f"{provider.url}/v1", **changes)
    assert answer.status_code == 303, answer.text
    return address(answer)


def address(answer: httpx.Response) -> str:
    """Of the connection that a form has made."""
    found = _ID.match(answer.headers["Location"])
    assert found, answer.headers["Location"]
    return found[0]
