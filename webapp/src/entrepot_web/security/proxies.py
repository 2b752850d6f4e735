"""Forwarding headers are believed only from the proxies that the operator names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from entrepot.store.settings import SettingsInvalid
from werkzeug.middleware.proxy_fix import ProxyFix

Wsgi = Callable[..., Any]


class TrustedProxies:
    """Applies forwarding headers when the caller is a trusted proxy.

    Anybody else's headers are ignored: a caller who could choose its own address
    would escape every limit that counts by address.

    Args:
        app: The application behind.
        proxies: Addresses or networks, such as ``10.0.0.0/8``.

    Raises:
        SettingsInvalid: One of them can't be read.
    """

    def __init__(self, app: Wsgi, proxies: Iterable[str]) -> None:
        self._app = app
        self._forwarded = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        try:
            self._networks = [ip_network(text, strict=False) for text in proxies]
        except ValueError as error:
            raise SettingsInvalid(
                "trusted_proxies",
                f"{error}.",
                "Name addresses or networks, such as 10.0.0.7 or 10.0.0.0/8.",
            ) from error

    def __call__(self, environ: dict[str, Any], start_response: Wsgi) -> Any:  # noqa: ANN401 - WSGI
        """Serve one request."""
        trusted = self.trusts(str(environ.get("REMOTE_ADDR", "")))
        return (self._forwarded if trusted else self._app)(environ, start_response)

    def trusts(self, caller: str) -> bool:
        """Return whether a caller's forwarding headers are believed."""
        try:
            address = ip_address(caller.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)
