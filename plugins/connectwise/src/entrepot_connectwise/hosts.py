"""From what somebody pastes as "site" to the addresses of API and user interface."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

CLOUD_SUFFIXES = (".myconnectwise.net", ".connectwisedev.com")
API_PREFIX = "api-"


@dataclass(frozen=True, slots=True)
class Site:
    """One installation.

    Attributes:
        scheme: `https`, or `http` where the setting says so (demo, on-premises).
        ui_host: Host people sign in to, with port if it has one.
        api_host: Host of the interface; on the cloud the one with `api-`.
        cloud: Whether the vendor runs it.
    """

    scheme: str
    ui_host: str
    api_host: str
    cloud: bool

    @property
    def api_root(self) -> str:
        """Address of the API host without a slash at the end."""
        return f"{self.scheme}://{self.api_host}"

    @property
    def ui_root(self) -> str:
        """Address of the user interface without a slash at the end."""
        return f"{self.scheme}://{self.ui_host}"

    def owns(self, url: str) -> bool:
        """Whether a URL is this installation's, or the vendor's cloud, and as safe.

        Callbacks name the address of their signing key in a body that is not
        verified yet; nothing else may be fetched (connectwise.md §11).
        """
        parts = urlsplit(url)
        if parts.username or parts.password or parts.scheme != self.scheme:
            return False
        host = (parts.hostname or "").lower()
        if parts.netloc.lower() in {self.ui_host, self.api_host}:
            return True
        return self.scheme == "https" and parts.port is None and is_cloud(host)


def is_cloud(host: str) -> bool:
    """Whether a host is run by the vendor."""
    return host.endswith(CLOUD_SUFFIXES)


def parse_site(text: str) -> Site:
    """Read a site setting: scheme, path and slashes are dropped, `api-` is added.

    Raises:
        ValueError: Nothing that looks like a host is left.
    """
    raw = text.strip()
    parts = urlsplit(raw if "://" in raw else f"https://{raw}")
    netloc = parts.netloc.rpartition("@")[2].lower()
    if not parts.hostname or " " in netloc or parts.scheme not in {"http", "https"}:
        raise ValueError(f"not a host name: {text!r}")
    ui_host = netloc
    if is_cloud(netloc):
        ui_host = netloc.removeprefix(API_PREFIX)
        return Site(parts.scheme, ui_host, API_PREFIX + ui_host, cloud=True)
    return Site(parts.scheme, ui_host, ui_host, cloud=False)
