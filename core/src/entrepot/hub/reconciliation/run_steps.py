"""What a comparison does, step by step. Each step may be cut off and start again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from entrepot.hub.reconciliation.adopting import adopt_matching
from entrepot.hub.reconciliation.codec import issue_from_plain, issue_to_plain
from entrepot.hub.reconciliation.firstpass import first_pass
from entrepot.hub.reconciliation.loading import Base, Chunk, load_base, load_inputs
from entrepot.hub.reconciliation.rules.approval import brake
from entrepot.hub.reconciliation.rules.books import Inputs
from entrepot.hub.reconciliation.rules.engine import reconcile
from entrepot.hub.reconciliation.rules.records import ZERO
from entrepot.hub.reconciliation.rules.results import (
    Do,
    Issue,
    Outcome,
    Result,
    Verdict,
)
from entrepot.hub.reconciliation.rules.verdict import merged
from entrepot.hub.reconciliation.scopes import forget_others, subjects_of
from entrepot.hub.reconciliation.storing import (
    Book,
    is_general,
    store_general,
    store_result,
    within,
)
from entrepot.hub.reconciliation.tables import (
    ReconCoverage,
    ReconIssue,
    ReconRun,
    ReconTodo,
)
from entrepot.hub.reconciliation.totals import open_totals
from entrepot.sdk.context import Clock
from entrepot.store import Store, TenantScope, audit, system_actor

log = structlog.get_logger(__name__)

ALL = "all"
CHUNK = 60
"""Companies compared together: enough to save statements, few enough to redo."""

_SUBSCRIPTIONS_LISTED = 100


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Which comparison."""

    run_id: str
    tenant_id: str
    psa_connection_id: str

    @property
    def scope(self) -> TenantScope:
        """Its reseller."""
        return TenantScope(self.tenant_id)


class ReconSteps:
    """The steps of the job ``reconcile``.

    Args:
        store: The database.
        clock: Time.
        zone_of: Gives the billing zone of a PSA connection.

    Attributes:
        after: Called in the unit that closes a run.
    """

    def __init__(self, store: Store, clock: Clock, zone_of: Any) -> None:  # noqa: ANN401 - a function of the tenant and connection
        self._store = store
        self._clock = clock
        self._zone_of = zone_of
        self.after: list[Callable[[Session, ReconRun], None]] = []

    def begin(self, run: RunInfo, scope: str = ALL, level: int = 1) -> dict[str, Any]:
        """Mark the run as running and list what has to be looked at in detail.

        Args:
            run: Which.
            scope: Of a run that follows another one and has no row yet.
            level: Likewise.

        Returns:
            ``total``: how many companies and customers that is.
        """
        now = self._clock.now()
        zone = self._zone_of(run.tenant_id, run.psa_connection_id)
        with self._store.unit(run.scope) as session:
            row = session.get(ReconRun, run.run_id)
            if row is None:
                row = new_run(run, scope, "follow_up", "reconciliation", now, level)
                session.add(row)
            row.state, row.started_at = "running", row.started_at or now
            row.as_of = row.as_of or now
            base = load_base(
                session, run.tenant_id, run.psa_connection_id, zone, row.as_of
            )
            row.level = max(row.level, base.rules.limits.level)
            row.input_versions = base.completeness.versions()
            subjects = subjects_of(session, base, row.scope)
            examined = Verdict(outcome=Outcome.CLEAN)
            if row.scope == ALL:
                forget_others(session, base, subjects)
                if row.level == 1:  # of closed periods, sums say nothing
                    subjects, examined = first_pass(session, base, subjects, row)
            row.general = {}
            row.counts = {
                "examined_by_sums": examined.keys,
                "subscriptions_by_sums": examined.subscriptions,
                "lines_by_sums": examined.lines,
                "detailed": len(subjects),
            }
            session.execute(
                delete(ReconTodo).where(
                    ReconTodo.tenant_id == run.tenant_id,
                    ReconTodo.run_id == run.run_id,
                )
            )
            session.add_all(
                ReconTodo(run_id=run.run_id, seq=number, kind=kind, subject=subject)
                for number, (kind, subject) in enumerate(subjects, 1)
            )
        return {"total": len(subjects)}

    def work(self, run: RunInfo, after: int) -> dict[str, Any]:
        """Compare the next few; one that fails does not stop the others.

        Returns:
            ``upto``: the last one done; 0 when there was none left.
        """
        with self._store.read(run.scope) as session:
            todo = session.execute(
                select(ReconTodo.seq, ReconTodo.kind, ReconTodo.subject)
                .where(
                    ReconTodo.tenant_id == run.tenant_id,
                    ReconTodo.run_id == run.run_id,
                    ReconTodo.seq > after,
                )
                .order_by(ReconTodo.seq)
                .limit(CHUNK)
            ).all()
            if not todo:
                return {"upto": 0}
            base = self._base(session, run)
        chunk = _chunk([(row.kind, row.subject) for row in todo])
        try:
            self._compare(run, base, chunk)
        except Exception:
            log.warning("recon.chunk_failed", run=run.run_id, exc_info=True)
            self._one_by_one(run, base, chunk)
        return {"upto": todo[-1].seq}

    def _base(self, session: Session, run: RunInfo) -> Base:
        row = session.get_one(ReconRun, run.run_id)
        zone = self._zone_of(run.tenant_id, run.psa_connection_id)
        as_of: datetime = row.as_of or self._clock.now()
        return load_base(session, run.tenant_id, run.psa_connection_id, zone, as_of)

    def _one_by_one(self, run: RunInfo, base: Base, chunk: Chunk) -> None:
        singles = [Chunk(companies=(one,)) for one in chunk.companies]
        singles += [Chunk(customers=(one,)) for one in chunk.customers]
        for single in singles:
            try:
                self._compare(run, base, single)
            except Exception as error:  # noqa: BLE001 - kept with the customer
                name = (*single.companies, *(id_ for _, id_ in single.customers))[0]
                log.error("recon.company_failed", company=name, error=repr(error))
                self._note_failure(run, name, error)

    def _note_failure(self, run: RunInfo, name: str, error: Exception) -> None:
        with self._store.unit(run.scope) as session:
            row = session.get_one(ReconRun, run.run_id)
            row.failures = {**row.failures, name: f"{type(error).__name__}: {error}"}

    def _compare(self, run: RunInfo, base: Base, chunk: Chunk) -> None:
        with self._store.read(run.scope) as session:
            level = session.get_one(ReconRun, run.run_id).level
            inputs = load_inputs(session, base, chunk, periods=level > 1)
        found = reconcile(inputs, level=level, policy=base.rules.auto)
        result = within(found, chunk)
        with self._store.unit(run.scope) as session:
            book = _book(run, base, inputs, level)
            counts = store_result(session, book, chunk, result)
            adopted = adopt_matching(
                session,
                run.tenant_id,
                run.psa_connection_id,
                result.proposals,
                base.as_of,
            )
            if adopted:
                counts["adopted"] += adopted
            row = session.get_one(ReconRun, run.run_id)
            row.counts = _sum(row.counts, counts)
            row.general = _gathered(row.general, result.issues)
            if found.not_proposed:
                row.not_proposed += found.not_proposed

    def close(self, run: RunInfo) -> dict[str, Any]:
        """End the run: the connection's own issues, totals, verdict, audit."""
        now = self._clock.now()
        with self._store.read(run.scope) as session:
            base = self._base(session, run)
        with self._store.unit(run.scope) as session:
            row = session.get_one(ReconRun, run.run_id)
            inputs = Inputs(as_of=base.as_of, zone=base.zone)
            if row.scope == ALL:
                found = [issue_from_plain(one) for one in row.general.values()]
                counts = store_general(
                    session, _book(run, base, inputs), found, _empty(found)
                )
                row.counts = _sum(row.counts, counts)
            row.totals = [
                {name: str(value) for name, value in total.items()}
                for total in open_totals(session, run.tenant_id, run.psa_connection_id)
            ]
            row.brake = self._brake(session, run, base)
            self._conclude(session, run, row)
            row.ended_at, row.general = now, {}
            session.execute(
                delete(ReconTodo).where(
                    ReconTodo.tenant_id == run.tenant_id,
                    ReconTodo.run_id == run.run_id,
                )
            )
            audit(
                session,
                system_actor("reconciliation", run.tenant_id),
                action="reconciliation.run",
                subject=("recon_run", run.run_id),
                after={"state": row.state, "outcome": row.outcome, **row.counts},
            )
            for follow in self.after:
                follow(session, row)
            return {"state": row.state, "outcome": row.outcome, "counts": row.counts}

    def fail(self, run: RunInfo, text: str) -> None:
        """Mark the run as failed."""
        with self._store.unit(run.scope) as session:
            row = session.get_one(ReconRun, run.run_id)
            row.state, row.because = "failed", text
            row.ended_at = self._clock.now()

    def _conclude(self, session: Session, run: RunInfo, row: ReconRun) -> None:
        """The run's verdict over everything the connection covers."""
        query = select(ReconCoverage).where(
            ReconCoverage.tenant_id == run.tenant_id,
            ReconCoverage.psa_connection_id == run.psa_connection_id,
        )
        if row.scope != ALL:
            query = query.where(ReconCoverage.run_id == run.run_id)
        parts = [
            Verdict(
                outcome=Outcome(one.outcome),
                subscriptions=one.subscriptions,
                lines=one.lines,
                keys=one.keys,
                skipped=one.skipped,
                issues=one.issues,
            )
            for one in session.scalars(query)
        ]
        verdict = merged(parts)
        row.outcome, row.because = verdict.outcome, verdict.because
        if row.failures:
            row.outcome = Outcome.INCOMPLETE
            row.because = f"{len(row.failures)} customers could not be compared"
        row.state = "partial" if row.failures else "ok"
        row.counts = {
            **row.counts,
            "subscriptions": verdict.subscriptions,
            "lines": verdict.lines,
            "keys": verdict.keys,
            "skipped": verdict.skipped,
            "failed": len(row.failures),
        }

    def _brake(self, session: Session, run: RunInfo, base: Base) -> str:
        """Why nothing of this run may be approved by policy; empty when it may."""
        rows = session.scalars(
            select(ReconIssue.proposal).where(
                ReconIssue.tenant_id == run.tenant_id,
                ReconIssue.psa_connection_id == run.psa_connection_id,
                ReconIssue.is_open.is_(True),
            )
        )
        digests = {
            one["digest"]: sum(op["do"] != Do.ADOPT for op in one["operations"])
            for one in rows
            if one.get("automatic")
        }
        lines = session.scalar(
            select(func.coalesce(func.sum(ReconCoverage.lines), 0)).where(
                ReconCoverage.tenant_id == run.tenant_id,
                ReconCoverage.psa_connection_id == run.psa_connection_id,
            )
        )
        return brake(sum(digests.values()), int(lines or 0), base.rules.auto)


def new_run(
    run: RunInfo,
    scope: str,
    cause: str,
    requested_by: str,
    now: datetime,
    level: int = 1,
) -> ReconRun:
    """The row of a run that hasn't begun."""
    return ReconRun(
        id=run.run_id,
        tenant_id=run.tenant_id,
        psa_connection_id=run.psa_connection_id,
        scope=scope,
        level=level,
        state="queued",
        cause=cause,
        requested_by=requested_by,
        created_at=now,
        counts={},
        failures={},
        not_proposed=ZERO,
        general={},
    )


def _sum(counts: dict[str, Any], more: Counter[str]) -> dict[str, Any]:
    total = Counter(counts)
    total.update(more)
    return dict(total)


def _chunk(todo: Sequence[tuple[str, str]]) -> Chunk:
    companies = tuple(subject for kind, subject in todo if kind == "company")
    customers = []
    for kind, subject in todo:
        if kind == "customer":
            connection, _, id_ = subject.partition("/")
            customers.append((connection, id_))
    return Chunk(companies=companies, customers=tuple(customers))


def _book(run: RunInfo, base: Base, inputs: Inputs, level: int = 1) -> Book:
    return Book(
        tenant_id=run.tenant_id,
        psa_connection_id=run.psa_connection_id,
        run_id=run.run_id,
        now=base.as_of,
        today=inputs.today,
        level=level,
    )


def _gathered(known: dict[str, Any], issues: Sequence[Issue]) -> dict[str, Any]:
    """Findings above customers, added up over the chunks."""
    found = dict(known)
    for issue in issues:
        if not is_general(issue):
            continue
        old = found.get(issue.fingerprint)
        found[issue.fingerprint] = issue_to_plain(
            issue if old is None else _added(issue_from_plain(old), issue)
        )
    return found


def _added(left: Issue, right: Issue) -> Issue:
    new = [one for one in right.subscriptions if one not in left.subscriptions]
    if not new:
        return left
    amounts = [left.impact_recurring, right.impact_recurring]
    known: list[Decimal] = [one for one in amounts if one is not None]
    listed = (*left.subscriptions, *new)[:_SUBSCRIPTIONS_LISTED]
    return replace(
        left,
        count=left.count + len(new),
        subscriptions=listed,
        impact_recurring=sum(known, ZERO) if known else None,
    )


def _empty(issues: Sequence[Issue]) -> Result:
    return Result(
        issues=tuple(issues),
        annotations=(),
        proposals=(),
        verdict=Verdict(outcome=Outcome.NOT_EXAMINED),
        by_company={},
        totals=(),
    )
