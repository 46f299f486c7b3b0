"""Requests to whoever has the master key: an address that the operator has set, and no other."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any, cast

import aiohttp
import orjson

from monster.engine.secrets.errors import KeysUnreachable
from monster.kit import outbound
from monster.kit.addresses import Guard, TooLarge

# Such a server is usually in a private network. No redirect is followed, so that this opens the
# one host that the settings name.
_ANYWHERE = Guard((IPv4Network("0.0.0.0/0"), IPv6Network("::/0")))
_LARGEST = 1 << 20
_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=4)


async def post(
    place: str, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, Any]]:
    """Status, and the object that it answers. Raises KeysUnreachable.

    A connection of its own for each: keys are remembered, so requests are rare.
    """
    try:
        async with (
            outbound.session(_ANYWHERE, connections=1) as http,
            http.post(
                url, data=body, headers=headers, allow_redirects=False, timeout=_TIMEOUT
            ) as answer,
        ):
            found = orjson.loads(await outbound.read(answer, _LARGEST) or b"{}")
            status = answer.status
    except orjson.JSONDecodeError:
        raise KeysUnreachable(f"{place} does not answer as it should") from None
    except (aiohttp.ClientError, OSError, TooLarge) as error:  # TimeoutError is an OSError
        why = type(error).__name__
        raise KeysUnreachable(f"{place} does not answer ({why}): try again in a moment") from error
    if not isinstance(found, dict):
        raise KeysUnreachable(f"{place} does not answer as it should")
    return status, cast("dict[str, Any]", found)
