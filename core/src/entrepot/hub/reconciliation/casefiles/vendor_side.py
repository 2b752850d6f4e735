"""The vendor's and the hub's side of a case as records."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from entrepot.hub.reconciliation.casefiles.reader import (
    CaseInvalid,
    Plain,
    Reader,
    laid_over,
)
from entrepot.hub.reconciliation.rules.records import (
    Decided,
    HubMirror,
    OrderIntent,
    OrderState,
    Phase,
    QuantityChange,
    UsageCharge,
    VendorCustomer,
    VendorInvoiceLine,
    VendorSide,
    VendorSubscription,
)
from entrepot.sdk.model import BillingCycle, SubscriptionStatus

_DAY = timedelta(days=1)
_ISO_CYCLES = {
    "P1M": BillingCycle.MONTHLY,
    "P2M": BillingCycle.BIMONTHLY,
    "P3M": BillingCycle.QUARTERLY,
    "P6M": BillingCycle.SEMIANNUAL,
    "P1Y": BillingCycle.ANNUAL,
    "P12M": BillingCycle.ANNUAL,
    "P2Y": BillingCycle.BIENNIAL,
    "P3Y": BillingCycle.TRIENNIAL,
    "P1W": BillingCycle.WEEKLY,
    "P2W": BillingCycle.BIWEEKLY,
}
PHASE_KEYS = {"quantity", "unit_cost", "list_price", "sku", "term", "billing_cycle"}
_SUBSCRIPTION_KEYS = PHASE_KEYS | {
    "customer",
    "connection",
    "name",
    "product",
    "segment",
    "market",
    "currency",
    "status",
    "free",
    "starts",
    "since",
    "was",
    "history",
    "scheduled",
    "last_day",
    "first_day_without",
    "term_ends",
    "auto_renew",
    "charged_when_suspended",
    "absent_syncs",
    "absence_confirmed",
    "decrease_blocked_until",
    "assigned",
    "estimated",
    "changes",
    "sequence",
}
_VENDOR_KEYS = {"customers", "subscriptions", "invoices", "usage"}
_HUB_KEYS = {"subscriptions", "orders", "unfinished", "settled"}


def cycle(value: object, where: str) -> BillingCycle:
    """A billing cycle, as a word or an ISO 8601 duration.

    Raises:
        CaseInvalid: It is neither.
    """
    text = str(value).strip()
    if text.upper() in _ISO_CYCLES:
        return _ISO_CYCLES[text.upper()]
    try:
        return BillingCycle(text.casefold())
    except ValueError as error:
        raise CaseInvalid(f"{where}: billing cycle {text!r} is unknown") from error


def vendor_side(
    state: Plain, defaults: Plain, original: set[str], where: str
) -> VendorSide:
    """The vendor's and hub's records of a case.

    Args:
        state: The case over its fixture.
        defaults: What a subscription has that says nothing else.
        original: Ids of the fixture's own subscriptions.
        where: File and case for error messages.
    """
    vendor = Reader(state.get("vendor", {}), f"{where}: vendor", _VENDOR_KEYS)
    subscriptions = tuple(
        _subscription(id_, body, defaults, id_ in original, where)
        for id_, body in vendor.named("subscriptions").items()
    )
    decided = _decided(state)
    customers = tuple(
        _customer(id_, body, decided.get(id_, Decided.UNDECIDED), where)
        for id_, body in vendor.named("customers").items()
    )
    mirrors, orders = _hub(state, subscriptions, where)
    return VendorSide(
        customers=customers,
        subscriptions=subscriptions,
        hub=mirrors,
        orders=orders,
        invoices=tuple(_invoice(one, where) for one in vendor.mappings("invoices")),
        usage=tuple(_usage(one, where) for one in vendor.mappings("usage")),
    )


def _decided(state: Plain) -> dict[str, Decided]:
    """What `rules.customer_map` says about each vendor customer."""
    found: dict[str, Decided] = {}
    for id_, value in state.get("rules", {}).get("customer_map", {}).items():
        word = str(value) if isinstance(value, str) else ""
        plain = {"undecided": Decided.UNDECIDED, "excluded": Decided.EXCLUDED}
        found[str(id_)] = plain.get(word, Decided.MAPPED)
    return found


def _customer(id_: str, body: Plain, decided: Decided, where: str) -> VendorCustomer:
    read = Reader(
        body,
        f"{where}: customer {id_}",
        {"name", "connection", "complete", "incomplete_because", "internal"},
    )
    why = read.text("incomplete_because")
    return VendorCustomer(
        id=id_,
        connection=read.text("connection", "V-1"),
        name=read.text("name", id_),
        decided=decided,
        complete=read.flag("complete", default=not why),
        incomplete_because=why,
        internal=read.flag("internal", default=False),
    )


def _subscription(
    id_: str, body: Plain, defaults: Plain, known: bool, where: str
) -> VendorSubscription:
    read = Reader(
        laid_over(defaults, body), f"{where}: subscription {id_}", _SUBSCRIPTION_KEYS
    )
    return VendorSubscription(
        id=id_,
        connection=read.text("connection", "V-1"),
        customer=read.text("customer"),
        phases=_phases(read, body, defaults, known),
        name=read.text("name", id_),
        product=read.text("product"),
        segment=read.text("segment"),
        market=read.text("market"),
        currency=read.text("currency", "USD"),
        status=read.word("status", SubscriptionStatus, SubscriptionStatus.ACTIVE),
        ends=_ends(read),
        free=read.flag("free", default=False),
        charged_when_suspended=read.flag("charged_when_suspended", default=True),
        renews=_renews(read),
        absent_syncs=read.number("absent_syncs", 0),
        absence_confirmed=read.flag("absence_confirmed", default=False),
        decrease_blocked_until=read.day("decrease_blocked_until"),
        assigned=read.maybe_decimal("assigned"),
        changes=_changes(read),
        sequence=read.text("sequence"),
    )


def _ends(read: Reader) -> date | None:
    """First day without service, from either way of saying it."""
    without = read.day("first_day_without")
    if without is not None:
        return without
    last = read.day("last_day")
    if last is None and not read.flag("auto_renew", default=True):
        last = read.day("term_ends")
    return None if last is None else last + _DAY


def _renews(read: Reader) -> date | None:
    last = read.day("term_ends")
    renewing = read.flag("auto_renew", default=True)
    return last + _DAY if last is not None and renewing else None


def _phases(
    read: Reader, body: Plain, defaults: Plain, known: bool
) -> tuple[Phase, ...]:
    starts = read.day("starts")
    if starts is None:
        raise CaseInvalid(f"{read.where}: starts is missing")
    current = {key: read.body[key] for key in PHASE_KEYS if read.has(key)}
    phases: list[Phase] = []
    history = read.mappings("history")
    if history:
        phases = [_phase(read, one, current, scheduled=False) for one in history]
    elif read.has("since"):
        since = read.day("since") or starts
        before = _before(read, defaults, known)
        if before is not None and since > starts:
            phases = [_phase(read, {"from": starts}, {**current, **before})]
        estimated = {"estimated": read.flag("estimated", default=False)}
        phases.append(_phase(read, {"from": since, **estimated}, current))
    else:
        phases = [_phase(read, {"from": starts}, current)]
    last = current
    for one in read.mappings("scheduled"):
        last = {**last, **{key: one[key] for key in PHASE_KEYS if key in one}}
        phases.append(_phase(read, one, last, scheduled=True))
    return tuple(sorted(phases, key=lambda phase: phase.starts))


def _before(read: Reader, defaults: Plain, known: bool) -> Plain | None:
    """What the subscription was before `since`; None = it didn't exist."""
    was = read.body.get("was")
    if isinstance(was, dict):
        return was
    if was is not None:
        return {"quantity": was}
    if not known:
        return None
    return {key: defaults[key] for key in PHASE_KEYS if key in defaults}


def _phase(read: Reader, body: Plain, base: Plain, *, scheduled: bool = False) -> Phase:
    one = Reader(
        {**base, **body}, f"{read.where}: phase", PHASE_KEYS | {"from", "estimated"}
    )
    starts = one.day("from")
    if starts is None:
        raise CaseInvalid(f"{one.where}: from is missing")
    return Phase(
        starts=starts,
        quantity=one.decimal("quantity"),
        sku=one.text("sku"),
        unit_cost=one.maybe_decimal("unit_cost"),
        list_price=one.maybe_decimal("list_price"),
        term=one.text("term"),
        billing_cycle=cycle(one.text("billing_cycle", "monthly"), one.where),
        estimated=one.flag("estimated", default=False),
        scheduled=scheduled,
    )


def _changes(read: Reader) -> tuple[QuantityChange, ...]:
    found = []
    for body in read.mappings("changes"):
        one = Reader(body, f"{read.where}: change", {"at", "quantity", "foreign"})
        at = one.moment("at")
        if at is None:
            raise CaseInvalid(f"{one.where}: at is missing")
        foreign = one.flag("foreign", default=True)
        change = QuantityChange(
            at=at, quantity=one.decimal("quantity"), foreign=foreign
        )
        found.append(change)
    return tuple(sorted(found, key=lambda change: change.at))


def _hub(
    state: Plain, subscriptions: tuple[VendorSubscription, ...], where: str
) -> tuple[tuple[HubMirror, ...], tuple[OrderIntent, ...]]:
    body: Any = state.get("hub") or {}
    if isinstance(body, str):
        if body not in ("same", "unknown"):
            raise CaseInvalid(
                f"{where}: hub: {body!r} is unknown; known: same, unknown"
            )
        every = {one.id: body for one in subscriptions}
        body = {"subscriptions": every}
    read = Reader(body, f"{where}: hub", _HUB_KEYS)
    stated: dict[str, Any] = dict(read.body.get("subscriptions") or {})
    mirrors = []
    for one in subscriptions:
        mirror = _mirror(one.id, stated.pop(one.id, "same"), where)
        if mirror is not None:
            mirrors.append(mirror)
    if stated:
        names = ", ".join(sorted(stated))
        raise CaseInvalid(f"{where}: hub: no such subscription: {names}")
    orders = tuple(_order(id_, one, where) for id_, one in read.named("orders").items())
    return tuple(mirrors), orders


def _mirror(id_: str, stated: object, where: str) -> HubMirror | None:
    if stated == "same":
        return HubMirror(subscription=id_)
    if stated == "unknown":
        return None
    read = Reader(stated, f"{where}: hub: {id_}", {"quantity", "status"})
    return HubMirror(
        subscription=id_,
        quantity=read.maybe_decimal("quantity"),
        status=read.word("status", SubscriptionStatus, None),
    )


def _order(id_: str, body: Plain, where: str) -> OrderIntent:
    read = Reader(
        body,
        f"{where}: order {id_}",
        {"subscription", "target", "expected", "sent_at", "state"},
    )
    sent = read.moment("sent_at")
    if sent is None:
        raise CaseInvalid(f"{read.where}: sent_at is missing")
    return OrderIntent(
        id=id_,
        subscription=read.text("subscription", "S-1"),
        target=read.decimal("target"),
        expected=read.maybe_decimal("expected"),
        sent_at=sent,
        state=read.word("state", OrderState, OrderState.OPEN),
    )


def _invoice(body: Plain, where: str) -> VendorInvoiceLine:
    read = Reader(
        body,
        f"{where}: vendor invoice",
        {"subscription", "quantity", "unit_cost", "refund", "from"},
    )
    return VendorInvoiceLine(
        subscription=read.text("subscription", "S-1"),
        quantity=read.decimal("quantity"),
        unit_cost=read.maybe_decimal("unit_cost"),
        refund=read.flag("refund", default=False),
        starts=read.day("from"),
    )


def _usage(body: Plain, where: str) -> UsageCharge:
    read = Reader(
        body,
        f"{where}: usage",
        {"connection", "customer", "sku", "period", "amount", "currency", "final"},
    )
    return UsageCharge(
        connection=read.text("connection", "V-1"),
        customer=read.text("customer", "C-1"),
        sku=read.text("sku"),
        period=read.text("period"),
        amount=read.decimal("amount"),
        currency=read.text("currency", "USD"),
        final=read.flag("final", default=True),
    )
