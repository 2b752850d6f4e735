"""Repeating with care: what may be sent again, when, and when to give up."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace

from entrepot.sdk.egress import EgressRefused
from entrepot.sdk.errors import EntrepotError, RateLimited, Retryable
from entrepot.sdk.http.budget import rate_limited
from entrepot.sdk.http.call import Call, Defaults
from entrepot.sdk.http.errors import (
    REPEATABLE_STATUS,
    WireFault,
    error_for_status,
    outcome_unknown,
    retry_after,
)
from entrepot.sdk.http.response import HttpResponse
from entrepot.sdk.http.sender import Sender
from entrepot.sdk.http.trace import new_call_id, traceparent

_LOG = logging.getLogger("entrepot.http")
_THROTTLED = 429
_UNAVAILABLE = 503
_UNAUTHORIZED = 401


@dataclass(slots=True)
class _Verdict:
    """Why an attempt did not succeed, and whether another one makes sense."""

    error: EntrepotError
    again: bool
    wait: float | None = None


class Runner:
    """Runs one call to its end.

    Args:
        sender: Sends single attempts.
        defaults: What the bound session adds.
        rng: Source of jitter.
        call: What to send.
    """

    def __init__(
        self, sender: Sender, defaults: Defaults, rng: random.Random, call: Call
    ) -> None:
        self._sender, self._defaults, self._rng, self._call = (
            sender,
            defaults,
            rng,
            call,
        )
        self._clock = sender.clock
        self._policy = sender.transport.policy
        self._renewed = False
        self._call_id = new_call_id()
        wait_until = self._clock.monotonic() + self._policy.wait_inside
        deadline = defaults.deadline
        self._until = wait_until if deadline is None else min(wait_until, deadline)

    def run(self) -> HttpResponse:
        """Send, repeat where that is allowed, and return the answer.

        Raises:
            EntrepotError: the reason why there is none.
        """
        attempt = 1
        while True:
            verdict = self._attempt()
            if isinstance(verdict, HttpResponse):
                return verdict
            pause = self._pause_before_next(verdict, attempt)
            if pause is None:
                raise verdict.error from None
            self._note(verdict, attempt, pause)
            self._clock.sleep(pause)
            attempt += 1

    def headers(self) -> dict[str, str]:
        """Complete headers of one attempt, freshly signed."""
        defaults = self._defaults
        headers = {**defaults.headers, **self._call.headers}
        if defaults.correlation_header:
            headers[defaults.correlation_header] = self._call_id
        if defaults.correlation_id:
            headers["traceparent"] = traceparent(defaults.correlation_id)
        if defaults.auth is not None:
            headers.update(defaults.auth.headers())
        return headers

    def named(self, response: HttpResponse) -> HttpResponse:
        """The response with the ids of both sides."""
        found = (response.header(name) for name in self._defaults.request_id_headers)
        return replace(
            response,
            request_id=next((text for text in found if text), None),
            correlation_id=self._call_id,
        )

    def error_of(self, response: HttpResponse) -> EntrepotError | None:
        """The plugin's or the usual error of a response; None for an answer."""
        if response.ok or response.status in self._call.accept:
            return None
        if 300 <= response.status < 400 and response.status != 304:
            return _redirected(response)
        mapper = self._defaults.errors
        mapped = mapper(response) if mapper is not None else None
        return mapped or error_for_status(response)

    def _attempt(self) -> HttpResponse | _Verdict:
        call = self._call
        try:
            response = self.named(
                self._sender.send(
                    call, self.headers(), self._until, self._defaults.deadline
                )
            )
        except WireFault as fault:
            error = fault.as_error(may_have_written=call.writes)
            return _Verdict(error, again=call.repeatable or not fault.sent)
        if response.status == _UNAUTHORIZED and self._renew(response):
            return self._attempt()
        if response.status == _THROTTLED:
            return self._throttled(response)
        error_or_none = self.error_of(response)
        if error_or_none is None:
            return self._complete(response)
        if isinstance(error_or_none, RateLimited):
            # Some say it with a status of their own; only their plugin knows.
            return self._throttled(response)
        return self._refused(response, error_or_none)

    def _renew(self, response: HttpResponse) -> bool:
        auth = self._defaults.auth
        if auth is None or self._renewed or response.status in self._call.accept:
            return False
        self._renewed = True
        return auth.refused(response)

    def _complete(self, response: HttpResponse) -> HttpResponse | _Verdict:
        """The response, unless its body is visibly cut or not the promised JSON."""
        try:
            if response.looks_cut():
                raise response.broken(ValueError())
            if self._call.expect_json and response.ok:
                response.json()
        except Retryable as error:
            if self._call.writes:
                detail = error.info.detail
                unclear = outcome_unknown(error.code, detail, response.request_id)
                return _Verdict(unclear, again=self._call.repeatable)
            return _Verdict(error, again=True)
        return response

    def _refused(self, response: HttpResponse, error: EntrepotError) -> _Verdict:
        """An answer that is an error; unclear where a write met a server fault."""
        if response.status not in REPEATABLE_STATUS or not isinstance(error, Retryable):
            return _Verdict(error, again=False)
        wait = retry_after(response, self._clock.now())
        if wait is not None and response.status == _UNAVAILABLE:
            self._sender.budget.pause(self._sender.quota_key(self._call), wait)
        if self._call.writes:
            detail = f"{self._call.where}: HTTP {response.status}"
            error = outcome_unknown(error.code, detail, response.request_id)
        return _Verdict(error, again=self._call.repeatable, wait=wait)

    def _throttled(self, response: HttpResponse) -> _Verdict:
        """A refusal for rate: nothing was done, so everything may be sent again."""
        self._sender.stats.throttled += 1
        key = self._sender.quota_key(self._call)
        wait = retry_after(response, self._clock.now())
        if wait is not None:
            self._sender.budget.pause(key, wait)
        limited = rate_limited(key, wait or 0.0)
        return _Verdict(limited, again=True, wait=wait)

    def _pause_before_next(self, verdict: _Verdict, attempt: int) -> float | None:
        """Seconds until the next attempt, or None when this was the last one."""
        throttled = isinstance(verdict.error, RateLimited)
        most = self._policy.attempts + (4 if throttled else 0)
        pause = verdict.wait
        if pause is None:
            pause = self._backoff(attempt)
            if throttled:
                self._sender.budget.pause(self._sender.quota_key(self._call), pause)
                verdict.error = rate_limited(self._sender.quota_key(self._call), pause)
        left = self._until - self._clock.monotonic()
        if not verdict.again or attempt >= most or pause >= left:
            return None
        return pause

    def _backoff(self, attempt: int) -> float:
        grown = self._policy.backoff_first * 2.0 ** (attempt - 1)
        return min(self._policy.backoff_cap, grown) * self._rng.uniform(0.5, 1.0)

    def _note(self, verdict: _Verdict, attempt: int, pause: float) -> None:
        self._sender.stats.repeated += 1
        _LOG.info(
            "%s: %s, attempt %d, again in %.1f s",
            self._call.where,
            verdict.error.code,
            attempt,
            pause,
        )


def _redirected(response: HttpResponse) -> EgressRefused:
    return EgressRefused(
        "redirect_refused",
        "The other side redirects to another address, which the hub does not follow.",
        detail=f"{response.method} {response.url}: HTTP {response.status}",
        remedy="Enter the final address of the service in the connection's settings.",
    )
