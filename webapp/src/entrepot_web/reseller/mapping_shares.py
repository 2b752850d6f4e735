"""One vendor customer shared among several PSA companies: who gets how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.checks import SHARES, shares_problem
from entrepot.hub.mapping.seen import Seen
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.mapping.views import CustomerDecision, Share
from entrepot.hub.psa.tables import PsaCompany
from entrepot.hub.reconciliation.rules.records import CustomerShare, ShareMode
from entrepot.hub.reconciliation.rules.shares import problem_of, split
from entrepot.hub.subscriptions.skus import SOLD
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.errors import Conflict, EntrepotError
from flask import Blueprint, Response, abort, request
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.core_words import told
from entrepot_web.reseller.mapping import candidates_of, saved
from entrepot_web.reseller.pages import marks, page, sentence

pages = Blueprint("console_mapping_shares", __name__)
MOST = 20
SHOWN = 10
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One company of the form, as it was typed.

    Attributes:
        company_id: The PSA's id.
        share: One of `SHARES`.
        value: What was typed.
        problem: What is wrong with it; empty when nothing is.
    """

    company_id: str
    share: str
    value: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Divided:
    """One subscription and what each company gets of it.

    Attributes:
        parts: By company.
        problem: Why the shares can't be carried out with this quantity.
    """

    name: str
    quantity: Decimal
    parts: Mapping[str, Decimal]
    problem: str


@pages.get("/mapping/customers/shares")
@signed_in("mappings:read")
def shares() -> Response:
    """Show who gets how much of a customer, and what another division would do."""
    psa, account = _asked(request.args)
    with hub().store.read(scope()) as session:
        standing = _standing(session, psa, account.id)
    lines = _lines(request.args) if "company" in request.args else _from(standing)
    added, dropped = request.args.get("add", ""), request.args.get("drop", "")
    lines = [one for one in lines if one.company_id != dropped]
    if added and added not in {one.company_id for one in lines}:
        lines.append(Line(added, "percent" if lines else "remainder", ""))
    return _page(psa, account, lines[:MOST], _seen_of(standing))


@pages.post("/mapping/customers/shares")
@signed_in("mappings:write")
def confirm_shares() -> Response | WerkzeugResponse:
    """Save the division, or show why it can't be."""
    psa, account = _asked(request.form)
    lines, seen = _lines(request.form), request.form.getlist("seen")
    decision = _decision(psa, account, lines)
    if decision is None:
        return _page(psa, account, lines, seen, _("Correct the shares first."), 422)
    decision = replace(decision, seen=_seen(seen))
    try:
        done = hub().mapping.customers.confirm(actor(), [decision])
    except EntrepotError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _page(psa, account, lines, seen, sentence(error), status)
    return saved("customers", psa, done.rows)


def _page(
    psa: str,
    account: CustomerAccount,
    lines: Sequence[Line],
    seen: Sequence[str],
    problem: str = "",
    status: int = 200,
) -> Response:
    decision = _decision(psa, account, lines)
    wrong = _wrong(decision.companies) if decision else ""
    good = decision is not None and not wrong
    impact = divided = None
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    with hub().store.read(scope()) as session:
        names = _names(session, psa, [one.company_id for one in lines])
        if good and decision:
            divided = _divided(session, account.id, decision.companies)
    if good and decision and set(names) >= {one.company_id for one in lines}:
        impact = hub().mapping.customers.preview(actor(), [decision])
    answer = page(
        "reseller/mapping_shares.html",
        "mapping",
        psa=psa,
        account=account,
        lines=lines,
        names=names,
        kinds=SHARES,
        seen=seen,
        text=text,
        candidates=candidates_of("customers", psa, text) if text else (),
        wrong=wrong,
        impact=impact,
        divided=divided,
        problem=problem,
        marks=marks(),
    )
    answer.status_code = status
    return answer


def _asked(given: MultiDict[str, str]) -> tuple[str, CustomerAccount]:
    """Return PSA and account that the address or form names; 404 otherwise."""
    psa = given.get("psa", "")
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    query = select(CustomerAccount).where(
        CustomerAccount.id == given.get("key", ""), CustomerAccount.gone_at.is_(None)
    )
    with hub().store.read(scope()) as session:
        found = session.scalars(query).first()
    return (psa, found) if found is not None else abort(404)


def _standing(session: Session, psa: str, account_id: str) -> Sequence[CustomerMap]:
    """Return what is decided and suggested for an account, decisions first."""
    rows = session.scalars(
        select(CustomerMap)
        .where(
            CustomerMap.psa_connection_id == psa,
            CustomerMap.account_id == account_id,
            CustomerMap.status != "rejected",
        )
        .order_by(CustomerMap.status, CustomerMap.id)
    )
    return rows.all()


def _from(standing: Sequence[CustomerMap]) -> list[Line]:
    """Return the form's first lines: what is decided, else what is suggested."""
    decided = [row for row in standing if row.status == "confirmed"]
    rows = decided or [row for row in standing if row.status == "suggested"][:1]
    return [
        Line(row.psa_company_id, row.share, _plain(row.share_value)) for row in rows
    ]


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else ""


def _seen_of(standing: Sequence[CustomerMap]) -> list[str]:
    return [f"{row.id}={row.version}" for row in standing if row.status != "suggested"]


def _seen(entries: Sequence[str]) -> tuple[Seen, ...]:
    pairs = (entry.partition("=") for entry in entries)
    return tuple(Seen(one, int(at)) for one, _eq, at in pairs if at.isdecimal())


def _lines(given: MultiDict[str, str]) -> list[Line]:
    """Return what was typed, a line for each company, with what is wrong."""
    columns = (given.getlist(name) for name in ("company", "share", "value"))
    found = []
    for company, share, value in list(zip(*columns, strict=False))[:MOST]:
        known = share if share in SHARES else "remainder"
        text = value.strip()[:40] if known in ("fixed", "percent") else ""
        wrong = known in ("fixed", "percent") and _number(text) is None
        problem = _("Enter a number above zero.") if wrong else ""
        found.append(Line(company[:200], known, text, problem))
    return found


def _number(text: str) -> Decimal | None:
    """Return a number above zero, typed with a point or a comma; None otherwise."""
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite() or value <= 0 or len(value.as_tuple().digits) > _DIGITS:
        return None
    return value if value < 10**7 and value == round(value, 4) else None


def _decision(
    psa: str, account: CustomerAccount, lines: Sequence[Line]
) -> CustomerDecision | None:
    if not lines or any(line.problem for line in lines):
        return None
    shares = [
        Share(
            company_id=line.company_id,
            share=line.share,
            value=(_number(line.value) or Decimal(0)) if line.value else Decimal(0),
        )
        for line in lines
    ]
    if len(shares) == 1 and shares[0].share == "remainder":
        shares = [Share(company_id=shares[0].company_id)]
    return CustomerDecision(
        account_id=account.id,
        psa_connection_id=psa,
        companies=tuple(shares),
        shared=bool(request.values.get("shared")),
    )


def _wrong(companies: Sequence[Share]) -> str:
    percent = sum(one.value for one in companies if one.share == "percent")
    if percent > 100:
        return _("the percentages add up to %(sum)s %%", sum=f"{percent:f}")
    return told(shares_problem(companies))


def _names(session: Session, psa: str, ids: Sequence[str]) -> dict[str, str]:
    rows = session.execute(
        select(PsaCompany.vendor_id, PsaCompany.name).where(
            PsaCompany.connection_id == psa, PsaCompany.vendor_id.in_(ids)
        )
    )
    return {row.vendor_id: row.name for row in rows}


def _divided(
    session: Session, account_id: str, companies: Sequence[Share]
) -> dict[str, Any]:
    """Return what each company gets of the customer's first subscriptions."""
    sold = (
        SubscriptionRow.account_id == account_id,
        SubscriptionRow.gone_at.is_(None),
        SubscriptionRow.billed.is_(True),
        SubscriptionRow.status.in_(SOLD),
    )
    count = session.scalar(select(func.count()).where(*sold)) or 0
    rows = session.execute(
        select(SubscriptionRow.name, SubscriptionRow.quantity)
        .where(*sold)
        .order_by(SubscriptionRow.quantity.desc(), SubscriptionRow.id)
        .limit(SHOWN)
    )
    wanted = [
        CustomerShare(
            connection="",
            customer=account_id,
            company=one.company_id,
            mode=ShareMode(one.share),
            value=one.value,
        )
        for one in companies
    ]
    found = [
        Divided(name, amount, split(amount, wanted), told(problem_of(wanted, amount)))
        for name, amount in rows
    ]
    return {"rows": found, "more": max(0, count - len(found))}
