"""What went wrong with a call: did the server act or not?"""

import httpx2
import mcp_types as types
from mcp.shared.exceptions import MCPError

from monster.engine.mcp.session import Session
from monster.engine.toolkit.effects import ConnectionRefused, ToolFailed, Unclear

# The server understood nothing, so it did nothing.
_NOTHING_DONE = frozenset(
    {types.PARSE_ERROR, types.INVALID_REQUEST, types.METHOD_NOT_FOUND, types.INVALID_PARAMS}
)
_LONGEST = 500  # characters of what it says


async def judged(session: Session, error: Exception, *, acts: bool) -> Exception:
    """ToolFailed, ConnectionRefused or, if it `acts`, Unclear."""
    if refused := _refused(session, error):
        return refused
    name = session.name
    if isinstance(error, MCPError) and error.code == types.CONNECTION_CLOSED:
        if not acts or await _never_sent(session):
            return await session.failure()
        return Unclear(f"{name} ended the connection and may have acted")
    said = "it does not answer" if isinstance(error, TimeoutError) else str(error)[:_LONGEST]
    if acts:
        return Unclear(f"{name} may have acted, nobody can say: {said}")
    return ToolFailed(f"{name} failed: {said}. Try again later")


def _refused(session: Session, error: Exception) -> ToolFailed | None:
    """It certainly did not act."""
    name, wire = session.name, session.wire
    if wire.failed or wire.status == 401:
        return wire.failed or ConnectionRefused(f"{name} does not accept the connection")
    said = str(error)[:_LONGEST]
    if 400 <= wire.status < 500:
        return ToolFailed(f"{name} refused it ({wire.status}): {said}")
    if isinstance(error, MCPError) and error.code in _NOTHING_DONE:
        return ToolFailed(f"{name} refused it: {said}")
    return None


async def _never_sent(session: Session) -> bool:
    """What ends a session ends all calls in it: of one alone it is certain that it did not act."""
    alone = session.calls == 0
    cause = await session.cause()
    return alone and isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout)
