"""Running the billing engine over the tenant's agreements (connectwise.md §9.5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from entrepot_connectwise.periods import ONE_DAY, BillingPeriod, Cycle

from .billing import (
    ZERO,
    BilledLine,
    BillingRules,
    InvoiceRow,
    bill_period,
    immediate_rows,
    round_cents,
)
from .resources.finance import agreement_status
from .schema import Row
from .world import World

HORIZON = timedelta(days=90)
MAX_RUNS = 600


class NotBillable(ValueError):
    """This agreement cannot be invoiced now; the text says why."""


def day_of(text: str | None) -> date | None:
    """The day of a stored moment, or None."""
    return date.fromisoformat(text[:10]) if text else None


def moment_of(day: date) -> str:
    """A day as fields hold it."""
    return f"{day.isoformat()}T00:00:00Z"


class Invoicing:
    """Makes agreement invoices in one tenant."""

    def __init__(self, world: World) -> None:
        self._world = world

    def cycle(self, agreement: Row) -> Cycle:
        """How the agreement's periods follow each other."""
        setup = self._world.row("billingCycles", agreement.get("billingCycle") or 0)
        anchor = day_of(agreement.get("billStartDate")) or day_of(
            agreement.get("startDate")
        )
        return Cycle(
            option=setup["billingOptions"] if setup else "Monthly",
            calendar=agreement.get("invoicingCycle") != "ContractYear",
            anchor=anchor or self._world.today(),
        )

    def rules(self, agreement: Row) -> BillingRules:
        """How the tenant bills this agreement."""
        knobs = self._world.knobs
        return BillingRules(
            prorate=bool(agreement.get("prorateFlag")),
            credit_on_cancel=knobs.credit_on_cancel,
            nonprorated_rule=knobs.nonprorated_rule,
            cancel_inclusive=knobs.cancel_date_semantics == "inclusive",
        )

    def in_advance(self, agreement: Row) -> bool:
        """Whether a period is invoiced when it begins, not when it is over.

        The vendor's meaning of `periodType` is not verified; here `Current` is
        arrears and everything else is advance.
        """
        return agreement.get("periodType") != "Current"

    def next_period(self, agreement: Row) -> BillingPeriod:
        """The first period that is not invoiced yet."""
        cycle = self.cycle(agreement)
        marked: date | None = agreement.get("_next")
        return cycle.containing(marked or cycle.anchor)

    def next_invoice_day(self, agreement: Row) -> date:
        """When the next invoice is due."""
        period = self.next_period(agreement)
        return period.first if self.in_advance(agreement) else period.last + ONE_DAY

    def set_next(self, agreement: Row, day: date) -> None:
        """Say which day the next uninvoiced period holds, and show it."""
        first = self.cycle(agreement).containing(day).first
        self._world.mark("agreements", agreement, _next=first)
        shown = moment_of(self.next_invoice_day(agreement))
        self._world.mark("agreements", agreement, nextInvoiceDate=shown)

    def run(self, agreement: Row, member: str) -> Row:
        """Invoice the next uninvoiced period; children are billed with the parent.

        Raises:
            NotBillable: A child, a one-time, cancelled or ended agreement, or the
                period lies beyond the horizon of 90 days.
        """
        self._refuse(agreement)
        period, day = self.next_period(agreement), self.next_invoice_day(agreement)
        rows: list[InvoiceRow] = []
        undo: list[tuple[int, Any, Any]] = []
        for one in (agreement, *self._children(agreement)):
            lines = [self._line(one, row) for row in self._additions(one)]
            billed = bill_period(lines, period, self.cycle(agreement), self.rules(one))
            rows.extend(billed.rows)
            undo.extend(self._mark(billed.lines))
            if one is not agreement:
                self.set_next(one, period.last + ONE_DAY)
        invoice = self._store(agreement, rows, day, period, member)
        self._world.mark("invoices", invoice, _undo=undo)
        self.set_next(agreement, period.last + ONE_DAY)
        return invoice

    def run_through(self, day: date, member: str) -> list[int]:
        """Invoice everything that is due up to a day; ids of the invoices."""
        made: list[int] = []
        for agreement in list(self._world.rows("agreements")):
            for _ in range(MAX_RUNS):
                if not self._due(agreement, day):
                    break
                made.append(self.run(agreement, member)["id"])
        return made

    def bill_new_line(self, agreement: Row, addition: Row, member: str) -> None:
        """Bill a new line's past days at once, where the agreement says so."""
        marked: date | None = agreement.get("_next")
        if not agreement.get("invoiceProratedAdditionsFlag") or marked is None:
            return
        line, through = self._line(agreement, addition), marked - ONE_DAY
        cycle = self.cycle(agreement)
        rows = immediate_rows(line, through, cycle, self.rules(agreement))
        if rows:
            period = BillingPeriod(rows[0].first, rows[-1].last)
            today = self._world.today()
            self._store(agreement, list(rows), today, period, member)
            end = min(line.cancelled or through, through)
            self._world.mark(
                "additions", addition, _through=end, _amount=line.full_amount
            )

    def undo(self, invoice: Row) -> None:
        """Return an invoice's period to the queue.

        Raises:
            NotBillable: A later invoice of the agreement exists.
        """
        agreement = self._world.row("agreements", invoice.get("applyToId") or 0)
        if agreement is None or "_period" not in invoice:
            return
        latest = max(one["id"] for one in self.invoices(agreement["id"]))
        if latest != invoice["id"]:
            raise NotBillable("Only the latest invoice of an agreement can be deleted.")
        for line_id, through, amount in invoice.get("_undo", ()):
            row = self._world.row("additions", line_id)
            if row is not None:
                self._world.mark("additions", row, _through=through, _amount=amount)
        self.set_next(agreement, invoice["_period"].first)

    def invoices(self, agreement_id: int) -> Iterator[Row]:
        """Agreement invoices of one agreement in the order they were made."""
        agreement = self._world.row("agreements", agreement_id) or {}
        for invoice_id in agreement.get("_invoices", ()):
            invoice = self._world.row("invoices", invoice_id)
            if invoice is not None:
                yield invoice

    def _due(self, agreement: Row, day: date) -> bool:
        try:
            self._refuse(agreement)
        except NotBillable:
            return False
        return self.next_invoice_day(agreement) <= day

    def _refuse(self, agreement: Row) -> None:
        period = self.next_period(agreement)
        end = day_of(agreement.get("endDate"))
        if agreement.get("parentAgreement"):
            raise NotBillable("A child agreement is invoiced with its parent.")
        if agreement_status(agreement, self._world) == "Cancelled":
            raise NotBillable("The agreement is cancelled.")
        if agreement.get("noEndingDateFlag"):
            end = None
        if end is not None and period.first > end:
            raise NotBillable("The agreement has ended; nothing is left to invoice.")
        if not self.cycle(agreement).recurring and agreement.get("_invoices"):
            raise NotBillable("The agreement does not recur.")
        if self.next_invoice_day(agreement) > self._world.today() + HORIZON:
            raise NotBillable("The next period lies beyond the invoicing horizon.")

    def _children(self, agreement: Row) -> list[Row]:
        return [
            row
            for row in self._world.rows("agreements")
            if row.get("parentAgreement") == agreement["id"]
            and agreement_status(row, self._world) == "Active"
        ]

    def _additions(self, agreement: Row) -> Iterator[Row]:
        return self._world.tables["additions"].after(0, agreement["id"])

    def _line(self, agreement: Row, row: Row) -> BilledLine:
        product = self._world.row("catalog", row["product"]) or {}
        return BilledLine(
            line_id=row["id"],
            description=row.get("invoiceDescription") or product.get("description", ""),
            quantity=row["quantity"],
            less_included=row.get("lessIncluded") or ZERO,
            unit_price=row.get("unitPrice") or ZERO,
            bill_customer=row["billCustomer"],
            taxable=bool(row.get("taxableFlag")),
            effective=day_of(row.get("effectiveDate")) or self.cycle(agreement).anchor,
            cancelled=day_of(row.get("cancelledDate")),
            billed_through=row.get("_through"),
            billed_amount=row.get("_amount") or ZERO,
        )

    def _mark(self, lines: tuple[BilledLine, ...]) -> list[tuple[int, Any, Any]]:
        before = []
        for line in lines:
            row = self._world.row("additions", line.line_id)
            if row is not None:
                before.append((line.line_id, row.get("_through"), row.get("_amount")))
                self._world.mark(
                    "additions",
                    row,
                    _through=line.billed_through,
                    _amount=line.billed_amount,
                )
        return before

    def _store(
        self,
        agreement: Row,
        rows: list[InvoiceRow],
        day: date,
        period: BillingPeriod,
        member: str,
    ) -> Row:
        flat = agreement.get("billAmount") or ZERO
        subtotal = sum((row.amount for row in rows), flat)
        taxed = sum((row.amount for row in rows if row.taxable), ZERO)
        tax = round_cents(taxed * self._tax_rate(agreement))
        number = self._world.tables["invoices"].last_id + 1
        invoice = self._world.insert(
            "invoices",
            {
                "invoiceNumber": f"{number:06d}",
                "type": "Agreement",
                "company": agreement["company"],
                "applyToType": "Agreement",
                "applyToId": agreement["id"],
                "agreement": agreement["id"],
                "currency": agreement.get("currency"),
                "date": moment_of(day),
                "agreementAmount": subtotal,
                "productTotal": ZERO,
                "subtotal": subtotal,
                "salesTax": tax,
                "total": subtotal + tax,
                "balance": subtotal + tax,
                "_rows": rows,
                "_period": period,
            },
            member,
        )
        held = (*agreement.get("_invoices", ()), invoice["id"])
        self._world.mark("agreements", agreement, _invoices=held)
        return invoice

    def _tax_rate(self, agreement: Row) -> Decimal:
        code = self._world.row("taxCodes", agreement.get("taxCode") or 0) or {}
        levels = (code.get("levelOne"), code.get("levelTwo"))
        rates = (level.get("rate", 0) for level in levels if isinstance(level, dict))
        return sum((Decimal(str(rate)) for rate in rates), ZERO)
