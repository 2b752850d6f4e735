"""The guard at the way out: which addresses the hub may talk to.

Vendors, PSA systems and outgoing webhooks pass the same guard. It decides twice: on
the host name before a request is built, and on the *address* at the moment of
connecting. The address that was checked is the one connected to, so a name that
resolves to something else a moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from entrepot.sdk.errors import ConfigInvalid

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
"""Turns host and port into addresses as text; raises OSError when it cannot."""

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_METADATA = {
    ipaddress.ip_address("169.254.169.254"),
    ipaddress.ip_address("100.100.100.200"),
    ipaddress.ip_address("fd00:ec2::254"),
}


class EgressRefused(ConfigInvalid):
    """A target that this connection may not talk to."""


def resolve_with_system(host: str, port: int) -> list[str]:
    """Addresses of a host from the system's resolver, in its order, without repeats.

    Raises:
        OSError: the name is unknown or the resolver does not answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """What one connection may reach.

    Attributes:
        hosts: Host patterns: an exact name, or `*.example.com` for any sub-domain
            (not the domain itself), or `*` for any public host (outgoing webhooks).
        allow_private: True where the operator allows private and loopback targets
            (demo, on-premises systems); plain http is then allowed to these.
        resolver: Replaced in tests.
    """

    hosts: tuple[str, ...]
    allow_private: bool = False
    resolver: Resolver = field(default=resolve_with_system, repr=False)

    def check_url(self, url: str) -> None:
        """Refuse a URL whose scheme, form or host is not allowed.

        Raises:
            EgressRefused: naming the host and what to change.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        if parts.scheme not in ("https", "http") or not host:
            raise _refused("target_invalid", f"“{_shown(url)}” is not a web address.")
        if parts.username or parts.password:
            raise _refused("target_invalid", "An address must not hold credentials.")
        if parts.scheme == "http" and not self.allow_private:
            raise _refused(
                "target_insecure",
                f"The address of {host} is not encrypted (http).",
                remedy="Use an address that starts with https://.",
            )
        self._check_host(host)

    def addresses(self, host: str, port: int, *, encrypted: bool) -> list[str]:
        """Resolve once and return the addresses that may be connected to.

        Every address of the name must be allowed: a name that mixes public and
        private addresses is refused as a whole.

        Raises:
            EgressRefused: an address is private, reserved or a metadata service.
            OSError: the name cannot be resolved.
        """
        found = self.resolver(host.strip("[]"), port)
        for text in found:
            self._check_address(host, text, encrypted=encrypted)
        return found

    def _check_host(self, host: str) -> None:
        if any(host_matches(host, pattern) for pattern in self.hosts):
            return
        if self.allow_private and (host in _LOCAL_NAMES or _is_private_literal(host)):
            return
        raise _refused(
            "target_not_declared",
            f"{host} is not among the hosts of this plugin.",
            remedy="Correct the address in the connection's settings.",
        )

    def _check_address(self, host: str, text: str, *, encrypted: bool) -> None:
        address = _unmapped(ipaddress.ip_address(text.partition("%")[0]))
        if _is_public(address):
            if not encrypted:
                raise _refused(
                    "target_insecure",
                    f"The address of {host} is not encrypted (http).",
                    remedy="Use an address that starts with https://.",
                )
            return
        if self.allow_private and _may_be_allowed(address):
            return
        raise _refused(
            "target_private",
            f"{host} leads to {address}, which is not a public address.",
            remedy="Use the service's public address, or let the operator allow "
            "private targets.",
        )


def host_matches(host: str, pattern: str) -> bool:
    """True when a host name fits a pattern as `EgressPolicy.hosts` explains."""
    host, pattern = host.rstrip(".").lower(), pattern.strip().rstrip(".").lower()
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _is_private_literal(host: str) -> bool:
    try:
        return not _is_public(_unmapped(ipaddress.ip_address(host)))
    except ValueError:
        return False


def _unmapped(address: IpAddress) -> IpAddress:
    """The IPv4 address inside a mapped, 6to4 or NAT64 one; otherwise unchanged."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: IpAddress) -> bool:
    return address.is_global and not address.is_multicast and address not in _METADATA


def _may_be_allowed(address: IpAddress) -> bool:
    """Private and loopback may be allowed; link-local and metadata never."""
    if address in _METADATA or address.is_link_local or address.is_multicast:
        return False
    return (address.is_private or address.is_loopback) and not address.is_unspecified


def _shown(url: str) -> str:
    return url.partition("?")[0][:120]


def _refused(code: str, message: str, remedy: str | None = None) -> EgressRefused:
    return EgressRefused(
        code=code,
        user_message=message,
        remedy=remedy or "Correct the address in the connection's settings.",
    )
