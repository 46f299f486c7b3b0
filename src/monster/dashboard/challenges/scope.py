"""Where somebody knocks a second time."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from monster.dashboard.challenges.service import Door
from monster.dashboard.identity.scope import device


async def _door(request: Request) -> Door:
    state = request.app.state
    return Door(state.sessions, device(request), state.lifetime)


CurrentDoor: TypeAlias = Annotated[Door, Depends(_door)]
