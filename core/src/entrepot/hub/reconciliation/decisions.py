"""What people decide about a difference, other than to push a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.psa.tables import PsaAgreement, PsaLine
from entrepot.hub.reconciliation import rows
from entrepot.hub.reconciliation.changed import unsettle
from entrepot.hub.reconciliation.rules.lifecycle import Resolution, Scope, State
from entrepot.hub.reconciliation.rules.lock import period_of
from entrepot.hub.reconciliation.rules.policy import OverrideField
from entrepot.hub.reconciliation.settling import settle
from entrepot.hub.reconciliation.storing import Book, add_fact
from entrepot.hub.reconciliation.tables import (
    LineLinkRow,
    ReconDecision,
    ReconIssue,
    ReconRule,
)
from entrepot.sdk.errors import Conflict, Rejected
from entrepot.store import Actor, audit, new_id

_OVERRIDABLE = {
    "quantity": OverrideField.QUANTITY,
    "lessIncluded": OverrideField.QUANTITY,
    "unit_price": OverrideField.UNIT_PRICE,
    "unit_cost": OverrideField.UNIT_COST,
    "bill": OverrideField.BILL,
    "taxable": OverrideField.TAXABLE,
    "ends": OverrideField.ENDS,
}
_NEEDS_REASON = frozenset(
    {
        Resolution.IGNORE,
        Resolution.ACCEPT_PSA,
        Resolution.MARK_UNMANAGED,
        Resolution.SETTLE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A decision.

    Attributes:
        resolution: ``ignore``, ``snooze``, ``accept_psa``, ``mark_unmanaged``, or
            ``settle``: a closed period's difference was charged or credited by hand.
        scope: Of an ignore: ``once``, ``until_changed`` or ``always``.
        until: Last day of a snooze, or of an accepted value; None = no end.
        reason: Required but for a snooze.
        value_hash: The values the person saw; None = whatever they are now.
        line_id: The PSA line that settled a closed period, where there is one.
    """

    resolution: str
    scope: str = ""
    until: date | None = None
    reason: str = ""
    value_hash: str | None = None
    line_id: str = ""


def decide(
    session: Session, actor: Actor, row: ReconIssue, wanted: Decide, now: datetime
) -> ReconDecision:
    """Carry a decision out and write it down.

    Raises:
        Rejected: A field is missing or doesn't fit; the error names it.
        Conflict: The issue is closed, or its values changed since the person looked.
    """
    resolution = _checked(row, wanted)
    result: dict[str, Any] = {}
    if resolution is Resolution.IGNORE:
        _silence(session, row, wanted, State.IGNORED, now)
    elif resolution is Resolution.SNOOZE:
        _silence(session, row, wanted, State.SNOOZED, now)
    elif resolution is Resolution.ACCEPT_PSA:
        result = _accept(session, actor, row, wanted, now)
    elif resolution is Resolution.SETTLE:
        result = settle(session, actor, row, wanted.reason, wanted.line_id, now)
    else:
        result = {"lines": _unmanage(session, row, now)}
    decision = ReconDecision(
        id=new_id("dec"),
        tenant_id=row.tenant_id,
        issue_id=row.id,
        fingerprint=row.fingerprint,
        resolution=resolution,
        scope=row.silent_scope if resolution is Resolution.IGNORE else "",
        until=row.silent_until
        if resolution is not Resolution.ACCEPT_PSA
        else wanted.until,
        reason=wanted.reason,
        value_hash=row.value_hash,
        actor_id=actor.id,
        actor_name=actor.name,
        at=now,
        result=result,
    )
    session.add(decision)
    book = Book(row.tenant_id, row.psa_connection_id, decision.id, now, now.date())
    add_fact(session, book, row, "changed")
    audit(
        session,
        actor,
        action=f"reconciliation.{resolution}",
        subject=("recon_issue", row.id),
        why=wanted.reason,
        before={"expected": row.expected, "actual": row.actual},
        after={"state": row.state, "scope": decision.scope, **result},
    )
    return decision


def _checked(row: ReconIssue, wanted: Decide) -> Resolution:
    try:
        resolution = Resolution(wanted.resolution)
    except ValueError as error:
        known = ", ".join(str(one) for one in Resolution)
        raise Rejected(
            "resolution_unknown",
            f"There is no decision “{wanted.resolution}”.",
            field="resolution",
            remedy=f"Use one of {known}.",
        ) from error
    if resolution in _NEEDS_REASON and not wanted.reason.strip():
        raise Rejected(
            "reason_missing",
            "This decision needs a reason.",
            field="reason",
            remedy="Say why, for those who look at it later.",
        )
    if not row.is_open:
        raise Conflict(
            "issue_closed",
            "This difference is closed already.",
            remedy="Look at its latest occurrence.",
        )
    if wanted.value_hash is not None and wanted.value_hash != row.value_hash:
        raise Conflict(
            "issue_changed",
            "The difference has changed since you looked at it.",
            remedy="Look at it again, then decide.",
        )
    return resolution


def _silence(
    session: Session, row: ReconIssue, wanted: Decide, state: State, now: datetime
) -> None:
    scope = Scope.UNTIL_CHANGED
    until = wanted.until
    if state is State.IGNORED:
        try:
            scope = Scope(wanted.scope or Scope.UNTIL_CHANGED)
        except ValueError as error:
            known = ", ".join(str(one) for one in Scope)
            raise Rejected(
                "scope_unknown",
                f"“{wanted.scope}” is no scope of an ignore.",
                field="scope",
                remedy=f"Use one of {known}.",
            ) from error
        until = _period_end(session, row, now) if scope is Scope.ONCE else None
    elif until is None or until < now.date():
        raise Rejected(
            "until_missing",
            "A snooze needs a day in the future.",
            field="until",
            remedy="Name the last day on which it stays silent.",
        )
    row.silent_by = Resolution.IGNORE if state is State.IGNORED else Resolution.SNOOZE
    row.silent_scope = scope if state is State.IGNORED else ""
    row.silent_until, row.silent_hash = until, row.value_hash
    row.state, row.version = state, row.version + 1


def _period_end(session: Session, row: ReconIssue, now: datetime) -> date:
    """Last day of the billing period that runs now, of the agreement if known."""
    today = now.astimezone(ZoneInfo("UTC")).date()
    found = session.scalars(
        select(PsaAgreement).where(
            PsaAgreement.tenant_id == row.tenant_id,
            PsaAgreement.connection_id == row.psa_connection_id,
            PsaAgreement.vendor_id == row.agreement_id.removeprefix("family:"),
        )
    ).first()
    if found is None:
        next_month = (today.replace(day=28) + _FOUR_DAYS).replace(day=1)
        return next_month - _ONE_DAY
    return period_of(rows.agreement_of(found), today).last_day


_ONE_DAY = date(2000, 1, 2) - date(2000, 1, 1)
_FOUR_DAYS = 4 * _ONE_DAY


def _accept(
    session: Session, actor: Actor, row: ReconIssue, wanted: Decide, now: datetime
) -> dict[str, Any]:
    """Make the PSA's value what is expected from now on."""
    field = _OVERRIDABLE.get(row.field)
    value = row.actual.get("quantity" if row.field == "lessIncluded" else row.field, "")
    if field is None or not value or "," in value or not row.company_id:
        raise Rejected(
            "cannot_accept",
            "There is no single value of the PSA that could be accepted here.",
            field="resolution",
            remedy="Ignore the difference, or correct the mapping.",
        )
    rule = ReconRule(
        id=new_id("rul"),
        tenant_id=row.tenant_id,
        psa_connection_id=row.psa_connection_id,
        kind="override",
        company_id=row.company_id,
        product_id=row.product_id,
        body={"field": str(field), "value": value},
        reason=wanted.reason,
        author=actor.name,
        created_at=now,
        valid_until=wanted.until,
    )
    session.add(rule)
    return {"rule": rule.id, "field": str(field), "value": value}


def _unmanage(session: Session, row: ReconIssue, now: datetime) -> list[str]:
    """Take the issue's lines out of scope."""
    if not row.lines:
        raise Rejected(
            "no_lines",
            "This difference has no PSA line that could be left unmanaged.",
            field="resolution",
        )
    lines = session.scalars(
        select(PsaLine).where(
            PsaLine.tenant_id == row.tenant_id,
            PsaLine.connection_id == row.psa_connection_id,
            PsaLine.vendor_id.in_(row.lines),
        )
    ).all()
    for line in lines:
        link = link_row(session, row.tenant_id, row.psa_connection_id, line, now)
        link.state = "unmanaged"
    companies = [line.company_vendor_id for line in lines]
    unsettle(session, row.tenant_id, row.psa_connection_id, companies)
    return list(row.lines)


def link_row(
    session: Session,
    tenant_id: str,
    psa_connection_id: str,
    line: PsaLine,
    now: datetime,
) -> LineLinkRow:
    """The link of a line; a new one, not yet stored elsewhere, when it has none.

    Who changes it calls `unsettle` for the line's company.
    """
    found = session.scalars(
        select(LineLinkRow).where(
            LineLinkRow.tenant_id == tenant_id,
            LineLinkRow.psa_connection_id == psa_connection_id,
            LineLinkRow.line_id == line.vendor_id,
        )
    ).first()
    if found is not None:
        return found
    made = LineLinkRow(
        id=new_id("lnk"),
        tenant_id=tenant_id,
        psa_connection_id=psa_connection_id,
        line_id=line.vendor_id,
        company_id=line.company_vendor_id,
        agreement_id=line.agreement_vendor_id,
        product_id=line.product_vendor_id,
        role="main",
        origin="adopted",
        state="active",
        created_at=now,
    )
    session.add(made)
    return made
