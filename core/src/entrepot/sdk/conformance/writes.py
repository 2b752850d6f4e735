"""Checks of writes to a PSA's lines."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance.checks import require
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import pages, records
from entrepot.sdk.errors import Conflict, OutcomeUnknown
from entrepot.sdk.model import (
    AgreementLine,
    AgreementStatus,
    BillCustomer,
    BillingLock,
    LineChange,
    LineChangeKind,
    LineOutcome,
    OutcomeState,
    PlannedCall,
)
from entrepot.sdk.simulator import Fault, Simulator

NOBODY = "00000000-0000-4000-8000-00000000dead"
"""An id that no vendor with UUIDs has given out."""
NOBODY_NUMBER = "999999999"
"""An id that no PSA with numbers has given out."""


def new_line(harness: Harness) -> LineChange:
    """A change that creates a line on an agreement of the simulator.

    Raises:
        AssertionError: the simulator has no agreement that is open for it.
    """
    products = [p for p in records(harness, "list_products") if p.usable_on_lines]
    active = [p for p in products if p.active]
    for agreement in records(harness, "list_agreements"):
        if agreement.status is not AgreementStatus.ACTIVE:
            continue
        query = ask.GetBillingLock(agreement_id=agreement.vendor_id)
        lock = harness.call("get_billing_lock", query)
        if not lock.known or not active:
            continue
        return LineChange(
            kind=LineChangeKind.CREATE,
            reference=f"conf-{uuid4().hex[:12]}",
            agreement_id=agreement.vendor_id,
            company_id=agreement.company_id,
            product_id=active[-1].vendor_id,
            quantity=Decimal(2),
            unit_price=Decimal("10.50"),
            bill=BillCustomer.BILLABLE,
            effective=_first_day(harness, lock.locked_through, agreement.start),
            invoice_text="Conformance",
        )
    raise AssertionError("the simulator has no active agreement with a known lock")


def line_is_found_again(harness: Harness) -> None:
    """Planning is silent, the write is read back, and the probe finds it once."""
    change = new_line(harness)
    sent = harness.http.stats.sent
    planned = harness.call("plan_line_changes", ask.PlanLineChanges(changes=(change,)))
    require(harness.http.stats.sent == sent, "plan_line_changes made a request")
    require(planned, "plan_line_changes tells no call")
    require(all(isinstance(c, PlannedCall) for c in planned), f"it tells {planned}")
    require(_find(harness, change) is None, "the line is found before it is written")
    outcome = harness.call("apply_line_change", ask.ApplyLineChange(change=change))
    require(isinstance(outcome, LineOutcome), f"apply returned {outcome!r}")
    require(outcome.state is OutcomeState.DONE, f"apply ended {outcome}")
    line = outcome.line
    require(line is not None, "the written line is not read back")
    found = _find(harness, change)
    require(found is not None, "the written line is not found again")
    assert line is not None and found is not None  # noqa: S101, PT018 - for the type checker
    require(found.vendor_id == line.vendor_id, "another line is found")
    require(line.quantity == change.quantity, f"quantity is {line.quantity}")
    require(line.effective == change.effective, f"it begins {line.effective}")


def lost_answer_is_found_once(harness: Harness, simulator: Simulator) -> None:
    """A write whose answer was lost is never sent twice and can be found."""
    change = new_line(harness)
    before = len(_lines(harness, change.agreement_id))
    simulator.faults.add(Fault(kind="timeout_after_commit", method="POST", seconds=0.1))
    try:
        command = ask.ApplyLineChange(change=change)
        outcome = harness.call("apply_line_change", command)
        require(outcome.state is OutcomeState.UNKNOWN, f"apply says {outcome.state}")
    except OutcomeUnknown as error:
        require(error.code, "the error has no code")
    after = _lines(harness, change.agreement_id)
    require(len(after) == before + 1, f"{len(after) - before} lines were written")
    found = _find(harness, change)
    require(found is not None, "the line is there but is not found")


def stale_change_is_a_conflict(harness: Harness) -> None:
    """A change whose `expected_token` no longer holds writes nothing."""
    change = new_line(harness)
    made = harness.call("apply_line_change", ask.ApplyLineChange(change=change)).line
    require(made is not None, "the written line is not read back")
    stale = LineChange(
        kind=LineChangeKind.SET_QUANTITY,
        reference=f"conf-{uuid4().hex[:12]}",
        agreement_id=change.agreement_id,
        company_id=change.company_id,
        line_id=made.vendor_id,
        quantity=Decimal(7),
        expected_token=f"{made.change_token}-stale",
    )
    try:
        harness.call("apply_line_change", ask.ApplyLineChange(change=stale))
    except Conflict as error:
        require(error.info.code, "the error has no code")
    else:
        raise AssertionError("a change with a stale expected_token was carried out")
    query = ask.GetAgreementLine(
        agreement_id=change.agreement_id, line_id=made.vendor_id
    )
    now = harness.call("get_agreement_line", query)
    require(now.quantity == made.quantity, f"the line was changed to {now.quantity}")


def ticket_is_made_once(harness: Harness) -> None:
    """Two commands with one reference give one ticket."""
    company = records(harness, "list_companies")[0]
    command = ask.CreateTicket(
        reference=f"conf-{uuid4().hex[:12]}",
        company_id=company.vendor_id,
        summary="Conformance",
        body="Made by the conformance kit.",
    )
    first = harness.call("create_ticket", command)
    second = harness.call("create_ticket", command)
    require(first.vendor_id, "the ticket has no id")
    require(first.created, "the first ticket was not created")
    require(first.vendor_id == second.vendor_id, "the reference gave two tickets")
    require(not second.created, "the second call says that it created a ticket")


def lock_is_known_or_explained(harness: Harness) -> None:
    """Locks of some agreements; an unknown one has its reason."""
    for agreement in records(harness, "list_agreements")[:5]:
        query = ask.GetBillingLock(agreement_id=agreement.vendor_id)
        lock = harness.call("get_billing_lock", query)
        require(isinstance(lock, BillingLock), f"get_billing_lock returned {lock!r}")
        require(lock.agreement_id == agreement.vendor_id, f"{lock.agreement_id}?")
        require(lock.known or lock.reason, f"{lock.agreement_id}: unknown, but why?")


def _find(harness: Harness, change: LineChange) -> AgreementLine | None:
    found: AgreementLine | None = harness.call("find_line", ask.FindLine(change=change))
    return found


def _lines(harness: Harness, agreement_id: str) -> list[AgreementLine]:
    listed = pages(harness, "list_agreement_lines", agreement_id=agreement_id)
    return [line for page in listed for line in page.records()]


def _first_day(harness: Harness, locked: date | None, start: date | None) -> date:
    if locked is not None:
        return locked + timedelta(days=1)
    return start or harness.ctx.clock.now().date()
