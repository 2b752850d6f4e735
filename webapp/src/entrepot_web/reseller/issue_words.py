"""A difference in one sentence, and its money as arithmetic from its sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from entrepot.hub.catalog.price_lists import ListCost
from entrepot.hub.reconciliation.views import IssueView
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from entrepot_web import core_words
from entrepot_web.reseller.present import money, quantity

ZERO = Decimal(0)
_CENT = Decimal("0.01")
_BY_QUANTITY = frozenset(
    {
        "QUANTITY_UNDERBILLED",
        "QUANTITY_OVERBILLED",
        "BELOW_MINIMUM",
        "MISSING_IN_PSA",
        "CANCELLED_IN_PSA",
    }
)
_BY_LINES = frozenset({"ORPHAN_IN_PSA", "DUPLICATE_IN_PSA", "CANCEL_DATE_MISMATCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One figure of the arithmetic.

    Attributes:
        label: What it is.
        figure: How much, as people read it.
        href: Where it comes from; empty for what was reckoned here.
        is_sum: Whether it sums up the steps before.
    """

    label: str
    figure: str
    href: str = ""
    is_sum: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a difference was reckoned from, as it was last read.

    Attributes:
        subscriptions: Rows of the books.
        lines: Rows of the PSA's lines.
        agreement: Row of the PSA's agreement, or None.
        costs: Costs by the price list, by subscription.
    """

    subscriptions: Sequence[Any] = ()
    lines: Sequence[Any] = ()
    agreement: Any = None
    consoles: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, ListCost] = field(default_factory=dict)


_TOLD = {
    "QUANTITY_UNDERBILLED": _l(
        "%(who)s bought %(want)s of %(what)s, the PSA bills %(have)s: %(by)s too few."
    ),
    "QUANTITY_OVERBILLED": _l(
        "%(who)s bought %(want)s of %(what)s, the PSA bills %(have)s: %(by)s too many."
    ),
    "BELOW_MINIMUM": _l(
        "%(who)s agreed to at least %(want)s of %(what)s, the PSA bills %(have)s."
    ),
    "MISSING_IN_PSA": _l(
        "%(who)s bought %(want)s of %(what)s; no line of the PSA bills them."
    ),
    "CANCELLED_IN_PSA": _l(
        "%(who)s still has %(want)s of %(what)s, but the line in the PSA was ended."
    ),
    "ORPHAN_IN_PSA": _l(
        "The PSA bills %(who)s %(have)s of %(what)s; the vendor knows no such "
        "subscription."
    ),
    "DUPLICATE_IN_PSA": _l(
        "%(who)s bought %(want)s of %(what)s; several lines of the PSA bill "
        "%(have)s in all."
    ),
    "PRICE_MISMATCH": _l(
        "%(what)s of %(who)s is billed at %(found)s a unit instead of %(due)s."
    ),
    "COST_MISMATCH": _l(
        "The PSA keeps a cost of %(found)s a unit for %(what)s of %(who)s; the vendor "
        "charges %(due)s."
    ),
    "CANCEL_DATE_MISMATCH": _l(
        "The line for %(what)s of %(who)s ends %(found)s; the subscription ends "
        "%(due)s."
    ),
    "EFFECTIVE_DATE_MISMATCH": _l(
        "The line for %(what)s of %(who)s starts %(found)s; the subscription started "
        "%(due)s."
    ),
    "CUSTOMER_UNMAPPED": _l(
        "The vendor's customer %(who)s is mapped to no company, so nothing of it can "
        "be compared."
    ),
    "PRODUCT_UNMAPPED": _l(
        "%(what)s is mapped to no product of the PSA, so it can't be compared."
    ),
    "PERIOD_GAP": _l(
        "In the closed period %(period)s, %(what)s of %(who)s was billed for %(days)s "
        "unit-days other than bought."
    ),
    "OPEN_PERIOD_GAP": _l(
        "The open period %(period)s would bill %(what)s of %(who)s for %(days)s "
        "unit-days other than bought."
    ),
    "USAGE_UNPOSTED": _l(
        "Usage of %(what)s by %(who)s in %(period)s comes to %(due)s; the PSA has none."
    ),
    "USAGE_AMOUNT_MISMATCH": _l(
        "Usage of %(what)s by %(who)s in %(period)s comes to %(due)s; the PSA has "
        "%(found)s."
    ),
}
_FIELDS = {
    "PRICE_MISMATCH": "unit_price",
    "COST_MISMATCH": "unit_cost",
    "CANCEL_DATE_MISMATCH": "ends",
    "EFFECTIVE_DATE_MISMATCH": "effective",
    "USAGE_UNPOSTED": "price",
    "USAGE_AMOUNT_MISMATCH": "price",
}


def sentence_of(issue: IssueView) -> str:
    """Return what is wrong, in one sentence with its figures."""
    told = _TOLD.get(issue.kind)
    if told is None:
        title = core_words.told(issue.title)
        return f"{title}: {issue.reason}." if issue.reason else f"{title}."
    want, have = issue.expected, issue.actual
    field_name, missing = _FIELDS.get(issue.kind, ""), _("no day")
    words = {
        "who": issue.company_name or issue.vendor_customer_id or _("The customer"),
        "what": issue.product_name or issue.sku or issue.product_id or _("this"),
        "want": want.get("quantity", ""),
        "have": have.get("quantity", ""),
        "by": quantity(abs(issue.delta)) if issue.delta is not None else "",
        "found": have.get(field_name) or missing,
        "due": want.get(field_name) or missing,
        "period": want.get("period") or issue.subject,
        "days": have.get("unit_days", ""),
    }
    return str(told) % words


def arithmetic_of(issue: IssueView, sources: Sources) -> tuple[Step, ...]:
    """Return the steps from the sources' figures to the difference's money.

    The last step names what the sources don't explain; it is zero when nothing was
    read anew since the comparison.
    """
    if issue.kind in _BY_QUANTITY:
        steps, explained = _by_quantity(issue, sources)
    elif issue.kind == "PRICE_MISMATCH":
        steps, explained = _by_unit(issue, sources, "unit_price")
    elif issue.kind == "COST_MISMATCH":
        steps, explained = _by_unit(issue, sources, "unit_cost")
    elif issue.kind in _BY_LINES:
        steps, explained = _by_lines(issue, sources)
    else:
        steps, explained = [], None
    return (*steps, *_totals(issue, explained))


def _totals(issue: IssueView, explained: Decimal | None) -> list[Step]:
    found = []
    for label, amount in (
        (_("Per billing cycle"), issue.impact_recurring),
        (_("Once"), issue.impact_once),
        (_("Cost per billing cycle"), issue.cost_impact),
    ):
        if amount is not None and (amount or label == _("Per billing cycle")):
            figure = money(amount, issue.currency, sign=True)
            found.append(Step(label=label, figure=figure, is_sum=True))
    whole = (
        issue.cost_impact if issue.kind == "COST_MISMATCH" else issue.impact_recurring
    )
    if explained is not None and whole is not None:
        rest = whole - explained.quantize(_CENT)
        found.append(
            Step(
                label=_("Unexplained by the sources"),
                figure=money(rest, issue.currency),
            )
        )
    return found


def _by_quantity(
    issue: IssueView, sources: Sources
) -> tuple[list[Step], Decimal | None]:
    steps = [
        Step(
            label=_("Bought: %(name)s", name=one.friendly_name or one.name),
            figure=quantity(one.quantity),
            href=f"/subscriptions/{one.id}",
        )
        for one in sources.subscriptions
    ]
    bought = sum((one.quantity for one in sources.subscriptions), ZERO)
    wanted = Decimal(issue.expected.get("quantity") or 0)
    if len(steps) != 1 or bought != wanted:
        label = _("Expected after mapping, minimum and schedule")
        steps.append(Step(label=label, figure=quantity(wanted), is_sum=True))
    for line in sources.lines:
        net = line.quantity - line.included_quantity
        label = _("Billed: line %(line)s", line=line.vendor_id)
        steps.append(Step(label=label, figure=quantity(-net), href=_at(issue, line)))
    have = Decimal(issue.actual.get("quantity") or 0)
    billed = sum((one.quantity - one.included_quantity for one in sources.lines), ZERO)
    if len(sources.lines) != 1 or billed != have:
        steps.append(
            Step(label=_("Billed on the compared day"), figure=quantity(-have))
        )
    delta = issue.delta if issue.delta is not None else wanted - have
    steps.append(
        Step(label=_("Difference in units"), figure=quantity(delta), is_sum=True)
    )
    price = _price(issue, sources, delta)
    if price is None:
        return steps, None
    steps.append(
        Step(label=_("Times the unit price"), figure=money(price, issue.currency))
    )
    return steps, delta * price


def _price(issue: IssueView, sources: Sources, delta: Decimal) -> Decimal | None:
    """The price the money was told in: expected, the lines', or what it comes to."""
    if issue.impact_recurring is None or not delta:
        return None
    known = [one.unit_price for one in sources.lines if one.unit_price is not None]
    if issue.expected.get("unit_price"):
        known.insert(0, Decimal(issue.expected["unit_price"]))
    for price in known:
        if (delta * price).quantize(_CENT) == issue.impact_recurring:
            return Decimal(price)
    return issue.impact_recurring / delta


def _by_unit(
    issue: IssueView, sources: Sources, name: str
) -> tuple[list[Step], Decimal | None]:
    try:
        should = Decimal(issue.expected.get(name, ""))
    except ArithmeticError:
        return [], None
    steps, total = [], ZERO
    for line in sources.lines:
        have = getattr(line, name)
        if have is None:
            continue
        net = line.quantity - line.included_quantity
        total += net * (should - have)
        steps.append(
            Step(
                label=_(
                    "Line %(line)s: %(units)s × (%(due)s less %(found)s)",
                    line=line.vendor_id,
                    units=quantity(net),
                    due=money(should),
                    found=money(have),
                ),
                figure=money(net * (should - have), issue.currency, sign=True),
                href=_at(issue, line),
            )
        )
    return steps, total if steps else None


def _by_lines(issue: IssueView, sources: Sources) -> tuple[list[Step], Decimal | None]:
    steps: list[Step] = []
    total = ZERO
    for line in sources.lines:
        net = line.quantity - line.included_quantity
        if line.unit_price is None:
            return steps, None
        total -= net * line.unit_price
        steps.append(
            Step(
                label=_(
                    "Line %(line)s: %(units)s × %(price)s",
                    line=line.vendor_id,
                    units=quantity(net),
                    price=money(line.unit_price),
                ),
                figure=money(-net * line.unit_price, issue.currency),
                href=_at(issue, line),
            )
        )
    known = steps and issue.impact_recurring
    return steps, total if known else None


def _at(issue: IssueView, line: Any) -> str:  # noqa: ANN401 - a row
    return f"/reconciliation/issues/{issue.id}#line-{line.vendor_id}"
