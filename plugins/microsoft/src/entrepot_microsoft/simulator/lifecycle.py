"""What time does to subscriptions (§5.4, §5.7, §5.9)."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from entrepot_microsoft.simulator import catalog
from entrepot_microsoft.simulator.model import DAY, Customer, Sub
from entrepot_microsoft.simulator.prices import PriceBook

_EXPIRED_DAYS = 30
_DISABLED_DAYS = 90
_SUSPENDED_DISABLED_DAYS = 120
_EXTENDED_SURCHARGE = Decimal("1.03")


def renewal_moment(sub: Sub) -> datetime | None:
    """When the end of the term is processed; up to a day after it (§5.7)."""
    if sub.term_end is None:
        return None
    minutes = zlib.crc32(sub.id.encode()) % (24 * 60)
    return sub.term_end + timedelta(minutes=minutes)


def is_renewing(sub: Sub, now: datetime) -> bool:
    """Whether the term has ended and its end is still being processed."""
    done = renewal_moment(sub)
    if done is None or sub.term_end is None or sub.status != "active":
        return False
    return sub.term_end <= now < done


def due(sub: Sub) -> datetime | None:
    """When time changes this subscription next, or ``None``."""
    since = sub.status_since
    if sub.status == "active":
        return renewal_moment(sub)
    if sub.status == "suspended" and sub.is_legacy:
        return None if since is None else since + _DISABLED_DAYS * DAY
    if sub.status == "suspended":
        return sub.term_end
    if since is None:
        return None
    if sub.status == "expired":
        return since + _EXPIRED_DAYS * DAY
    if sub.status == "disabled":
        return since + _DISABLED_DAYS * DAY
    return None


def settle(
    customer: Customer, now: datetime, prices: PriceBook, extended_terms: bool
) -> list[Sub]:
    """Let time pass for one customer up to ``now``.

    Returns:
        The subscriptions that changed.
    """
    changed = []
    for sub in customer.subs.values():
        moved = False
        while (moment := due(sub)) is not None and moment <= now:
            _step(sub, moment, prices, customer.market, extended_terms)
            moved = True
        if moved:
            sub.touch()
            changed.append(sub)
    customer.next_due = _next_due(customer, now)
    return changed


def _next_due(customer: Customer, now: datetime) -> datetime | None:
    moments = [due(sub) for sub in customer.subs.values()]
    moments += [sub.hidden_until for sub in customer.subs.values()]
    moments += [b.until for s in customer.subs.values() for b in s.batches]
    moments += [s.cancellable_until for s in customer.subs.values()]
    return min((m for m in moments if m is not None and m > now), default=None)


def _step(
    sub: Sub, moment: datetime, prices: PriceBook, market: str, extended: bool
) -> None:
    if sub.status == "active":
        _end_of_term(sub, prices, market, extended)
    elif sub.status == "suspended":
        _set_status(sub, "deleted" if sub.is_legacy else "disabled", moment)
    elif sub.status == "expired":
        _set_status(sub, "disabled", moment)
    else:
        _set_status(sub, "deleted", moment)


def _end_of_term(
    sub: Sub, prices: PriceBook, market: str, extended_terms: bool
) -> None:
    end = sub.term_end
    if end is None:
        return
    cancelled = any(a.get("actionType") == "Cancel" for a in sub.actions)
    if sub.is_legacy:
        sub.term_start, sub.term_end = end, end.replace(year=end.year + 1)
    elif sub.auto_renew:
        renew(sub, end, prices, market)
    elif extended_terms and not cancelled and not sub.is_trial:
        _extend(sub, end)
    else:
        _set_status(sub, "deleted" if cancelled else "expired", end)


def renew(sub: Sub, start: datetime, prices: PriceBook, market: str) -> None:
    """Begin the next term as scheduled, at the prices of its first day."""
    coming = sub.next_term
    if coming is not None:
        sub.quantity = coming.quantity or sub.quantity
        sub.item = coming.sku_key or sub.item
        sub.cycle = coming.cycle or sub.cycle
        sub.term = coming.term or sub.term
    sku = catalog.SKUS[sub.item]
    sub.name, sub.is_trial, sub.next_term = sku.sku_title, sku.is_trial, None
    sub.extended = False
    sub.new_term(start, sub.term)
    rotation = start.toordinal() if sku.kind == catalog.SEATS else 0
    sub.availability = catalog.availability_id(sku, rotation)
    sub.cost, sub.erp = prices.at(sku.key, sub.term, sub.cycle, market, start)


def _extend(sub: Sub, start: datetime) -> None:
    months = {"P1Y": 12, "P3Y": 36}.get(sub.term, 1)
    cycles = {"annual": 12, "triennial": 36}.get(sub.cycle, 1)
    per_month = sub.cost if not sub.extended else sub.cost / _EXTENDED_SURCHARGE
    if cycles > 1:
        per_month = sub.cost / min(months, cycles)
    sub.cost = (per_month * _EXTENDED_SURCHARGE).quantize(
        Decimal("0.01"), ROUND_HALF_UP
    )
    sub.cycle, sub.extended = "monthly", True
    sub.new_term(start, "P1M")


def _set_status(sub: Sub, status: str, moment: datetime) -> None:
    if sub.status == "suspended" and status == "disabled":
        # §5.4: a suspended one is disabled for 30 + 90 days in all.
        moment = moment + (_SUSPENDED_DISABLED_DAYS - _DISABLED_DAYS) * DAY
    sub.status, sub.status_since = status, moment
    sub.auto_renew = False
