"""Writes to vendors and PSA systems, effectively once.

The intent is committed before the first byte is sent and the outcome after the last.
Whoever finds an open intent first asks the other side by our reference, after the
time it needs to show what it took, and sends again only when that answer is sure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from entrepot.jobs.errors import OwnershipLost, WritesPaused
from entrepot.jobs.intents import Intent, IntentBook
from entrepot.jobs.plain import JsonDict, as_json
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    RateLimited,
    Rejected,
    Unsupported,
)

Idempotency = Literal["key", "probe", "none"]
EffectState = Literal["done", "rejected", "unknown"]

DEFAULT_SETTLE = 30
SENDS_AT_MOST = 3
"""Sends within one call; what is still open then waits for the next one."""

PAUSED_RETRY_SECONDS = 60.0
_REFUSED = (Rejected, NotFound, Conflict, Unsupported)
_NOT_SENT = (RateLimited, AuthRequired, ConfigInvalid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The other side took the write.

    Attributes:
        vendor_reference: Its id of what it made or changed, or None.
        answer: What it said, as plain JSON without secrets.
    """

    vendor_reference: str | None = None
    answer: JsonDict = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a search by our reference found.

    Attributes:
        found: True, False, or None when the search cannot tell.
        vendor_reference: Its id of what was found, or None.
        answer: What was found.
    """

    found: bool | None
    vendor_reference: str | None = None
    answer: JsonDict = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One write.

    Attributes:
        reference: Derived from the thing that is done, never from the run.
        connection_id: Where it goes.
        action: What it is, for lists and step names.
        request: What is sent, as plain JSON without secrets; the same reference with
            another request is refused while its first attempt is open.
        send: Sends it once, with the reference in every field the protocol offers.
        probe: Searches by the reference; None where the protocol cannot.
        idempotency: What the other side documents: keys, nothing but a search, or
            not even that.
        settle_seconds: How long it may take to show what it took.
        key_lifetime: Seconds a key is remembered there.
    """

    reference: str
    connection_id: str
    action: str
    request: JsonDict
    send: Callable[[], Sent]
    probe: Callable[[], Probed] | None = None
    idempotency: Idempotency = "probe"
    settle_seconds: int = DEFAULT_SETTLE
    key_lifetime: int = 86_400

    def digest(self) -> str:
        """Return the fingerprint of the request."""
        canonical = json.dumps(self.request, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectResult:
    """How a write ended.

    Attributes:
        state: `done`, `rejected`, or `unknown`: a person must look, nothing is sent.
        reference: Ours.
        vendor_reference: Theirs, or None.
        answer: What they said.
        error_code: Why it was rejected or is unknown, or None.
        error_text: The sentence for people, or None.
        replayed: Whether an earlier attempt had settled it.
    """

    state: EffectState
    reference: str
    vendor_reference: str | None = None
    answer: JsonDict = field(default_factory=dict)
    error_code: str | None = None
    error_text: str | None = None
    replayed: bool = False

    def as_json(self) -> JsonDict:
        """Return the result as a step may return it."""
        return {name: getattr(self, name) for name in self.__slots__}


class Effects:
    """Carries out writes.

    Args:
        book: The journal of intents.
        clock: Time; its `sleep` waits for the other side to settle.
        may_send: False once others have taken over this process's work.
        stop: Called while waiting; raises to end the wait.
        fault: Called with the name of each point a crash test may choose.
    """

    def __init__(
        self,
        book: IntentBook,
        clock: Clock,
        *,
        may_send: Callable[[], bool] = lambda: True,
        stop: Callable[[], None] = lambda: None,
        fault: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._book = book
        self._clock = clock
        self._may_send = may_send
        self._stop = stop
        self._fault = fault

    def run(
        self, effect: Effect, *, run_id: str | None, tenant_id: str
    ) -> EffectResult:
        """Do the write, or finish what an earlier attempt left open.

        Raises:
            WritesPaused: Outgoing writes are held back; nothing was sent.
            OwnershipLost: Others have taken over this process's work; nothing was
                sent.
            RateLimited: Certainly not done; try again later.
            AuthRequired: Certainly not done; the connection needs a person.
            ConfigInvalid: Certainly not done; the connection needs a person.
            Conflict: The reference belongs to another request that is still open.
        """
        found = self._book.find(tenant_id, effect.reference)
        if found is None or found.state == "unsent":
            self._refuse_if_paused()
            self._fault("effect:before_intent")
            wanted = _intent(effect, run_id, tenant_id, self._clock.now())
            found, created = self._book.open(wanted)
            self._fault("effect:after_intent")
            if created:
                return self._send(effect, found, SENDS_AT_MOST)
        return self._resume(effect, found, SENDS_AT_MOST)

    def _resume(self, effect: Effect, found: Intent, sends: int) -> EffectResult:
        """Finish an intent whose outcome is not written down."""
        if found.state in ("done", "rejected"):
            return _result(found, replayed=True)
        self._refuse_if_paused()
        if found.digest != effect.digest():
            raise Conflict(
                "intent_changed",
                "This change was already sent with other values, and its outcome is "
                "not known yet.",
                remedy="Settle the open attempt first, then make the change anew.",
            )
        if effect.idempotency == "key" and self._key_lives(effect, found):
            return self._send_again(effect, found, sends)
        if effect.idempotency == "none" or effect.probe is None:
            return self._unknown(found, "cannot_probe", "Nobody can tell if it went.")
        return self._probe_then_send(effect, effect.probe, found, sends)

    def _probe_then_send(
        self, effect: Effect, probe: Callable[[], Probed], found: Intent, sends: int
    ) -> EffectResult:
        settle = timedelta(seconds=effect.settle_seconds)
        # Twice, a settle apart: some lists show new things late, and a probe that
        # comes too early would order a second time.
        for moment in (found.sent_at + settle, found.sent_at + 2 * settle):
            self._wait_until(max(moment, self._clock.now()))
            seen = probe()
            if seen.found:
                return self._done(found, seen.vendor_reference, seen.answer)
            if seen.found is None:
                return self._unknown(
                    found, "probe_cannot_tell", "The other side cannot tell."
                )
        return self._send_again(effect, found, sends)

    def _send_again(self, effect: Effect, found: Intent, sends: int) -> EffectResult:
        if sends <= 0:
            return self._unknown(
                found, "outcome_unknown", "Sent several times without a clear answer."
            )
        return self._send(effect, self._book.count(found, self._clock.now()), sends)

    def _send(self, effect: Effect, intent: Intent, sends: int) -> EffectResult:
        self._fault("effect:before_send")
        if not self._may_send():
            raise OwnershipLost("Another worker has taken this work over.")
        try:
            sent = effect.send()
        except _NOT_SENT as error:
            self._book.finish(intent, "unsent", _error_columns(error))
            raise
        except _REFUSED as error:
            self._book.finish(intent, "rejected", _error_columns(error))
            return _result(self._book.get(intent))
        except Exception as error:  # noqa: BLE001  # whatever it was, it may have gone
            open_ = self._book.finish(intent, "unknown", _error_columns(error))
            return self._resume(effect, open_, sends - 1)
        self._fault("effect:after_send")
        result = self._done(intent, sent.vendor_reference, sent.answer)
        self._fault("effect:after_outcome")
        return result

    def _done(
        self, intent: Intent, vendor_reference: str | None, answer: JsonDict
    ) -> EffectResult:
        columns = {
            "vendor_reference": vendor_reference,
            "answer": as_json(answer, f"answer to {intent.action}"),
            "error_code": None,
            "error_text": None,
        }
        return _result(self._book.finish(intent, "done", columns))

    def _unknown(self, intent: Intent, code: str, text: str) -> EffectResult:
        columns = {
            "error_code": intent.error_code or code,
            "error_text": intent.error_text or text,
        }
        return _result(self._book.finish(intent, "unknown", columns))

    def _key_lives(self, effect: Effect, found: Intent) -> bool:
        age = (self._clock.now() - found.created_at).total_seconds()
        return age < effect.key_lifetime

    def _refuse_if_paused(self) -> None:
        why = self._book.paused()
        if why is not None:
            raise WritesPaused(
                "writes_paused",
                f"Outgoing writes are paused ({why}).",
                remedy="Resume them once the open attempts have been probed.",
                after=PAUSED_RETRY_SECONDS,
            )

    def _wait_until(self, moment: datetime) -> None:
        while (left := (moment - self._clock.now()).total_seconds()) > 0:
            self._stop()
            self._clock.sleep(min(left, 0.25))


def _intent(
    effect: Effect, run_id: str | None, tenant_id: str, now: datetime
) -> Intent:
    return Intent(
        reference=effect.reference,
        tenant_id=tenant_id,
        run_id=run_id,
        connection_id=effect.connection_id,
        action=effect.action,
        digest=effect.digest(),
        request=as_json(effect.request, f"request of {effect.action}"),
        idempotency=effect.idempotency,
        settle_seconds=effect.settle_seconds,
        state="sending",
        attempts=1,
        created_at=now,
        sent_at=now,
    )


def _error_columns(error: Exception) -> JsonDict:
    code = error.code if isinstance(error, EntrepotError) else type(error).__name__
    text = error.user_message if isinstance(error, EntrepotError) else str(error)
    return {"error_code": code[:120], "error_text": text}


def _result(intent: Intent, *, replayed: bool = False) -> EffectResult:
    state: EffectState = "unknown"
    if intent.state == "done" or intent.state == "rejected":
        state = intent.state
    return EffectResult(
        state=state,
        reference=intent.reference,
        vendor_reference=intent.vendor_reference,
        answer=intent.answer or {},
        error_code=intent.error_code,
        error_text=intent.error_text,
        replayed=replayed,
    )
