"""Looking at comparisons and differences; changes nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from entrepot.hub.paging import Slice
from entrepot.hub.reconciliation import queries, runs
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.tables import ReconDecision, ReconIssueFact
from entrepot.hub.reconciliation.totals import open_totals
from entrepot.hub.reconciliation.views import (
    DecisionView,
    IssueView,
    RunComparison,
    RunView,
    TotalsView,
    decision_view,
)
from entrepot.store import Actor, Store, TenantScope

_HISTORY = 200


class Looking:
    """The reading half of the reconciliation service.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    # Runs

    def run(self, actor: Actor, run_id: str) -> RunView:
        """One comparison.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return runs.view(queries.existing_run(session, actor.tenant_id, run_id))

    def runs(
        self,
        actor: Actor,
        *,
        psa_connection_id: str | None = None,
        limit: int = 50,
        last: tuple[Any, ...] | None = None,
    ) -> Slice[RunView]:
        """Comparisons, newest first."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return runs.history(
                session, actor.tenant_id, psa_connection_id, limit, last
            )

    def compare_runs(
        self, actor: Actor, before_id: str, after_id: str
    ) -> RunComparison:
        """What was opened and closed between two runs.

        Raises:
            NotFound: One of them isn't there.
        """
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return runs.compare(session, actor.tenant_id, before_id, after_id)

    def coverage(self, actor: Actor, psa_connection_id: str) -> list[dict[str, Any]]:
        """How many scopes have which outcome, and how much was compared."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return runs.coverage(session, actor.tenant_id, psa_connection_id)

    # Differences

    def issues(self, actor: Actor, query: IssueQuery) -> Slice[IssueView]:
        """Differences that match a query."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return queries.list_issues(session, actor.tenant_id, query)

    def issue(self, actor: Actor, issue_id: str) -> IssueView:
        """One difference.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = queries.existing_issue(session, actor.tenant_id, issue_id)
            names = queries.names_of(session, actor.tenant_id, [row])
            return queries.with_names(row, names)

    def totals(self, actor: Actor, query: IssueQuery) -> tuple[TotalsView, ...]:
        """Open money of the issues that match, under- and over-billed apart."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            where = queries.issue_filters(session, actor.tenant_id, query)
            found = open_totals(
                session, actor.tenant_id, query.psa_connection_id, *where
            )
        return tuple(TotalsView(**one) for one in found)

    def issue_history(self, actor: Actor, issue_id: str) -> list[dict[str, Any]]:
        """What was known of a difference, newest first."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(
                select(ReconIssueFact)
                .where(
                    ReconIssueFact.tenant_id == actor.tenant_id,
                    ReconIssueFact.object_id == issue_id,
                )
                .order_by(ReconIssueFact.known_at.desc())
                .limit(_HISTORY)
            )
            return [
                {
                    "known_at": row.known_at,
                    "change": row.change,
                    "run_id": row.run_id,
                    "state": row.payload,
                }
                for row in rows
            ]

    def decisions(self, actor: Actor, issue_id: str) -> tuple[DecisionView, ...]:
        """Decisions about a difference, newest first."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(
                select(ReconDecision)
                .where(
                    ReconDecision.tenant_id == actor.tenant_id,
                    ReconDecision.issue_id == issue_id,
                )
                .order_by(ReconDecision.id.desc())
                .limit(_HISTORY)
            )
            return tuple(decision_view(row) for row in rows)
