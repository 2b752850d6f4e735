"""One attempt: wait for the turn, send, read the whole answer, nothing more."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3

from entrepot.sdk.context import Clock
from entrepot.sdk.errors import RateLimited, Rejected, Retryable
from entrepot.sdk.http.budget import Budget, Slots
from entrepot.sdk.http.call import Call, bare
from entrepot.sdk.http.errors import WireFault, fault_of
from entrepot.sdk.http.response import HttpResponse, case_insensitive
from entrepot.sdk.http.transport import Transport
from entrepot.sdk.recording import Tape

_CHUNK = 64 * 1024
_WIRE_ERRORS = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)


@dataclass(slots=True)
class HttpStats:
    """Counters of one connection in this process, for progress, health and benches."""

    sent: int = 0
    repeated: int = 0
    throttled: int = 0
    bytes_read: int = 0


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends attempts of one connection. Shared by its threads.

    Attributes:
        transport: Pool behind the egress guard.
        budget: Shared request budget.
        clock: Time.
        recorder: Writes down what was exchanged, or None.
        quota_prefix: Put before quota keys so that they are unique in the hub.
        stats: Counters.
        shared: Slots that other processes know of, too; None limits this one only.
    """

    transport: Transport
    budget: Budget
    clock: Clock
    recorder: Tape | None = None
    quota_prefix: str = ""
    stats: HttpStats = field(default_factory=HttpStats)
    shared: Slots | None = None
    slots: Slots = field(init=False, repr=False)

    def __post_init__(self) -> None:
        size = self.transport.policy.concurrency
        self.slots = self.shared or threading.BoundedSemaphore(size)

    def quota_key(self, call: Call) -> str:
        """The budget's key for this call."""
        return f"{self.quota_prefix}{call.quota or 'default'}"

    def send(
        self,
        call: Call,
        headers: Mapping[str, str],
        until: float,
        deadline: float | None,
    ) -> HttpResponse:
        """Send once and read the whole body.

        Args:
            call: What to send.
            headers: Complete headers.
            until: Monotonic moment up to which waiting for a turn makes sense.
            deadline: Monotonic moment after which the answer is of no use, or None.

        Raises:
            WireFault: no complete answer came.
            RateLimited: the turn comes too late.
        """
        with self._turn(call, until):
            end = self._end(call, deadline)
            self.stats.sent += 1
            try:
                response = self._exchange(call, headers, end)
            except _WIRE_ERRORS as error:
                raise fault_of(error, call.where) from None
        self.stats.bytes_read += len(response.content)
        if self.recorder is not None:
            self.recorder.record(call.method, call.url, headers, call.body, response)
        return response

    @contextmanager
    def stream(
        self,
        call: Call,
        headers: Mapping[str, str],
        until: float,
        deadline: float | None,
    ) -> Iterator[tuple[HttpResponse, Iterator[bytes]]]:
        """Send once and hand out the body in pieces; for downloads that are large."""
        with self._turn(call, until):
            end = self._end(call, deadline)
            self.stats.sent += 1
            try:
                with self._open(call, headers, end) as raw:
                    yield _head(call, raw), self._pieces(call, raw, end, limited=False)
            except _WIRE_ERRORS as error:
                raise fault_of(error, call.where) from None

    @contextmanager
    def _turn(self, call: Call, until: float) -> Iterator[None]:
        wait = max(0.0, until - self.clock.monotonic())
        if not self.slots.acquire(timeout=wait):
            raise RateLimited(
                "connection_busy",
                "All requests of this connection are busy; the work continues later.",
                detail=call.where,
                after=5.0,
            )
        try:
            self.budget.acquire(self.quota_key(call), call.cost, until)
            yield
        finally:
            self.slots.release()

    def _end(self, call: Call, deadline: float | None) -> float:
        now = self.clock.monotonic()
        total = call.total_timeout or self.transport.policy.total_timeout
        end = now + total if deadline is None else min(now + total, deadline)
        if end <= now:
            raise Retryable(
                "deadline_passed",
                "The time for this work is over; it continues later.",
                detail=call.where,
            )
        return end

    def _exchange(
        self, call: Call, headers: Mapping[str, str], end: float
    ) -> HttpResponse:
        if call.fast:
            return self._exchange_fast(call, headers, end)
        with self._open(call, headers, end) as raw:
            head = _head(call, raw)
            body = b"".join(self._pieces(call, raw, end, limited=True))
        return _filled(head, body)

    def _open(
        self, call: Call, headers: Mapping[str, str], end: float
    ) -> requests.Response:
        return self.transport.session.request(
            call.method,
            call.url,
            headers=dict(headers),
            data=call.body,
            timeout=self._timeouts(end),
            allow_redirects=False,
            stream=True,
        )

    def _exchange_fast(
        self, call: Call, headers: Mapping[str, str], end: float
    ) -> HttpResponse:
        connect, read = self._timeouts(end)
        raw = self.transport.pool.request(
            call.method,
            call.url,
            headers={"Accept-Encoding": "gzip, deflate", **headers},
            body=call.body,
            timeout=urllib3.Timeout(connect=connect, read=read),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        try:
            body = b"".join(self._limited(call, _reads(raw), end, True))
        except BaseException:
            raw.close()
            raise
        raw.release_conn()
        return HttpResponse(
            status=raw.status,
            headers=case_insensitive(dict(raw.headers.items())),
            content=body,
            url=bare(call.url),
            method=call.method,
        )

    def _timeouts(self, end: float) -> tuple[float, float]:
        left = max(0.05, end - self.clock.monotonic())
        policy = self.transport.policy
        return min(policy.connect_timeout, left), min(policy.read_timeout, left)

    def _pieces(
        self, call: Call, raw: requests.Response, end: float, *, limited: bool
    ) -> Iterator[bytes]:
        return self._limited(call, _reads(raw.raw), end, limited)

    def _limited(
        self, call: Call, pieces: Iterable[bytes], end: float, limited: bool
    ) -> Iterator[bytes]:
        """The pieces, given up when they are too many or drip in too slowly."""
        size = 0
        for piece in pieces:
            size += len(piece)
            if limited and size > self.transport.policy.max_body:
                raise _too_large(call, self.transport.policy.max_body)
            if self.clock.monotonic() > end:
                raise WireFault(
                    "read_timeout",
                    "The other side took too long to answer.",
                    sent=True,
                    detail=call.where,
                )
            yield piece


def _reads(raw: Any) -> Iterator[bytes]:  # noqa: ANN401 - urllib3's base class lacks read1
    """The body as it arrives.

    `stream()` would wait until a whole chunk is there and hide a body that drips.
    """
    while piece := raw.read1(_CHUNK, decode_content=True):
        yield piece


def _head(call: Call, raw: requests.Response) -> HttpResponse:
    return HttpResponse(
        status=raw.status_code,
        headers=case_insensitive(raw.headers),
        content=b"",
        url=bare(call.url),
        method=call.method,
    )


def _filled(head: HttpResponse, body: bytes) -> HttpResponse:
    return HttpResponse(
        status=head.status,
        headers=head.headers,
        content=body,
        url=head.url,
        method=head.method,
    )


def _too_large(call: Call, limit: int) -> Rejected:
    return Rejected(
        "answer_too_large",
        "The other side sent more data than the hub accepts in one answer.",
        detail=f"{call.where}: more than {limit} bytes",
        remedy="Ask for smaller pages, or let the operator raise the limit.",
    )
