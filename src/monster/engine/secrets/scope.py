"""For endpoints that seal or open within their transaction."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from monster.engine.access.scope import CurrentScope
from monster.engine.secrets.service import Secrets


async def _secrets(request: Request) -> Secrets:
    return request.app.state.secrets


TheSecrets: TypeAlias = Annotated[Secrets, Depends(_secrets)]


async def _keys_ready(request: Request, scope: CurrentScope) -> None:
    await request.app.state.secrets.ready(scope)


# Among the `dependencies` of a route it comes before `Transaction`, which then need not wait for
# keys that are elsewhere.
KeysReady = Depends(_keys_ready)
