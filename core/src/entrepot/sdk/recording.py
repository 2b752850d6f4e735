"""Recordings of what was exchanged with a vendor, cleaned before they are written.

A cassette is one JSON file per recording: a list of exchanges with method, address,
headers and body of both directions. Secrets are gone before the file is touched, so
a cassette can be attached to a support case or kept as a test fixture.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from entrepot.sdk.redaction import REDACTED, Redactor, is_secret_name

if TYPE_CHECKING:
    from entrepot.sdk.http.response import HttpResponse

CASSETTE_VERSION = 1


class Tape:
    """Collects exchanges in memory, cleaned.

    Args:
        redactor: Knows the secrets that must not get onto it.
        limit: Exchanges kept; further ones are dropped, so that a forgotten
            recording does not fill memory or disk.
    """

    def __init__(self, redactor: Redactor, limit: int = 1000) -> None:
        self._redactor, self._limit = redactor, limit
        self._lock = threading.Lock()
        self._exchanges: list[dict[str, Any]] = []

    @property
    def exchanges(self) -> tuple[dict[str, Any], ...]:
        """What was exchanged so far, oldest first, as it stands in a cassette."""
        with self._lock:
            return tuple(self._exchanges)

    def record(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        response: HttpResponse,
    ) -> None:
        """Add one exchange."""
        exchange = {
            "request": {
                "method": method,
                "url": self._url(url),
                "headers": self._redactor.headers(headers),
                "body": self._body(body or b"", dict(headers)),
            },
            "response": {
                "status": response.status,
                "headers": self._redactor.headers(dict(response.headers)),
                "body": self._body(response.content, dict(response.headers)),
            },
        }
        with self._lock:
            if len(self._exchanges) < self._limit:
                self._exchanges.append(exchange)
                self._kept()

    def number(self, digits: str) -> str:
        """A number with a point as it is kept: as text, so that no money is rounded."""
        return digits

    def _kept(self) -> None:
        """Do what belongs to an exchange that was kept; the lock is held."""

    def _url(self, url: str) -> str:
        parts = urlsplit(url)
        query = [
            (name, REDACTED if is_secret_name(name) else self._redactor.text(value))
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ]
        return urlunsplit(
            (parts.scheme, parts.netloc, parts.path, urlencode(query), "")
        )

    def _body(self, body: bytes, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON or text
        text = body.decode("utf-8", "replace")
        kind = {k.lower(): v for k, v in headers.items()}.get("content-type", "")
        if "json" in kind:
            try:
                return self._redactor.data(json.loads(text, parse_float=self.number))
            except ValueError:
                return self._redactor.text(text)
        if "x-www-form-urlencoded" in kind:
            pairs = dict(parse_qsl(text, keep_blank_values=True))
            return self._redactor.data(pairs)
        return self._redactor.text(text)


class Recorder(Tape):
    """Collects exchanges and writes them to a cassette.

    Args:
        path: The cassette; overwritten at each write with all exchanges so far.
        redactor: Knows the secrets that must not get into it.
        limit: Exchanges kept.
    """

    def __init__(self, path: Path, redactor: Redactor, limit: int = 1000) -> None:
        super().__init__(redactor, limit)
        self._path = path

    def _kept(self) -> None:
        cassette = {"version": CASSETTE_VERSION, "exchanges": self._exchanges}
        text = json.dumps(cassette, indent=1, ensure_ascii=False, sort_keys=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(text + "\n", encoding="utf-8")


def read_cassette(path: Path) -> list[dict[str, Any]]:
    """The exchanges of a cassette, oldest first.

    Raises:
        ValueError: the file is of another version or no cassette.
    """
    cassette = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(cassette, dict) or cassette.get("version") != CASSETTE_VERSION:
        msg = f"{path.name} is not a cassette of version {CASSETTE_VERSION}"
        raise ValueError(msg)
    exchanges: list[dict[str, Any]] = cassette["exchanges"]
    return exchanges
