"""The PSA's side of a case as records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from entrepot.hub.reconciliation.casefiles.reader import (
    CaseInvalid,
    Plain,
    Reader,
    laid_over,
)
from entrepot.hub.reconciliation.casefiles.vendor_side import cycle
from entrepot.hub.reconciliation.rules.lock import period_of
from entrepot.hub.reconciliation.rules.psa_records import (
    Agreement,
    CatalogueItem,
    LineLink,
    LinkRole,
    LinkState,
    PsaCompany,
    PsaLine,
    PsaSide,
    QuantityUntil,
    Settled,
    UnfinishedEnd,
)
from entrepot.sdk.model import (
    AgreementStatus,
    BillCustomer,
    BillingMode,
    PeriodAnchor,
)

_DAY = timedelta(days=1)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_LATELY = datetime(2100, 1, 1, tzinfo=UTC)
_PSA_KEYS = {"companies", "agreements", "products", "lines", "our_members"}
_AGREEMENT_KEYS = {
    "company",
    "name",
    "type",
    "family",
    "status",
    "starts",
    "ends",
    "billing_cycle",
    "anchor",
    "mode",
    "currency",
    "prorates",
    "invoiced_through",
    "lock",
    "next_invoice",
}
_LINE_KEYS = {
    "agreement",
    "company",
    "product",
    "quantity",
    "less_included",
    "unit_price",
    "unit_cost",
    "bill",
    "taxable",
    "effective",
    "cancelled",
    "was",
    "linked",
    "role",
    "detached",
    "verified",
    "deleted",
    "edited_by",
    "edited",
    "unmanaged",
    "usage_period",
    "invoiced",
}


def psa_side(state: Plain, defaults: Plain, today: date, where: str) -> PsaSide:
    """The PSA's records of a case, with the links the hub keeps to its lines.

    Args:
        state: The case over its fixture.
        defaults: ``agreement`` and ``line``: what one has that says nothing else.
        today: Places an invoiced-through day that is ``auto``.
        where: File and case for error messages.
    """
    read = Reader(state.get("psa", {}), f"{where}: psa", _PSA_KEYS)
    base = defaults.get("agreement", {})
    agreements = tuple(
        _agreement(id_, laid_over(base, body), today, where)
        for id_, body in read.named("agreements").items()
    )
    lines, links = _lines(read, defaults.get("line", {}), where)
    return PsaSide(
        companies=tuple(
            _company(id_, body, where) for id_, body in read.named("companies").items()
        ),
        agreements=agreements,
        lines=tuple(lines),
        links=tuple(links),
        catalogue=tuple(
            _product(id_, body, where) for id_, body in read.named("products").items()
        ),
        unfinished=_unfinished(state, where),
        settled=_settled(state, where),
        our_members=frozenset(read.texts("our_members") or ("entrepot",)),
    )


def _company(id_: str, body: Plain, where: str) -> PsaCompany:
    read = Reader(
        body,
        f"{where}: company {id_}",
        {"name", "usable", "complete", "incomplete_because"},
    )
    why = read.text("incomplete_because")
    return PsaCompany(
        id=id_,
        name=read.text("name", id_),
        usable=read.flag("usable", default=True),
        complete=read.flag("complete", default=not why),
        incomplete_because=why,
    )


def _product(id_: str, body: Plain, where: str) -> CatalogueItem:
    read = Reader(
        body,
        f"{where}: product {id_}",
        {"name", "active", "price", "cost", "currency", "taxable"},
    )
    return CatalogueItem(
        id=id_,
        name=read.text("name", id_),
        active=read.flag("active", default=True),
        price=read.maybe_decimal("price"),
        cost=read.maybe_decimal("cost"),
        currency=read.text("currency"),
    )


def _agreement(id_: str, body: Plain, today: date, where: str) -> Agreement:
    read = Reader(body, f"{where}: agreement {id_}", _AGREEMENT_KEYS)
    found = Agreement(
        id=id_,
        company=read.text("company"),
        name=read.text("name", id_),
        type=read.text("type"),
        family=read.text("family", id_),
        status=read.word("status", AgreementStatus, AgreementStatus.ACTIVE),
        starts=read.day("starts") or date(2026, 1, 1),
        ends=read.day("ends"),
        billing_cycle=cycle(read.text("billing_cycle", "monthly"), read.where),
        anchor=read.word("anchor", PeriodAnchor, PeriodAnchor.CALENDAR),
        billing_mode=read.word("mode", BillingMode, BillingMode.ADVANCE),
        currency=read.text("currency", "USD"),
        prorates=read.flag("prorates", default=True),
        lock_known=read.text("lock", "known") != "unknown",
        next_invoice=read.day("next_invoice"),
    )
    return _locked(found, read, today)


def _locked(found: Agreement, read: Reader, today: date) -> Agreement:
    """With the invoiced-through day; ``auto`` follows from mode and today."""
    stated = read.text("invoiced_through", "auto")
    if stated == "none":
        return replace(found, locked_through=None)
    if stated != "auto":
        return replace(found, locked_through=read.day("invoiced_through"))
    here = period_of(found, today)
    arrears = found.billing_mode is BillingMode.ARREARS
    through = here.start - _DAY if arrears else here.last_day
    return replace(found, locked_through=through)


def _lines(
    read: Reader, defaults: Plain, where: str
) -> tuple[list[PsaLine], list[LineLink]]:
    lines: list[PsaLine] = []
    links: list[LineLink] = []
    for id_, body in read.named("lines").items():
        one = Reader(laid_over(defaults, body), f"{where}: line {id_}", _LINE_KEYS)
        line = _line(id_, one)
        if not one.flag("deleted", default=False):
            lines.append(line)
        link = _link(one, line)
        if link is not None:
            links.append(link)
    return lines, links


def _line(id_: str, read: Reader) -> PsaLine:
    edited = read.moment("edited")
    by = read.text("edited_by", "someone" if edited else "")
    return PsaLine(
        id=id_,
        agreement=read.text("agreement"),
        company=read.text("company"),
        product=read.text("product"),
        quantity=read.decimal("quantity"),
        less_included=read.decimal("less_included", "0"),
        unit_price=read.maybe_decimal("unit_price"),
        unit_cost=read.maybe_decimal("unit_cost"),
        bill=read.word("bill", BillCustomer, BillCustomer.BILLABLE),
        taxable=read.flag("taxable", default=True),
        effective=read.day("effective"),
        ends=read.day("cancelled"),
        earlier=_earlier(read),
        updated_by=by,
        updated_at=edited or (_LATELY if by else _LONG_AGO),
        unmanaged=read.flag("unmanaged", default=False),
        usage_period=read.text("usage_period"),
        invoiced=read.flag("invoiced", default=False),
        version=f"{by}@{edited.isoformat()}" if edited else "",
    )


def _earlier(read: Reader) -> tuple[QuantityUntil, ...]:
    found = []
    for body in read.mappings("was"):
        one = Reader(body, f"{read.where}: was", {"until", "quantity"})
        until = one.day("until")
        if until is None:
            raise CaseInvalid(f"{one.where}: until is missing")
        found.append(QuantityUntil(until=until, quantity=one.decimal("quantity")))
    return tuple(sorted(found, key=lambda past: past.until))


def _link(read: Reader, line: PsaLine) -> LineLink | None:
    subscriptions = read.texts("linked")
    role = read.word("role", LinkRole, LinkRole.MAIN)
    if not subscriptions and role is not LinkRole.ONE_TIME:
        return None
    detached = read.flag("detached", default=False)
    return LineLink(
        line=line.id,
        subscriptions=subscriptions,
        company=line.company,
        agreement=line.agreement,
        product=line.product,
        role=role,
        state=LinkState.DETACHED if detached else LinkState.ACTIVE,
        verified_at=read.moment("verified") or datetime(2026, 6, 1, 6, tzinfo=UTC),
    )


def _unfinished(state: Plain, where: str) -> tuple[UnfinishedEnd, ...]:
    hub = state.get("hub")
    rows = hub.get("unfinished", []) if isinstance(hub, dict) else []
    found = []
    for body in rows:
        read = Reader(body, f"{where}: unfinished", {"line", "plan"})
        found.append(
            UnfinishedEnd(line=read.text("line"), plan=read.text("plan", "plan"))
        )
    return tuple(found)


def _settled(state: Plain, where: str) -> tuple[Settled, ...]:
    hub = state.get("hub")
    rows = hub.get("settled", []) if isinstance(hub, dict) else []
    found = []
    for body in rows:
        read = Reader(
            body,
            f"{where}: settled",
            {"agreement", "product", "period_start", "unit_days", "amount"},
        )
        start = read.day("period_start")
        if start is None:
            raise CaseInvalid(f"{read.where}: period_start is missing")
        found.append(
            Settled(
                agreement=read.text("agreement", "901"),
                product=read.text("product", "5501"),
                period_start=start,
                unit_days=read.decimal("unit_days"),
                amount=read.decimal("amount", "0"),
            )
        )
    return tuple(found)
