"""The first look, in the database: only what differs is compared in detail.

Both sides are summed up per company and PSA product and compared there; nothing but
the names of companies that differ leaves the server. Whatever sums can't tell (dates,
schedules, shares, minimums, unlinked lines …) marks its company for the detailed look,
so that a company that isn't marked is proved equal. Companies that were proved equal
before are summed up again only when something about them changed (`changed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from entrepot.hub.reconciliation.changed import (
    changed_companies,
    list_companies,
    present,
    remember,
    renew_kinds,
)
from entrepot.hub.reconciliation.combos import put_combos
from entrepot.hub.reconciliation.firstpass_sql import (
    COVER,
    COVER_SOME,
    for_dialect,
)
from entrepot.hub.reconciliation.loading import Base
from entrepot.hub.reconciliation.rules.policy import AgreementMode
from entrepot.hub.reconciliation.rules.results import Outcome, Verdict
from entrepot.hub.reconciliation.scopes import Subject
from entrepot.hub.reconciliation.tables import (
    ReconCoverage,
    ReconIssue,
    ReconRun,
)
from entrepot.store import UtcDateTime

_HORIZON = timedelta(days=70)
"""Ends and renewals nearer than this are looked at in detail."""

_RECENT = timedelta(hours=48)
"""Also how late a row may be written after the moment when it was learnt."""

_NOTHING = Verdict(outcome=Outcome.NOT_EXAMINED)


def first_pass(
    session: Session, base: Base, subjects: Sequence[Subject], row: ReconRun
) -> tuple[list[Subject], Verdict]:
    """Subjects that need a detailed look, and what the sums covered.

    Args:
        session: The unit's; what can be said of each company is written in it.
        base: The connection.
        subjects: Everything the run covers.
        row: The run.
    """
    # Which customer of a company was read incompletely is a matter of detail.
    possible = _sums_suffice(base) and base.completeness.all_complete()
    marked = _special(session, base)
    if not possible or not _cover(session, base, row, marked):
        return list(subjects), _NOTHING
    clean = _clean(session, base) - marked
    kept = [one for one in subjects if one[0] != "company" or one[1] not in clean]
    return kept, _verdict(session, base, marked)


def _cover(session: Session, base: Base, row: ReconRun, marked: set[str]) -> bool:
    """Sum up what may have changed; False when sums would cost more than they save."""

    def values(since: datetime) -> dict[str, Any]:
        return _values(session, base, row, since)

    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL work_mem = '64MB'")
    now = present(session, base, values(base.as_of))
    some = changed_companies(session, base, now, marked, values)
    judged = ""
    if some is not None:
        list_companies(session, base, row.id, some)
        judged = renew_kinds(session, base, values(base.as_of))
    statement = COVER_SOME if judged else COVER
    judged = judged or put_combos(session, base)
    if not judged:
        return False
    with _joining(session, loops=statement is COVER_SOME):
        session.execute(text(for_dialect(statement, dialect)), values(base.as_of))
    remember(session, base, now, judged)
    return True


@contextmanager
def _joining(session: Session, *, loops: bool) -> Iterator[None]:
    """Have PostgreSQL join everything with everything by hashes, not in loops.

    Nine columns tell kinds of subscriptions apart, of which it thinks that hardly a
    row has them all; for that one row it would read all customers, once for each row.
    """
    if session.get_bind().dialect.name != "postgresql" or loops:
        yield
        return
    connection = session.connection()
    connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    yield
    connection.exec_driver_sql("SET LOCAL enable_nestloop = on")


def _sums_suffice(base: Base) -> bool:
    """Whether the connection's own rules leave anything to sums at all."""
    book = base.rules
    ruled = book.agreements
    only = len(ruled) == 1 and ruled[0].mode is AgreementMode.ONLY
    preset = any(rule.preset_cancel_date for rule in ruled)
    foreign = any(cost.spread for cost in book.costs) or book.fx
    everybody = [one for one in book.overrides if not one.company]
    floors = [one for one in book.minimums if not one.company]
    return only and not (preset or foreign or book.bundles or everybody or floors)


def _values(
    session: Session, base: Base, row: ReconRun, since: datetime
) -> dict[str, Any]:
    dialect = session.get_bind().dialect.name
    now = base.as_of

    def moment(value: Any) -> Any:  # noqa: ANN401 - a datetime in the driver's form
        return UtcDateTime.to_stored(value, dialect)

    return {
        "tenant_id": base.tenant_id,
        "psa": base.psa_connection_id,
        "run": row.id,
        "today": now.date() if dialect == "postgresql" else now.date().isoformat(),
        "soon": moment(now + _HORIZON),
        "recent": moment(now - _RECENT),
        "since": moment(since - _RECENT),
        "now": moment(now),
        "cent": 50_000_000,
        "yes": True,
        "no": False,
    }


def _special(session: Session, base: Base) -> set[str]:
    """Companies that are looked at in detail whatever their sums say."""
    found = set(base.rules.special)
    found |= set(
        session.scalars(
            select(ReconIssue.company_id)
            .where(
                ReconIssue.tenant_id == base.tenant_id,
                ReconIssue.psa_connection_id == base.psa_connection_id,
                ReconIssue.is_open.is_(True),
                ReconIssue.company_id != "",
            )
            .distinct()
        )
    )
    found |= set(
        session.scalars(
            select(ReconCoverage.scope).where(
                ReconCoverage.tenant_id == base.tenant_id,
                ReconCoverage.psa_connection_id == base.psa_connection_id,
                ReconCoverage.outcome == Outcome.INCOMPLETE,
            )
        )
    )
    return found


def _clean(session: Session, base: Base) -> set[str]:
    """Companies whose sums agree."""
    return set(
        session.scalars(
            select(ReconCoverage.scope).where(
                ReconCoverage.tenant_id == base.tenant_id,
                ReconCoverage.psa_connection_id == base.psa_connection_id,
                ReconCoverage.outcome == Outcome.CLEAN,
            )
        )
    )


def _verdict(session: Session, base: Base, marked: set[str]) -> Verdict:
    """What was compared by sums alone."""
    rows = session.execute(
        select(
            func.sum(ReconCoverage.subscriptions).label("subscriptions"),
            func.sum(ReconCoverage.lines).label("lines"),
            func.sum(ReconCoverage.keys).label("keys"),
        ).where(
            ReconCoverage.tenant_id == base.tenant_id,
            ReconCoverage.psa_connection_id == base.psa_connection_id,
            ReconCoverage.outcome == Outcome.CLEAN,
            ReconCoverage.scope.not_in(sorted(marked)),
        )
    ).one()
    return Verdict(
        outcome=Outcome.CLEAN,
        subscriptions=int(rows.subscriptions or 0),
        lines=int(rows.lines or 0),
        keys=int(rows.keys or 0),
    )
