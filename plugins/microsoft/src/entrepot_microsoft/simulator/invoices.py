"""Invoices of the partner tenant: one a month, out on the 8th (reference §6.1).

A document never changes once it was made; it is made when it is first asked for.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from entrepot.sdk.model import Period
from entrepot.sdk.model.time import add_months

from entrepot_microsoft.simulator import catalog, render
from entrepot_microsoft.simulator.book import Book
from entrepot_microsoft.simulator.model import Customer, Sub, Wire

MONTHS = 6
_OUT = 8  # day of the following month
_CENT = Decimal("0.01")
_OVER = ("deleted", "expired", "disabled")
_MONTHS_OF = {"monthly": 1, "annual": 12, "triennial": 36}


class Documents:
    """The tenant's invoices. The caller holds the simulator's lock.

    Args:
        book: Who bought what.
        partner: The partner's tenant id.
    """

    def __init__(self, book: Book, partner: str) -> None:
        self._book, self._partner = book, partner
        self._lines: dict[str, list[Wire]] = {}

    def issued(self, now: datetime) -> list[Wire]:
        """All invoices that are out, newest first."""
        return [self._invoice(month, now) for month in self._months(now)]

    def lines(self, invoice: str, now: datetime) -> list[Wire] | None:
        """The billing lines of an invoice; None when there is none of that id."""
        for month in self._months(now):
            if _id_of(month) == invoice:
                return self._made(month, now)
        return None

    def month(self, invoice: str, now: datetime) -> Period | None:
        """The billing month of an invoice that is out; None when there is none."""
        return next((m for m in self._months(now) if _id_of(m) == invoice), None)

    def is_out(self, month: Period, now: datetime) -> bool:
        """Whether a month has been invoiced."""
        return month in self._months(now)

    def unbilled(self, month: Period, now: datetime) -> list[Wire]:
        """Lines that an open month will have, as far as they are known."""
        begun = (
            line
            for line in self._write(month, now)
            if line["chargeStartDate"] <= render.moment(now, 0)
        )
        return [{**line, "invoiceNumber": ""} for line in begun]

    def _months(self, now: datetime) -> list[Period]:
        """Billing months whose invoice is out, newest first."""
        open_month = now.date().replace(day=1)
        found = []
        for back in range(1, MONTHS + 1):
            start = add_months(open_month, -back)
            period = Period(start, add_months(start, 1))
            if now.date() >= _dated(period):
                found.append(period)
        return found

    def _invoice(self, month: Period, now: datetime) -> Wire:
        lines = self._made(month, now)
        number = _id_of(month)
        currencies = [line["currency"] for line in lines] or ["USD"]
        path = f"/invoices/OneTime-{number}"
        return {
            "id": number,
            "invoiceDate": render.moment(_moment(_dated(month)), 0),
            "billingPeriodStartDate": render.moment(_moment(month.start), 0),
            "billingPeriodEndDate": render.moment(_moment(month.last_day), 0),
            "totalCharges": float(sum(line["totalForCustomer"] for line in lines)),
            "paidAmount": 0.0,
            "currencyCode": currencies[0],
            "currencySymbol": "$",
            "documentType": "invoice",
            "invoiceType": "Recurring",
            "invoiceDetails": [
                {
                    "invoiceLineItemType": "billing_line_items",
                    "billingProvider": "one_time",
                }
            ],
            "amendments": [],
            "links": {"self": {"uri": path, "method": "GET", "headers": []}},
            "attributes": {"objectType": "Invoice"},
        }

    def _made(self, month: Period, now: datetime) -> list[Wire]:
        number = _id_of(month)
        if number not in self._lines:
            self._lines[number] = list(self._write(month, now))
        return self._lines[number]

    def _write(self, month: Period, now: datetime) -> Iterator[Wire]:
        for customer_id in self._book.every_customer_id():
            customer = self._book.known(customer_id, now)
            for place, sub in enumerate(customer.subs.values()):
                for what in _charges(sub, month, place):
                    yield self._line(customer, sub, _id_of(month), what)

    def _line(self, customer: Customer, sub: Sub, number: str, what: Wire) -> Wire:
        product, _, sku = sub.item.partition(":")
        price, quantity = what["price"], what["quantity"]
        subtotal = price.quantize(_CENT, ROUND_DOWN) * quantity
        return {
            "partnerId": self._partner,
            "customerId": f"org:{customer.id}" if quantity < 0 else customer.id.upper(),
            "customerName": customer.facts.name,
            "invoiceNumber": number,
            "orderId": sub.order_id,
            "orderDate": render.moment(sub.created, 0),
            "productId": product,
            "skuId": sku,
            "availabilityId": sub.availability,
            "productName": sub.name,
            "skuName": sub.name,
            "chargeType": what["kind"],
            "unitPrice": sub.cost,
            "effectiveUnitPrice": price,
            "unitType": "Licenses",
            "quantity": quantity,
            "billableQuantity": quantity,
            "subtotal": subtotal,
            "taxTotal": Decimal("0.00"),
            "totalForCustomer": subtotal,
            "currency": catalog.MARKETS[customer.market][0],
            "pricingCurrency": catalog.MARKETS[customer.market][0],
            "publisherName": "Microsoft",
            "subscriptionId": sub.id.upper() if sub.spelling else sub.id,
            "subscriptionDescription": sub.friendly_name,
            "chargeStartDate": render.moment(_moment(what["period"].start), 0),
            "chargeEndDate": render.moment(_moment(what["period"].last_day), 0),
            "termAndBillingCycle": f"{sub.term} {sub.cycle}",
            "billingFrequency": "",
            "referenceId": what["reference"],
            "promotionId": sub.promotion_id,
            "attributes": {"objectType": "OneTimeInvoiceLineItem"},
            "attributes/objectType": "OneTimeInvoiceLineItem",
        }


def _charges(sub: Sub, month: Period, place: int) -> Iterator[Wire]:
    """What a subscription is charged in a month: its cycle, and a change in it."""
    period = _cycle_in(sub, month)
    if period is None:
        return
    first = sub.created.date()
    new = month.start <= first < month.end
    kind = "new" if new else "renew" if sub.term == "P1M" else "cycleCharge"
    changed = place % 5 == 0 and sub.quantity > 1 and not new and period.days > 20
    before = sub.quantity - 1 if changed else sub.quantity
    line: Wire = {"kind": kind, "period": period, "reference": ""}
    yield {**line, "quantity": before, "price": sub.cost}
    if changed:
        yield from _pair(sub, period, before)


def _pair(sub: Sub, period: Period, before: int) -> Iterator[Wire]:
    """One seat more on the eleventh day: all back, then all and one (§6.1)."""
    rest = Period(period.start + timedelta(days=10), period.end)
    price = sub.cost * rest.days / period.days
    line: Wire = {
        "kind": "addQuantity",
        "period": rest,
        "price": price.quantize(Decimal("1.0000000000")),
        "reference": f"{sub.order_id}-{rest.start:%y%m}",
    }
    yield {**line, "quantity": -before}
    yield {**line, "quantity": before + 1}


def _cycle_in(sub: Sub, month: Period) -> Period | None:
    """The billing cycle that begins in a month; None when none does."""
    months = _MONTHS_OF.get(sub.cycle)
    if months is None or sub.is_legacy or sub.is_trial or not sub.cost:
        return None
    anchor = sub.term_start.date()
    apart = (month.start.year - anchor.year) * 12 + month.start.month - anchor.month
    if apart % months:
        return None
    last = calendar.monthrange(month.start.year, month.start.month)[1]
    start = month.start.replace(day=min(anchor.day, last))
    if start < sub.created.date() or _is_over(sub, start):
        return None
    return Period(start, add_months(start, months))


def _is_over(sub: Sub, day: date) -> bool:
    since = sub.status_since
    return sub.status in _OVER and since is not None and since.date() <= day


def _id_of(month: Period) -> str:
    return f"G{month.start.year * 100 + month.start.month:09}"


def _dated(month: Period) -> date:
    return month.end.replace(day=_OUT)


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
