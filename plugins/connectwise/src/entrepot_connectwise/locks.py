"""How far an agreement is invoiced; pure (reconciliation.md §6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from entrepot.sdk.model import BillingCycle, BillingLock, BillingMode, InvoicedPeriod

from . import mapping, wire
from .periods import ONE_DAY, BillingPeriod, Cycle

_OPTIONS = {
    BillingCycle.WEEKLY: "Weekly",
    BillingCycle.BIWEEKLY: "BiWeekly",
    BillingCycle.MONTHLY: "Monthly",
    BillingCycle.BIMONTHLY: "BiMonthly",
    BillingCycle.QUARTERLY: "Quarterly",
    BillingCycle.SEMIANNUAL: "SemiAnnual",
    BillingCycle.ANNUAL: "Yearly",
}


class _Unknown(ValueError):
    """Why the lock cannot be told."""


def billing_lock(
    record: wire.Agreement,
    invoices: Iterable[wire.Invoice],
    setup: mapping.Setup,
    billing_mode: str,
) -> BillingLock:
    """The lock from `nextInvoiceDate` and the agreement's invoices.

    `nextInvoiceDate` moves on only when an invoice is created (connectwise.md §9.2),
    so it tells the first period that is not invoiced. An invoice that lies beyond it,
    or a date that begins no period, makes the lock unknown rather than guessed.

    Args:
        record: The agreement.
        invoices: Its invoices of type Agreement, in any order.
        setup: Setup rows.
        billing_mode: Our setting.
    """
    mode = mapping.mode(record, billing_mode)
    upcoming = mapping.day(record.next_invoice_date)
    dated = sorted(
        (day, one)
        for one in invoices
        if (day := mapping.day(one.date)) is not None
    )  # fmt: skip
    try:
        cycle = _cycle(record, setup)
        open_period = _open_period(cycle, mode, upcoming)
        _agree(upcoming, [day for day, _ in dated])
    except _Unknown as reason:
        return BillingLock(
            agreement_id=str(record.id),
            known=False,
            next_invoice=upcoming,
            billing_mode=mode,
            reason=str(reason),
        )
    begun = bool(dated) or open_period.first > cycle.anchor
    return BillingLock(
        agreement_id=str(record.id),
        known=True,
        locked_through=open_period.first - ONE_DAY if begun else None,
        next_invoice=upcoming,
        billing_mode=mode,
        periods=tuple(_period(cycle, mode, day, one) for day, one in dated),
    )


def unreadable(agreement_id: str, reason: str) -> BillingLock:
    """The lock of an agreement whose invoices may not be read."""
    return BillingLock(agreement_id=agreement_id, known=False, reason=reason)


def _cycle(record: wire.Agreement, setup: mapping.Setup) -> Cycle:
    option = _OPTIONS.get(mapping.cycle(record, setup))
    if option is None:
        raise _Unknown("The agreement has no recurring billing cycle.")
    anchor = mapping.day(record.bill_start_date) or mapping.day(record.start_date)
    if anchor is None:
        raise _Unknown("The agreement has neither a billing start nor a start date.")
    calendar = record.invoicing_cycle != "ContractYear"
    return Cycle(option, calendar=calendar, anchor=anchor)


def _open_period(
    cycle: Cycle, mode: BillingMode, upcoming: date | None
) -> BillingPeriod:
    if upcoming is None:
        raise _Unknown("ConnectWise states no next invoice date.")
    if mode is BillingMode.ADVANCE and upcoming == cycle.anchor:
        return cycle.containing(
            upcoming
        )  # First invoice of a contract begun mid-month.
    at = cycle.containing(upcoming)
    if at.first != upcoming:
        raise _Unknown(f"The next invoice date {upcoming} begins no billing period.")
    return at if mode is BillingMode.ADVANCE else cycle.before(at)


def _agree(upcoming: date | None, invoiced: list[date]) -> None:
    """No invoice may lie on or after the day of the next one."""
    if upcoming is not None and invoiced and invoiced[-1] >= upcoming:
        raise _Unknown(
            f"An invoice of {invoiced[-1]} exists although the next one is due "
            f"on {upcoming}."
        )


def _period(
    cycle: Cycle, mode: BillingMode, day: date, invoice: wire.Invoice
) -> InvoicedPeriod:
    at = cycle.containing(day)
    covered = at if mode is BillingMode.ADVANCE else cycle.before(at)
    return InvoicedPeriod(
        invoice_id=str(invoice.id),
        first_day=covered.first,
        last_day=covered.last,
        invoiced_on=day,
    )
