"""Comparisons as objects people look at: submitting, history, comparing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import Session

from entrepot.hub.paging import Slice, after, cut, limited
from entrepot.hub.reconciliation.jobs import RECONCILE
from entrepot.hub.reconciliation.queries import existing_run
from entrepot.hub.reconciliation.rules.kinds import LEVELS
from entrepot.hub.reconciliation.run_steps import RunInfo, new_run
from entrepot.hub.reconciliation.tables import (
    ReconCoverage,
    ReconIssue,
    ReconPlan,
    ReconRun,
)
from entrepot.hub.reconciliation.views import (
    PlanView,
    RunComparison,
    RunView,
    plan_view,
    run_view,
)
from entrepot.jobs.facade import Jobs
from entrepot.jobs.queues import REQUESTED, SCHEDULED
from entrepot.jobs.submit import RunRef
from entrepot.jobs.tables import JobRun
from entrepot.sdk.errors import Rejected
from entrepot.store import Actor

_KINDS = ("company", "customer")


def checked_scope(scope: str) -> str:
    """The scope, when it can be understood.

    Raises:
        Rejected: It can't.
    """
    kind, _, id_ = scope.partition(":")
    if scope == "all" or (kind in _KINDS and id_):
        return scope
    raise Rejected(
        "scope_unknown",
        f"“{scope}” is no scope of a reconciliation.",
        field="scope",
        remedy="Use all, company:<PSA id> or customer:<id>.",
    )


def checked_level(level: int) -> int:
    """The level, when there is such a one.

    Raises:
        Rejected: There isn't.
    """
    if level in LEVELS:
        return level
    raise Rejected(
        "level_unknown",
        f"There is no level {level} of comparison.",
        field="level",
        remedy="Use 1 for the next invoice, 2 to look at closed periods as well.",
    )


def submit(
    session: Session,
    jobs: Jobs,
    actor: Actor,
    *,
    run_id: str,
    psa_connection_id: str,
    scope: str,
    cause: str,
    now: datetime,
    level: int = 1,
) -> RunRef:
    """Submit a comparison; an active one of the same scope and level is joined."""
    exclusive = f"recon:{psa_connection_id}:{scope}"
    if level > 1:
        exclusive += f":{level}"
    ref = jobs.submit(
        session,
        RECONCILE,
        run_id=run_id,
        args={
            "psa_connection_id": psa_connection_id,
            "scope": scope,
            "level": level,
        },
        partition=actor.tenant_id,
        exclusive=exclusive,
        priority=SCHEDULED if cause == "schedule" else REQUESTED,
        subject=scope,
        requested_by=actor.name,
        cause=cause,
        # What a joined run read before this trigger may be old: one more run follows.
        concern=None if _waits(session, actor, exclusive) else {"scope": scope},
    )
    if not ref.joined:
        run = RunInfo(ref.run_id, actor.tenant_id, psa_connection_id)
        session.add(new_run(run, scope, cause, actor.name, now, level))
    return ref


def _waits(session: Session, actor: Actor, exclusive: str) -> bool:
    """Whether the active run has read nothing yet, and can't until we commit."""
    state = session.scalar(
        select(JobRun.state)
        .where(
            JobRun.tenant_id == actor.tenant_id,
            JobRun.exclusive_key == exclusive,
            JobRun.ended_at.is_(None),
        )
        .with_for_update()
    )
    return state == "queued"


def view(row: ReconRun) -> RunView:
    """A run as people see it."""
    return run_view(row)


def history(
    session: Session,
    tenant_id: str,
    psa_connection_id: str | None,
    limit: int,
    last: tuple[Any, ...] | None,
) -> Slice[RunView]:
    """Runs, newest first."""
    query = select(ReconRun).where(ReconRun.tenant_id == tenant_id)
    if psa_connection_id is not None:
        query = query.where(ReconRun.psa_connection_id == psa_connection_id)
    keys = (ReconRun.created_at, ReconRun.id)
    if last is not None:
        values = [literal(one, key.type) for one, key in zip(last, keys, strict=True)]
        query = query.where(tuple_(*keys) < tuple_(*values))
    query = query.order_by(*(key.desc() for key in keys))
    rows = session.scalars(query.limit(limited(limit))).all()
    return cut(
        [run_view(row) for row in rows], limit, lambda one: (one.created_at, one.id)
    )


def plan_history(
    session: Session,
    tenant_id: str,
    states: Sequence[str],
    limit: int,
    last: tuple[Any, ...] | None,
) -> Slice[PlanView]:
    """Plans in the order in which they were made, without their parts."""
    query = select(ReconPlan).where(ReconPlan.tenant_id == tenant_id)
    if states:
        query = query.where(ReconPlan.state.in_(states))
    query = after(query, (ReconPlan.id,), last)
    rows = session.scalars(query.limit(limited(limit))).all()
    return cut([plan_view(row, [], []) for row in rows], limit, lambda one: (one.id,))


def compare(
    session: Session, tenant_id: str, before_id: str, after_id: str
) -> RunComparison:
    """What was opened and closed between two runs of one PSA connection.

    Raises:
        NotFound: One of them isn't there.
        Rejected: They compare different PSA connections.
    """
    first = existing_run(session, tenant_id, before_id)
    second = existing_run(session, tenant_id, after_id)
    if first.psa_connection_id != second.psa_connection_id:
        raise Rejected(
            "other_connection",
            "These two runs are about different PSA connections.",
            field="after",
        )
    if first.created_at > second.created_at:
        first, second = second, first
    start, end = first.as_of or first.created_at, second.as_of or second.created_at
    mine = (
        ReconIssue.tenant_id == tenant_id,
        ReconIssue.psa_connection_id == first.psa_connection_id,
        ReconIssue.first_seen <= end,
    )
    rows = session.execute(
        select(ReconIssue.id, ReconIssue.first_seen, ReconIssue.closed_at)
        .where(*mine)
        .order_by(ReconIssue.id)
    ).all()

    def open_at(row: Any, moment: datetime) -> bool:  # noqa: ANN401 - a row
        closed = row.closed_at is not None and row.closed_at <= moment
        return row.first_seen <= moment and not closed

    def ids(was: bool, now_is: bool) -> tuple[str, ...]:
        return tuple(
            row.id
            for row in rows
            if (open_at(row, start), open_at(row, end)) == (was, now_is)
        )

    return RunComparison(
        before=run_view(first),
        after=run_view(second),
        opened=ids(was=False, now_is=True),
        closed=ids(was=True, now_is=False),
        still_open=ids(was=True, now_is=True),
    )


def coverage(
    session: Session, tenant_id: str, psa_connection_id: str
) -> list[dict[str, Any]]:
    """Number of scopes per outcome with what was compared in them."""
    row = ReconCoverage
    found = session.execute(
        select(
            row.outcome,
            func.count().label("scopes"),
            func.sum(row.subscriptions).label("subscriptions"),
            func.sum(row.lines).label("lines"),
            func.sum(row.skipped).label("skipped"),
        )
        .where(row.tenant_id == tenant_id, row.psa_connection_id == psa_connection_id)
        .group_by(row.outcome)
        .order_by(row.outcome)
    )
    return [
        {name: int(v) if name != "outcome" else v for name, v in one._mapping.items()}
        for one in found
    ]
