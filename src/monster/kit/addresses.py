"""Which addresses may be connected to when others chose them."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
AddressInfo: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]  # as of getaddrinfo

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Not for the public, though not every Python 3.11 says so in `is_global`.
_SPECIAL: tuple[Network, ...] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("3fff::/20"),
)


class Blocked(OSError):
    """An address that only an admin can open. An OSError, as any other failure to connect."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} is not a public address; an admin may allow it with the setting"
            " `outbound_allow`"
        )


class TooLarge(Exception):
    """What answers there sends more than we are ready to hold."""


def parse_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Addresses or ranges ("10.0.0.0/8"). Raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one end up at."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address not in _GLOBAL_UNICAST:
            return False
    special = any(address in network for network in _SPECIAL if network.version == address.version)
    return address.is_global and not address.is_multicast and not special


@dataclass(frozen=True, slots=True)
class Guard:
    """Public addresses, and what an admin has allowed besides."""

    allowed: tuple[Network, ...] = ()

    def check(self, text: str) -> None:
        """Raises Blocked. `text` is an address as it is handed to the socket."""
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not is_public(address) and not any(
            address in network for network in self.allowed if network.version == address.version
        ):
            raise Blocked(text)

    def make_socket(self, info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        self.check(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)


def why_blocked(error: BaseException | None) -> Blocked | None:
    """Clients wrap what kept them from connecting in errors of their own."""
    while error is not None and not isinstance(error, Blocked):
        error = error.__cause__ or error.__context__
    return error
