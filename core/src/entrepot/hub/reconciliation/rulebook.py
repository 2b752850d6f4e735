"""Rules of a PSA connection: stored as rows, used as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from entrepot.hub.reconciliation.casefiles import rules_side as texts
from entrepot.hub.reconciliation.casefiles.reader import CaseInvalid
from entrepot.hub.reconciliation.rules.approval import AutoPolicy
from entrepot.hub.reconciliation.rules.policy import (
    AgreementMode,
    AgreementRule,
    Bundle,
    CostRule,
    FxRate,
    Limits,
    Minimum,
    Override,
    PriceRule,
)
from entrepot.hub.reconciliation.tables import ReconRule
from entrepot.sdk.errors import Rejected

RULE_KINDS = (
    "agreement",
    "price",
    "cost",
    "fx",
    "override",
    "minimum",
    "bundle",
    "limits",
    "auto",
)
SINGLE = frozenset({"limits", "auto"})
"""Kinds of which a connection has at most one."""


@dataclass(slots=True)
class Rulebook:
    """All rules of one connection as records.

    Attributes:
        special: Companies that have an override, a minimum or a price of their own:
            they are always compared in detail.
        products: PSA products with such a rule for everybody.
    """

    agreements: list[AgreementRule] = field(default_factory=list)
    prices: list[PriceRule] = field(default_factory=list)
    costs: list[CostRule] = field(default_factory=list)
    fx: list[FxRate] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    minimums: list[Minimum] = field(default_factory=list)
    bundles: list[Bundle] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    auto: AutoPolicy = field(default_factory=AutoPolicy)
    special: set[str] = field(default_factory=set)


def build(rows: Iterable[ReconRule], today: date) -> Rulebook:
    """The rules in force on a day.

    A connection without any agreement rule takes a company's only active agreement.
    """
    book = Rulebook()
    for row in rows:
        if row.valid_until is not None and row.valid_until < today:
            continue
        _add(book, row)
        if row.company_id and row.kind in ("override", "minimum", "price", "cost"):
            book.special.add(row.company_id)
    if not book.agreements:
        book.agreements.append(AgreementRule(mode=AgreementMode.ONLY))
    return book


def _add(book: Rulebook, row: ReconRule) -> None:
    record = record_of(row.kind, full_body(row), row.id)
    if row.kind == "limits":
        book.limits = record
    elif row.kind == "auto":
        book.auto = record
    else:
        lists: dict[str, list[Any]] = {
            "agreement": book.agreements,
            "price": book.prices,
            "cost": book.costs,
            "fx": book.fx,
            "override": book.overrides,
            "minimum": book.minimums,
            "bundle": book.bundles,
        }
        lists[row.kind].append(record)


def full_body(row: ReconRule) -> dict[str, Any]:
    """The row's fields with its scope, as the case files write a rule."""
    body = dict(row.body)
    if row.kind in SINGLE or row.kind == "fx":
        return body
    if row.company_id and row.kind != "bundle":
        body["company"] = row.company_id
    if row.product_id:
        body["product"] = row.product_id
    if row.kind == "override":
        body["reason"] = row.reason
        if row.valid_until is not None:
            body["valid_until"] = row.valid_until
    return body


def record_of(kind: str, body: Mapping[str, Any], where: str) -> Any:  # noqa: ANN401 - one of the rules
    """The record of a rule's fields.

    Raises:
        Rejected: A field is unknown or has no such value; the text names it.
    """
    makers: dict[str, Callable[..., Any]] = {
        "agreement": texts.agreement_rule,
        "price": texts.price_rule,
        "cost": texts.cost_rule,
        "fx": texts.fx_rate,
        "limits": texts.limits_of,
        "auto": texts.auto_policy,
    }
    try:
        if kind == "override":
            return texts.override_of(dict(body), "", where)
        if kind == "minimum":
            return texts.minimum_of(dict(body), "", where)
        if kind == "bundle":
            return texts.bundle_of(where, dict(body), where)
        return makers[kind](dict(body), where)
    except KeyError:
        known = ", ".join(RULE_KINDS)
        raise Rejected(
            "rule_kind_unknown",
            f"There is no kind of rule “{kind}”.",
            field="kind",
            remedy=f"Use one of {known}.",
        ) from None
    except CaseInvalid as error:
        raise Rejected(
            "rule_invalid",
            f"The rule can't be understood: {error}.",
            field="body",
            remedy="Correct the field that is named.",
        ) from error
