"""The session a plugin calls: one interface, every rule applied to every call."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Unpack
from urllib.parse import urlencode

from entrepot.sdk.context import Clock, SystemClock
from entrepot.sdk.http.budget import Budget, NoBudget, Slots
from entrepot.sdk.http.call import Call, Defaults, full_url, is_repeatable
from entrepot.sdk.http.errors import WireFault
from entrepot.sdk.http.options import BindOptions, RequestOptions
from entrepot.sdk.http.response import HttpResponse, encode_json
from entrepot.sdk.http.runner import Runner
from entrepot.sdk.http.sender import HttpStats, Sender
from entrepot.sdk.http.transport import Transport
from entrepot.sdk.recording import Tape


class HttpSession:
    """HTTP for one connection. Safe to share between threads.

    Core makes one per connection and hands it to hooks as `ctx.http`, bound to the
    call's correlation id and deadline. Plugins bind it further.

    Every method raises the errors of `entrepot.sdk.errors` and nothing else:
    `Retryable` (nothing was changed), `RateLimited` (with `after`), `OutcomeUnknown`
    (a write without a clear answer), `EgressRefused` (a target that is not allowed)
    and what the bound table of errors says about an answer.

    Args:
        transport: Pool behind the egress guard.
        budget: Request budget shared with all other callers of the account.
        clock: Time.
        rng: Source of jitter; tests give a seeded one.
        recorder: Where to write down what was exchanged; None for nowhere.
        quota_prefix: Put before quota keys so that they are unique in the hub.
        slots: Calls under way, counted over all processes; None counts in this one.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        budget: Budget | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        recorder: Tape | None = None,
        quota_prefix: str = "",
        slots: Slots | None = None,
    ) -> None:
        self._sender = Sender(
            transport=transport,
            budget=budget or NoBudget(),
            clock=clock or SystemClock(),
            recorder=recorder,
            quota_prefix=quota_prefix,
            shared=slots,
        )
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._defaults = Defaults()

    def bound(self, **options: Unpack[BindOptions]) -> HttpSession:
        """A view of this session with further defaults; pool and budget are shared.

        Headers are added to those bound before; everything else replaces.
        """
        view = object.__new__(HttpSession)
        view._sender, view._rng = self._sender, self._rng
        merged = {**self._defaults.headers, **options.get("headers", {})}
        view._defaults = replace(self._defaults, **{**options, "headers": merged})  # type: ignore[arg-type]  # the keys of BindOptions are Defaults' fields
        return view

    def paced_by(self, budget: Budget) -> HttpSession:
        """A view of this session that asks another budget before it sends.

        Pool, slots and counters are shared.
        """
        view = self.bound()
        view._sender = copy(self._sender)
        view._sender.budget = budget
        return view

    def recorded_on(self, tape: Tape) -> HttpSession:
        """A view of this session that writes down what is exchanged through it.

        Pool, budget, slots and counters are shared. What is streamed is not recorded.
        """
        view = self.bound()
        view._sender = copy(self._sender)
        view._sender.recorder = tape
        return view

    @property
    def stats(self) -> HttpStats:
        """Counters of this connection in this process."""
        return self._sender.stats

    def get(self, url: str, **options: Unpack[RequestOptions]) -> HttpResponse:
        """Read."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Unpack[RequestOptions]) -> HttpResponse:
        """Read headers only."""
        return self.request("HEAD", url, **options)

    def post(self, url: str, **options: Unpack[RequestOptions]) -> HttpResponse:
        """Send; repeated only with an idempotency key or `repeatable=True`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Unpack[RequestOptions]) -> HttpResponse:
        """Replace; repeated on passing faults."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Unpack[RequestOptions]) -> HttpResponse:
        """Change; repeated only with an idempotency key or `repeatable=True`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Unpack[RequestOptions]) -> HttpResponse:
        """Remove; repeated on passing faults (a repeat may answer 404)."""
        return self.request("DELETE", url, **options)

    def raw_get(self, url: str, **options: Unpack[RequestOptions]) -> HttpResponse:
        """Read through the bare connection pool: the fast way for hot listings.

        Same rules and errors as `get`, about a third of its cost per call. Test
        tools that intercept requests do not see it.
        """
        return self._run(self._call("GET", url, options, fast=True))

    def request(
        self, method: str, url: str, **options: Unpack[RequestOptions]
    ) -> HttpResponse:
        """Make one call, repeated as the rules allow, and return its answer.

        Args:
            method: HTTP method.
            url: Absolute, or relative to the bound base.
            **options: See `RequestOptions`.
        """
        return self._run(self._call(method.upper(), url, options))

    @contextmanager
    def stream(
        self, url: str, **options: Unpack[RequestOptions]
    ) -> Iterator[Iterator[bytes]]:
        """Read a large body in pieces; sent once, without a limit on its size.

        The connection's slot is taken until the block ends.
        """
        call = self._call("GET", url, options)
        runner = Runner(self._sender, self._defaults, self._rng, call)
        policy, clock = self._sender.transport.policy, self._sender.clock
        until = clock.monotonic() + policy.wait_inside
        opened = self._sender.stream(
            call, runner.headers(), until, self._defaults.deadline
        )
        try:
            with opened as (head, pieces):
                error = runner.error_of(runner.named(head))
                if error is not None:
                    raise error
                yield pieces
        except WireFault as fault:
            raise fault.as_error(may_have_written=False) from None

    def close(self) -> None:
        """Close idle connections of the pool, for all views of this session."""
        self._sender.transport.close()

    def _run(self, call: Call) -> HttpResponse:
        return Runner(self._sender, self._defaults, self._rng, call).run()

    def _call(
        self, method: str, url: str, options: RequestOptions, *, fast: bool = False
    ) -> Call:
        complete = full_url(self._defaults.base_url, url, options.get("params"))
        self._sender.transport.egress.check_url(complete)
        headers, body = _headers_and_body(options)
        key = options.get("idempotency")
        if key is not None:
            headers[key[0]] = key[1]
        return Call(
            method=method,
            url=complete,
            headers=headers,
            body=body,
            repeatable=options.get("repeatable", is_repeatable(method, key)),
            accept=options.get("accept", ()),
            expect_json=options.get("expect_json", False),
            quota=options.get("quota", self._defaults.quota),
            cost=options.get("cost", 1.0),
            fast=fast,
            total_timeout=options.get("total_timeout"),
        )


def _headers_and_body(
    options: RequestOptions,
) -> tuple[dict[str, str], bytes | None]:
    headers = dict(options.get("headers", {}))
    if "json" in options:
        headers.setdefault("Content-Type", "application/json")
        return headers, encode_json(options["json"])
    if "form" in options:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return headers, urlencode(options["form"]).encode()
    return headers, options.get("body")
