"""How calls are made: time-outs, repeats, sizes, and who signs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from entrepot.sdk.http.response import HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """Limits of one connection's calls.

    Attributes:
        connect_timeout: Seconds to establish a connection.
        read_timeout: Seconds without a byte before the call is given up.
        total_timeout: Seconds one attempt may take including its body.
        attempts: How often a repeatable call is sent at most.
        backoff_first: Seconds before the first repeat; doubles with each.
        backoff_cap: Longest pause between repeats in seconds.
        wait_inside: Seconds a call may wait for throttling before it gives up with
            `RateLimited`, so that the job can be rescheduled instead.
        max_body: Largest answer in bytes after decompression.
        concurrency: Calls of one connection under way at once, in this process.
        ca_bundle: File of trusted certificate authorities; None for the usual ones.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    total_timeout: float = 180.0
    attempts: int = 4
    backoff_first: float = 0.5
    backoff_cap: float = 20.0
    wait_inside: float = 60.0
    max_body: int = 64 * 1024 * 1024
    concurrency: int = 4
    ca_bundle: str | None = None


class Auth(Protocol):
    """Signs calls; one object per connection, shared by its threads."""

    def headers(self) -> Mapping[str, str]:
        """Headers that prove who calls; asked for before every attempt."""

    def refused(self, response: HttpResponse) -> bool:
        """Told of a 401; True when new headers are worth one more attempt."""


class BearerAuth:
    """Bearer tokens from a function that fetches or renews them.

    Args:
        token: Called with True when the last token was refused; returns a token.
            It may raise `AuthRequired`.
    """

    def __init__(self, token: Callable[[bool], str]) -> None:
        self._token = token

    def headers(self) -> Mapping[str, str]:
        """The Authorization header with the present token."""
        return {"Authorization": f"Bearer {self._token(False)}"}

    def refused(self, response: HttpResponse) -> bool:
        """Renew the token and ask for one more attempt."""
        self._token(True)
        return True
