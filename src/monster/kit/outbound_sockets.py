"""The same guard for protocols that are not HTTP: mail, databases.

A name is resolved once, what it stands for is checked, and that address is connected to. Whoever
speaks TLS over it does so with the name.
"""

import asyncio
import socket

from monster.kit.addresses import Blocked, Guard

_SECONDS = 10


async def addresses(guard: Guard, host: str, port: int) -> list[str]:
    """Those of a host that may be connected to. Raises Blocked, or OSError if there is none."""
    found = await _resolve(host, port)
    allowed, blocked = list[str](), None
    for address in found:
        try:
            guard.check(address)
            allowed.append(address)
        except Blocked as error:
            blocked = error
    if not allowed:
        raise blocked or OSError(f"{host} has no address")
    return allowed


async def connect(guard: Guard, host: str, port: int) -> socket.socket:
    """Connected, and not blocking. Raises Blocked, OSError, TimeoutError."""
    failed: OSError | None = None
    for address in await addresses(guard, host, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.settimeout(0)
        try:
            async with asyncio.timeout(_SECONDS):
                await asyncio.get_running_loop().sock_connect(made, (address, port))
        except OSError as error:  # also TimeoutError
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    assert failed, "there is at least one address"
    raise failed


async def _resolve(host: str, port: int) -> list[str]:
    try:
        async with asyncio.timeout(_SECONDS):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is none
        raise OSError(f"{host} cannot be resolved") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
