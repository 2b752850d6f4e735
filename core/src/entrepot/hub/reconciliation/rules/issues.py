"""Making issues: severity from the catalogue, texts from values."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Kind
from entrepot.hub.reconciliation.rules.numbers import money, plain
from entrepot.hub.reconciliation.rules.results import Issue, Key


def text_of(value: object) -> str:
    """A value as stable text: decimals without trailing zeros, days as ISO."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def texts(**values: object) -> dict[str, str]:
    """Values as texts by name; None becomes an empty text."""
    return {name: text_of(value) for name, value in values.items()}


def make(kind: Kind, key: Key, **values: Any) -> Issue:  # noqa: ANN401 - Issue's fields
    """An issue with its catalogue severity; money rounded to two places."""
    issue = Issue(kind=kind, key=key, severity=CATALOGUE[kind].severity, **values)
    return replace(
        issue,
        impact_recurring=_rounded(issue.impact_recurring),
        impact_once=_rounded(issue.impact_once),
        cost_impact=_rounded(issue.cost_impact),
    )


def _rounded(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else money(amount)
