"""Writes to vendors: idempotency × crash × late visibility, on both databases.

A crash is a `Killed` raised at a fault point, after which everything is built anew,
as after a restart; the vendor and the database are what remains.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from entrepot.jobs import Effect, IntentBook, Probed, Sent, WritesPaused
from entrepot.jobs.errors import OwnershipLost, RunConflict, WorkerStopping
from entrepot.jobs.intent import Effects
from entrepot.jobs.restore import probe_open_intents
from entrepot.sdk.errors import (
    AuthRequired,
    Conflict,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
)
from entrepot.store import FixedClock, SystemScope
from entrepot.store.state import WRITES_PAUSED, set_state

TENANT = "ten_jobs"
SETTLE = 30
POINTS = (
    "effect:before_intent",
    "effect:after_intent",
    "effect:before_send",
    "effect:after_send",
    "effect:after_outcome",
)


class Killed(BaseException):
    """The process died here."""


class Vendor:
    """Keeps what it was sent; shows it after a while; may know keys."""

    def __init__(self, clock: FixedClock, *, keys: bool, late: float) -> None:
        self.clock, self.keys, self.late = clock, keys, late
        self.made: list[tuple[str, datetime]] = []
        self.requests = 0
        self.probes = 0
        self.fail: list[Exception] = []
        self.fail_before: list[Exception] = []
        self.cannot_tell = False

    def send(self, reference: str) -> Sent:
        self.requests += 1
        if self.fail_before:
            raise self.fail_before.pop(0)
        if not (self.keys and reference in {made for made, _ in self.made}):
            self.made.append((reference, self.clock.now()))
        if self.fail:
            raise self.fail.pop(0)
        return Sent(vendor_reference=f"v-{reference}", answer={"line": 7})

    def probe(self, reference: str) -> Probed:
        self.probes += 1
        if self.cannot_tell:
            return Probed(found=None)
        shown = self.clock.now() - timedelta(seconds=self.late)
        seen = any(made == reference and at <= shown for made, at in self.made)
        return Probed(found=seen, vendor_reference=f"v-{reference}" if seen else None)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 15, 12, 0, tzinfo=UTC))


@pytest.fixture
def book_of_intents(store, clock) -> IntentBook:
    return IntentBook(store, clock)


@pytest.fixture
def run(book_of_intents, clock) -> Callable:
    """Run one effect in a process of its own, which may die at a point."""

    def run(
        vendor, idempotency, *, die_at=None, reference="ref-1", quantity=5, **options
    ):
        def fault(name: str) -> None:
            if name == die_at:
                raise Killed(name)

        effects = Effects(book_of_intents, clock, fault=fault, **options)
        effect = Effect(
            reference=reference,
            connection_id="con_1",
            action="create_line",
            request={"quantity": quantity},
            send=lambda: vendor.send(reference),
            probe=None if idempotency == "none" else lambda: vendor.probe(reference),
            idempotency=idempotency,
            settle_seconds=SETTLE,
        )
        return effects.run(effect, run_id="r1", tenant_id=TENANT)

    return run


@pytest.mark.parametrize("idempotency", ["key", "probe"])
def test_death_at_any_point_leaves_exactly_one_line(
    idempotency, run, clock, book_of_intents
):
    for late in (0.0, 2.0, 29.0, 45.0):
        for point in POINTS:
            vendor = Vendor(clock, keys=idempotency == "key", late=late)
            reference = f"{point}/{late}"
            with pytest.raises(Killed):
                run(vendor, idempotency, die_at=point, reference=reference)
            result = run(vendor, idempotency, reference=reference)
            assert (result.state, reference) == ("done", reference)
            assert result.vendor_reference == f"v-{reference}"
            assert [made for made, _ in vendor.made] == [reference]
    assert book_of_intents.open_intents() == []


def test_death_without_any_way_to_ask_is_left_to_a_person(run, clock):
    for point in POINTS:
        vendor = Vendor(clock, keys=False, late=0)
        with pytest.raises(Killed):
            run(vendor, "none", die_at=point, reference=point)
        result = run(vendor, "none", reference=point)
        unclear = point in POINTS[1:4]
        assert (point, result.state) == (point, "unknown" if unclear else "done")
        assert len(vendor.made) == (1 if point not in POINTS[1:3] else 0)
        assert vendor.requests <= 1


@pytest.mark.parametrize("idempotency", ["key", "probe", "none"])
@pytest.mark.parametrize("reached", [True, False])
def test_time_out_before_or_after_the_vendor_took_it(idempotency, reached, run, clock):
    vendor = Vendor(clock, keys=idempotency == "key", late=2)
    unclear = [OutcomeUnknown("time_out", "No answer came.")]
    vendor.fail, vendor.fail_before = (unclear, []) if reached else ([], unclear)
    result = run(vendor, idempotency)
    if idempotency == "none":
        assert (result.state, result.error_code) == ("unknown", "time_out")
        assert vendor.requests == 1
    else:
        assert result.state == "done"
        assert len(vendor.made) == 1


def test_settled_write_is_never_sent_or_probed_again(run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    first, second = run(vendor, "probe"), run(vendor, "probe")
    assert (first.replayed, second.replayed) == (False, True)
    assert (vendor.requests, vendor.probes) == (1, 0)
    assert second.answer == {"line": 7}


@pytest.mark.parametrize("error", [Rejected, NotFound, Conflict])
def test_refusal_is_an_outcome(error, run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    vendor.fail_before = [error("closed", "The period is closed.")]
    for _ in range(2):
        result = run(vendor, "probe")
        assert (result.state, result.error_code) == ("rejected", "closed")
        assert result.error_text == "The period is closed."
    assert vendor.requests == 1


@pytest.mark.parametrize("error", [RateLimited, AuthRequired])
def test_certainly_unsent_write_is_raised_and_sent_later(error, run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    vendor.fail_before = [error("no", "Not now.")]
    with pytest.raises(error):
        run(vendor, "probe")
    # Nothing was sent, so the request may even be another one by now.
    assert run(vendor, "probe", quantity=6).state == "done"
    assert (vendor.requests, vendor.probes) == (2, 0)


def test_any_other_error_counts_as_unclear(run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    vendor.fail = [Retryable("cut", "The line was cut."), KeyError("answer")]
    assert run(vendor, "probe").state == "done"
    assert len(vendor.made) == 1


def test_probe_that_cannot_tell_never_leads_to_a_second_send(run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    vendor.fail = [OutcomeUnknown("time_out", "No answer came.")]
    vendor.cannot_tell = True
    for _ in range(3):
        assert run(vendor, "probe").state == "unknown"
    assert vendor.requests == 1
    vendor.cannot_tell = False
    assert run(vendor, "probe").state == "done"


def test_vendor_that_never_answers_is_not_asked_for_ever(run, clock):
    vendor = Vendor(clock, keys=True, late=0)
    vendor.fail = [OutcomeUnknown("time_out", "No answer came.")] * 50
    assert run(vendor, "key").state == "unknown"
    assert vendor.requests == 3
    assert len(vendor.made) == 1


def test_key_older_than_its_lifetime_is_probed_instead(run, clock):
    vendor = Vendor(clock, keys=True, late=0)
    with pytest.raises(Killed):
        run(vendor, "key", die_at="effect:after_send")
    clock.advance(timedelta(days=2))
    assert run(vendor, "key").state == "done"
    assert (vendor.requests, vendor.probes) == (1, 1)


def test_open_write_refuses_other_values_under_its_reference(run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    with pytest.raises(Killed):
        run(vendor, "probe", die_at="effect:after_send")
    with pytest.raises(Conflict, match="other values"):
        run(vendor, "probe", quantity=6)
    assert len(vendor.made) == 1


def test_probe_waits_until_the_vendor_has_settled(run, clock):
    vendor = Vendor(clock, keys=False, late=29)
    with pytest.raises(Killed):
        run(vendor, "probe", die_at="effect:after_send")
    sent = clock.now()
    run(vendor, "probe")
    assert clock.now() - sent >= timedelta(seconds=SETTLE)
    assert vendor.requests == 1


def test_worker_without_its_lease_sends_nothing(run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    with pytest.raises(OwnershipLost):
        run(vendor, "probe", may_send=lambda: False)
    assert vendor.requests == 0
    assert run(vendor, "probe").state == "done"


def test_waiting_ends_when_the_worker_stops(run, clock):
    vendor = Vendor(clock, keys=False, late=0)
    with pytest.raises(Killed):
        run(vendor, "probe", die_at="effect:after_send")

    def stop() -> None:
        raise WorkerStopping("stop")

    with pytest.raises(WorkerStopping):
        run(vendor, "probe", stop=stop)
    assert run(vendor, "probe").state == "done"


def test_paused_writes_send_nothing_but_settled_ones_are_told(run, clock, store):
    vendor = Vendor(clock, keys=False, late=0)
    run(vendor, "probe", reference="ref-0")
    with store.unit(SystemScope("tests")) as session:
        set_state(session, WRITES_PAUSED, "restored")
    with pytest.raises(WritesPaused, match="restored"):
        run(vendor, "probe")
    assert run(vendor, "probe", reference="ref-0").state == "done"
    assert vendor.requests == 1
    with store.unit(SystemScope("tests")) as session:
        set_state(session, WRITES_PAUSED, None)
    assert run(vendor, "probe").state == "done"


def test_restore_probes_every_open_write(run, clock, book_of_intents):
    vendor = Vendor(clock, keys=False, late=0)
    for reference, point in (
        ("went", "effect:after_send"),
        ("stayed", "effect:after_intent"),
        ("foggy", "effect:after_send"),
    ):
        with pytest.raises(Killed):
            run(vendor, "probe", reference=reference, die_at=point)
    assert {item.reference for item in book_of_intents.open_intents(TENANT)} == {
        "went",
        "stayed",
        "foggy",
    }
    assert book_of_intents.open_intents("ten_other") == []

    def probe(intent):
        if intent.reference == "foggy":
            raise Retryable("away", "The other side is away.")
        return vendor.probe(intent.reference)

    summary = probe_open_intents(book_of_intents, probe)
    assert (summary.done, summary.unsent, summary.unknown) == (
        ("went",),
        ("stayed",),
        ("foggy",),
    )
    assert not summary.clear
    assert vendor.requests == 2
    assert run(vendor, "probe", reference="stayed").state == "done"
    assert run(vendor, "probe", reference="went").replayed
    assert len(vendor.made) == 3


def test_person_settles_what_nobody_can_tell(run, clock, book_of_intents):
    vendor = Vendor(clock, keys=False, late=0)
    with pytest.raises(Killed):
        run(vendor, "none", die_at="effect:after_intent")
    (intent,) = book_of_intents.open_intents()
    with pytest.raises(RunConflict, match="Decide"):
        book_of_intents.decide(intent, "unknown", "no idea")
    book_of_intents.decide(intent, "unsent", "ann: not in the PSA")
    assert run(vendor, "none").state == "done"
    assert len(vendor.made) == 1
    with pytest.raises(RunConflict, match="settled already"):
        book_of_intents.decide(intent, "done", "again")
