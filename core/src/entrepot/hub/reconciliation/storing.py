"""Writing what a comparison found: only what changed since the last one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from entrepot.hub.reconciliation.codec import proposal_to_plain
from entrepot.hub.reconciliation.issue_rows import (
    CLOSED_STATES,
    put_issue,
    tracked_of,
)
from entrepot.hub.reconciliation.loading import Chunk
from entrepot.hub.reconciliation.rules.kinds import CATALOGUE
from entrepot.hub.reconciliation.rules.lifecycle import (
    CLOSED,
    SILENT,
    Tracked,
    advance,
)
from entrepot.hub.reconciliation.rules.results import (
    Issue,
    Key,
    Outcome,
    Proposal,
    Result,
    Verdict,
)
from entrepot.hub.reconciliation.tables import (
    ReconCoverage,
    ReconIssue,
    ReconIssueFact,
)
from entrepot.store import new_id

_CHUNK = 500
_TICK = timedelta(microseconds=1)
"""Two things learnt at one moment keep their order."""


@dataclass(frozen=True, slots=True)
class Book:
    """Where and when findings are written.

    Attributes:
        level: That was compared; findings of a higher one stay as they are.
    """

    tenant_id: str
    psa_connection_id: str
    run_id: str
    now: datetime
    today: date
    level: int = 1


_PERIODS = tuple(str(kind) for kind, one in CATALOGUE.items() if one.level > 1)


def within(result: Result, chunk: Chunk) -> Result:
    """The part of a result that is about the chunk itself.

    Findings above companies and customers (undecided products) stay: they are added
    up over all chunks before they are stored.
    """
    companies = set(chunk.companies)
    customers = {id_ for _, id_ in chunk.customers}

    def mine(key: Key) -> bool:
        if key.company:
            return key.company in companies
        return not chunk.customers or not key.customer or key.customer in customers

    issues = tuple(one for one in result.issues if mine(one.key))
    return replace(
        result,
        issues=issues,
        suppressed=tuple(one for one in result.suppressed if mine(one.key)),
        proposals=tuple(one for one in result.proposals if mine(one.key)),
        by_company={
            scope: verdict
            for scope, verdict in result.by_company.items()
            if scope in companies or scope.startswith("customer:")
        },
    )


def is_general(issue: Issue) -> bool:
    """Whether an issue is about the whole connection, not a company or customer."""
    return not issue.key.company and not issue.key.customer


def store_result(
    session: Session, book: Book, chunk: Chunk, result: Result
) -> Counter[str]:
    """Write issues and verdicts of a chunk; returns new, changed, healed."""
    own = [issue for issue in result.issues if not is_general(issue)]
    rows = _open_rows(session, book, chunk, own)
    counts = _advance(session, book, rows, result, own)
    verdicts = _with_periods(session, book, chunk, result.by_company)
    _store_coverage(session, book, verdicts)
    _drop_coverage(session, book, chunk, result.by_company)
    return counts


def _with_periods(
    session: Session, book: Book, chunk: Chunk, verdicts: Mapping[str, Verdict]
) -> Mapping[str, Verdict]:
    """Verdicts that know of what an earlier look at closed periods left open."""
    if book.level > 1:
        return verdicts
    row = ReconIssue
    found = session.execute(
        select(row.company_id, func.count().label("issues"))
        .where(
            row.tenant_id == book.tenant_id,
            row.psa_connection_id == book.psa_connection_id,
            row.is_open.is_(True),
            row.company_id.in_(chunk.companies),
            row.kind.in_(_PERIODS),
            row.state.not_in(sorted(SILENT)),
        )
        .group_by(row.company_id)
    )
    changed = dict(verdicts)
    for one in found:
        verdict = changed.get(one.company_id)
        if verdict is not None and verdict.outcome is Outcome.CLEAN:
            changed[one.company_id] = replace(
                verdict, outcome=Outcome.DIFFERENCES, issues=one.issues
            )
    return changed


def store_general(
    session: Session, book: Book, issues: Sequence[Issue], result: Result
) -> Counter[str]:
    """Write the connection's own issues after all chunks; closes those not found."""
    rows = {
        row.fingerprint: row
        for row in session.scalars(
            select(ReconIssue).where(
                ReconIssue.tenant_id == book.tenant_id,
                ReconIssue.psa_connection_id == book.psa_connection_id,
                ReconIssue.is_open.is_(True),
                ReconIssue.company_id == "",
                ReconIssue.vendor_customer_id == "",
            )
        )
    }
    return _advance(session, book, rows, result, list(issues))


def _open_rows(
    session: Session, book: Book, chunk: Chunk, found: Sequence[Issue]
) -> dict[str, ReconIssue]:
    customers = {issue.key.customer for issue in found if not issue.key.company}
    customers |= {id_ for _, id_ in chunk.customers}
    rows = session.scalars(
        select(ReconIssue).where(
            ReconIssue.tenant_id == book.tenant_id,
            ReconIssue.psa_connection_id == book.psa_connection_id,
            ReconIssue.is_open.is_(True),
            ReconIssue.kind.not_in(_PERIODS) if book.level == 1 else true(),
            or_(
                ReconIssue.company_id.in_(chunk.companies),
                (ReconIssue.company_id == "")
                & ReconIssue.vendor_customer_id.in_(sorted(customers - {""})),
            ),
        )
    )
    return {row.fingerprint: row for row in rows}


def _advance(
    session: Session,
    book: Book,
    rows: dict[str, ReconIssue],
    result: Result,
    found: list[Issue],
) -> Counter[str]:
    before = {print_: tracked_of(row) for print_, row in rows.items()}
    narrowed = replace(result, issues=tuple(found))
    after = advance(before, narrowed, book.today)
    earlier = _earlier(session, book, [f for f in after if f not in rows])
    proposals = _by_fingerprint(result.proposals)
    counts: Counter[str] = Counter()
    seen: list[str] = []
    for print_, tracked in after.items():
        row = rows.get(print_)
        plain = proposals.get(print_, {})
        if row is None:
            _insert(session, book, tracked, earlier.get(print_), plain)
            counts["new"] += 1
        elif _same(row, tracked, plain):
            seen.append(row.id)
        else:
            _change(session, book, row, tracked, plain)
            counts["healed" if tracked.state in CLOSED else "changed"] += 1
    _touch(session, book, seen)
    return counts


def _same(row: ReconIssue, tracked: Tracked, proposal: Mapping[str, Any]) -> bool:
    return (
        row.state == tracked.state
        and row.value_hash == tracked.issue.value_hash
        and row.severity == tracked.issue.severity
        and row.impact_recurring == tracked.issue.impact_recurring
        and row.annotations == _notes(tracked.issue)
        and row.proposal.get("digest", "") == proposal.get("digest", "")
    )


def _notes(issue: Issue) -> list[dict[str, str]]:
    return [{"note": one.note, "detail": one.detail} for one in issue.annotations]


def _earlier(
    session: Session, book: Book, prints: list[str]
) -> dict[str, tuple[str, int]]:
    """The last closed occurrence of each fingerprint: its id and number."""
    found: dict[str, tuple[str, int]] = {}
    for start in range(0, len(prints), _CHUNK):
        rows = session.execute(
            select(ReconIssue.fingerprint, ReconIssue.id, ReconIssue.occurrence)
            .where(
                ReconIssue.tenant_id == book.tenant_id,
                ReconIssue.psa_connection_id == book.psa_connection_id,
                ReconIssue.is_open.is_(False),
                ReconIssue.fingerprint.in_(prints[start : start + _CHUNK]),
            )
            .order_by(ReconIssue.occurrence)
        )
        for row in rows:
            found[row.fingerprint] = (row.id, row.occurrence)
    return found


def _by_fingerprint(proposals: Iterable[Proposal]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for proposal in proposals:
        plain = proposal_to_plain(proposal)
        for print_ in proposal.issues:
            found[print_] = plain
    return found


def _insert(
    session: Session,
    book: Book,
    tracked: Tracked,
    earlier: tuple[str, int] | None,
    proposal: dict[str, Any],
) -> None:
    row = ReconIssue(
        id=new_id("iss"),
        tenant_id=book.tenant_id,
        psa_connection_id=book.psa_connection_id,
        fingerprint=tracked.issue.fingerprint,
        first_seen=book.now,
        first_run=book.run_id,
        previous_id=earlier[0] if earlier else "",
        occurrence=earlier[1] + 1 if earlier else tracked.occurrence,
        version=0,
    )
    put_issue(row, tracked, proposal, book.now, book.run_id)
    if earlier is not None:
        row.occurrence = earlier[1] + 1
    session.add(row)
    add_fact(session, book, row, "back" if earlier else "new")


def _change(
    session: Session,
    book: Book,
    row: ReconIssue,
    tracked: Tracked,
    proposal: dict[str, Any],
) -> None:
    put_issue(row, tracked, proposal, book.now, book.run_id)
    if row.state in CLOSED_STATES:
        row.closed_at = book.now
        row.is_open = False
    add_fact(session, book, row, "changed" if row.is_open else "gone")


def add_fact(session: Session, book: Book, row: ReconIssue, change: str) -> None:
    """Write down what is known of an issue from now on."""
    known_at = book.now
    if row.known_at is not None:
        known_at = max(known_at, row.known_at + _TICK)
    row.known_at = known_at
    session.add(
        ReconIssueFact(
            object_id=row.id,
            known_at=known_at,
            tenant_id=book.tenant_id,
            valid_from=book.now,
            run_id=book.run_id,
            change=change,
            payload={
                "kind": row.kind,
                "state": row.state,
                "expected": row.expected,
                "actual": row.actual,
                "impact_recurring": None
                if row.impact_recurring is None
                else str(row.impact_recurring),
                "value_hash": row.value_hash,
                "occurrence": row.occurrence,
            },
        )
    )


def _touch(session: Session, book: Book, ids: list[str]) -> None:
    for start in range(0, len(ids), _CHUNK):
        session.execute(
            update(ReconIssue)
            .where(
                ReconIssue.tenant_id == book.tenant_id,
                ReconIssue.id.in_(ids[start : start + _CHUNK]),
            )
            .values(last_seen=book.now, last_run=book.run_id)
            .execution_options(synchronize_session=False)
        )


def _drop_coverage(
    session: Session, book: Book, chunk: Chunk, verdicts: Mapping[str, Verdict]
) -> None:
    """Forget what was said of scopes that have nothing to compare any more."""
    scopes = {*chunk.companies, *(f"customer:{id_}" for _, id_ in chunk.customers)}
    session.execute(
        delete(ReconCoverage)
        .where(
            ReconCoverage.tenant_id == book.tenant_id,
            ReconCoverage.psa_connection_id == book.psa_connection_id,
            ReconCoverage.scope.in_(sorted(scopes - set(verdicts))),
        )
        .execution_options(synchronize_session=False)
    )


def _store_coverage(
    session: Session, book: Book, verdicts: Mapping[str, Verdict]
) -> None:
    dialect = session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    values = [
        {
            "psa_connection_id": book.psa_connection_id,
            "scope": scope,
            "tenant_id": book.tenant_id,
            "run_id": book.run_id,
            "at": book.now,
            "outcome": verdict.outcome,
            "because": verdict.because,
            "subscriptions": verdict.subscriptions,
            "lines": verdict.lines,
            "keys": verdict.keys,
            "skipped": verdict.skipped,
            "issues": verdict.issues,
            "by_sums": False,
        }
        for scope, verdict in verdicts.items()
    ]
    if not values:
        return
    statement = insert(ReconCoverage)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["psa_connection_id", "scope"],
            set_={
                name: statement.excluded[name]
                for name in values[0]
                if name not in ("psa_connection_id", "scope")
            },
        ),
        values,
    )
