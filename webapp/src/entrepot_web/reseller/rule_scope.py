"""What a rule is for: companies and products by their names, and what it bears on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.hub.psa.tables import PsaCompany, PsaLine, PsaProductRow
from entrepot.hub.reconciliation.tables import ReconIssue
from entrepot.hub.reconciliation.views import RuleView
from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from entrepot_web.context import hub, scope
from entrepot_web.reseller.rule_forms import RuleForm, said
from entrepot_web.reseller.rule_kinds import BY_KIND

NAMES = 200
TABLES: Mapping[str, Any] = {"company": PsaCompany, "product": PsaProductRow}


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule as people read it."""

    rule: RuleView
    form: RuleForm
    company: str
    product: str
    said: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a rule bears on.

    Attributes:
        lines: Lines of the PSA that stand now.
        open: Open differences.
    """

    lines: int
    open: int


def resolved(psa: str, kind: str, text: str) -> tuple[str, str]:
    """Return the PSA's id of what was named by id, identifier or name."""
    table = TABLES[kind]
    query = (
        select(table.vendor_id)
        .where(
            table.connection_id == psa,
            table.gone_at.is_(None),
            or_(
                table.vendor_id == text,
                table.identifier == text,
                func.lower(table.name) == text.lower(),
            ),
        )
        .order_by(table.vendor_id != text)
        .limit(2)
    )
    with hub().store.read(scope()) as session:
        found = session.scalars(query).all()
    if found and (len(found) == 1 or found[0] == text):
        return found[0], ""
    if found:
        return "", _("Several have this name; enter the id.")
    return "", _("The PSA has none of this name or id.")


def shown(session: Session, rule: RuleView) -> Shown:
    """Return a rule as people read it."""
    psa, form = rule.psa_connection_id, BY_KIND[rule.kind]
    names = {
        kind: session.scalar(
            select(TABLES[kind].name).where(
                TABLES[kind].connection_id == psa, TABLES[kind].vendor_id == one
            )
        )
        or one
        for kind, one in (("company", rule.company_id), ("product", rule.product_id))
        if one
    }
    return Shown(
        rule,
        form,
        names.get("company", ""),
        names.get("product", ""),
        said(form, rule.body),
    )


def reach(session: Session, rule: RuleView) -> Reach:
    """Return what a rule bears on now."""
    lines = select(func.count()).where(
        PsaLine.connection_id == rule.psa_connection_id, PsaLine.gone_at.is_(None)
    )
    issues = select(func.count()).where(
        ReconIssue.psa_connection_id == rule.psa_connection_id,
        ReconIssue.is_open.is_(True),
    )
    if rule.company_id:
        lines = lines.where(PsaLine.company_vendor_id == rule.company_id)
        issues = issues.where(ReconIssue.company_id == rule.company_id)
    if rule.product_id:
        lines = lines.where(PsaLine.product_vendor_id == rule.product_id)
        issues = issues.where(ReconIssue.product_id == rule.product_id)
    return Reach(session.scalar(lines) or 0, session.scalar(issues) or 0)


def some_names(psa: str, kind: str) -> Sequence[str]:
    """Return names to choose from; more may be typed."""
    table = TABLES[kind]
    query = (
        select(table.name)
        .where(table.connection_id == psa, table.gone_at.is_(None))
        .order_by(table.name)
        .limit(NAMES)
    )
    with hub().store.read(scope()) as session:
        return session.scalars(query).all()
