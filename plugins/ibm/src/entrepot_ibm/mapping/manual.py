"""What no API tells: part numbers with prices, and licences ordered elsewhere (§1.1).

Both come as CSV out of the connection's settings: track P has no price list, track S
neither prices nor licences that could be read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.model import (
    BillingCycle,
    Offer,
    Subscription,
    SubscriptionStatus,
    Term,
)

from entrepot_ibm.mapping.spelling import currency, end_moment, moment, number, tidy

_CYCLES = {cycle.value: cycle for cycle in BillingCycle}
_ACTIONS = {
    "P": "order",
    "S": "order, change_quantity, change_plan, cancel, convert_trial",
}
_STATUS = {
    "": SubscriptionStatus.ACTIVE,
    "active": SubscriptionStatus.ACTIVE,
    "trial": SubscriptionStatus.ACTIVE,
    "expired": SubscriptionStatus.ENDED,
    "cancelled": SubscriptionStatus.ENDED,
    "suspended": SubscriptionStatus.SUSPENDED,
    "ordered": SubscriptionStatus.PENDING,
}
_RENEWS = {"yes": True, "true": True, "no": False, "false": False}
Row = dict[str, str]


def price_list(text: str) -> list[Offer]:
    """Offers of tracks P and S, by part number; empty for an empty text.

    Raises:
        ConfigInvalid: A row cannot be used; it names row and column.
    """
    found = {}
    for number_, row in _rows(text, "price_list", "part_number"):
        found[row["part_number"]] = _offer(row, number_)
    return list(found.values())


def names(text: str) -> dict[str, str]:
    """Product names by part number, as the price list has them."""
    return {offer.sku: offer.name for offer in price_list(text)}


def entitlements(
    text: str, customer_id: str, offers: dict[str, Offer], now: datetime
) -> list[Subscription]:
    """Licences of one customer, priced by the price list.

    Raises:
        ConfigInvalid: A row cannot be used; it names row and column.
    """
    return [
        _entitlement(row, line, offers, now)
        for line, row in _rows(text, "entitlements", "customer_id", "part_number")
        if row["customer_id"] == customer_id
    ]


def _offer(row: Row, line: int) -> Offer:
    track = row.get("track", "").upper() or "S"
    if track not in _ACTIONS:
        raise _bad("price_list", line, "track", "P or S")
    part = row["part_number"]
    return Offer(
        key=part,
        product_id=part,
        sku=part,
        name=row.get("name") or part,
        term=_term("price_list", line, row.get("term", "")),
        billing_cycle=_cycle("price_list", line, row.get("cycle", "")),
        currency=currency(row.get("currency", "")),
        unit_cost=_amount("price_list", line, row, "unit_cost"),
        list_price=_amount("price_list", line, row, "list_price"),
        unit=row.get("unit", ""),
        part_numbers=(part,),
        publisher="IBM",
        attributes={
            "track": track,
            "ordering": "manual",
            "manual_actions": _ACTIONS[track],
            "ordering_note": "Ordered at the vendor or a distributor; no API exists.",
        },
    )


def _entitlement(
    row: Row, line: int, offers: dict[str, Offer], now: datetime
) -> Subscription:
    what, part = "entitlements", row["part_number"]
    offer, word = offers.get(part), row.get("status", "").lower()
    quantity = _amount(what, line, row, "quantity")
    start = _moment(what, line, row, "start")
    end = end_moment(row.get("end"))
    status = _STATUS.get(word, SubscriptionStatus.UNKNOWN)
    if status is SubscriptionStatus.ACTIVE and end is not None and end <= now:
        status = SubscriptionStatus.ENDED
    return Subscription(
        vendor_id=_key(row),
        customer_id=row["customer_id"],
        sku=part,
        name=offer.name if offer else part,
        quantity=Decimal(1) if quantity is None else quantity,
        status=status,
        vendor_status=row.get("status", ""),
        billed=status is SubscriptionStatus.ACTIVE and word != "trial",
        product_id=part,
        offer_key=part,
        term=offer.term if offer else None,
        billing_cycle=offer.billing_cycle if offer else BillingCycle.UNKNOWN,
        currency=offer.currency if offer else "",
        unit_cost=offer.unit_cost if offer and offer.currency else None,
        unit=offer.unit if offer else "",
        is_trial=word == "trial",
        started_at=start,
        term_start=start,
        term_end=end,
        ended_at=end if status is SubscriptionStatus.ENDED else None,
        auto_renew=_RENEWS.get(row.get("auto_renew", "").lower()),
        order_id=row.get("order_id", ""),
        attributes=_facts(row),
    )


def _key(row: Row) -> str:
    """Ours, since the vendor has none: the charge agreement, else order and part."""
    agreement = row.get("charge_agreement", "")
    order = row.get("order_id", "")
    parts = ("saas", row["customer_id"], row["part_number"], agreement or order)
    return ":".join(parts).rstrip(":")


def _facts(row: Row) -> dict[str, str]:
    given = {
        "track": "S",
        "po_number": row.get("po_number", ""),
        "charge_agreement": row.get("charge_agreement", ""),
        "source": "settings",
    }
    return {name: value for name, value in given.items() if value}


def _rows(text: str, field: str, *required: str) -> Iterator[tuple[int, Row]]:
    reader = csv.DictReader(io.StringIO(text.strip()), skipinitialspace=True)
    for line, raw in enumerate(reader, 2):
        row = {str(k).strip(): (v or "").strip() for k, v in raw.items() if k}
        for name in required:
            if not row.get(name):
                raise _bad(field, line, name, "a value")
        yield line, row


def _amount(field: str, line: int, row: Row, name: str) -> Decimal | None:
    text = row.get(name, "")
    found = number(text) if text else None
    if text and (found is None or found < 0):
        raise _bad(field, line, name, "a number")
    return None if found is None else tidy(found)


def _moment(field: str, line: int, row: Row, name: str) -> datetime | None:
    text = row.get(name, "")
    found = moment(text)
    if text and found is None:
        raise _bad(field, line, name, "a date such as 2026-01-31")
    return found


def _term(field: str, line: int, text: str) -> Term | None:
    try:
        return Term(text.upper()) if text else None
    except ValueError:
        raise _bad(field, line, "term", "a duration such as P1Y") from None


def _cycle(field: str, line: int, text: str) -> BillingCycle:
    if not text:
        return BillingCycle.UNKNOWN
    if text.lower() not in _CYCLES:
        raise _bad(field, line, "cycle", "a word such as monthly or annual")
    return _CYCLES[text.lower()]


def _bad(field: str, line: int, column: str, wanted: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"{field}_invalid",
        f"Line {line} of this list has no usable {column}.",
        field=field,
        remedy=f"Write {wanted} into the column {column}.",
    )
