"""What comes after a connection was read: suggestions, then a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.tables import SyncRun
from entrepot.jobs.facade import Jobs

Compare = Callable[[Session, str, str, str], None]
"""Submits a comparison: session, tenant, PSA connection, scope."""


class AfterSync:
    """Submits what a closed sync run makes worth doing.

    Args:
        jobs: Durable work.
        psa_connections: The reseller's PSA connections, read in the run's unit.
        compare: Submits a comparison in the run's unit.
        suggest_job: Name of the job that looks for mappings.
    """

    def __init__(
        self,
        jobs: Jobs,
        psa_connections: Callable[[Session], Iterable[str]],
        compare: Compare,
        suggest_job: str,
    ) -> None:
        self._jobs = jobs
        self._psa_connections = psa_connections
        self._compare = compare
        self._suggest = suggest_job

    def __call__(self, session: Session, run: RunInfo, row: SyncRun) -> None:
        """Submit suggestions and a comparison with every PSA the run concerns."""
        found = list(self._psa_connections(session))
        is_psa = run.connection_id in found
        concerned = [run.connection_id] if is_psa else found
        scope = self._scope(session, run, row, is_psa=is_psa)
        if scope == "all" and found and _changed(row):
            self._jobs.submit(
                session,
                self._suggest,
                run_id=f"{self._suggest}:{uuid4().hex}",
                args={"psa_connection_id": run.connection_id if is_psa else ""},
                exclusive=f"{self._suggest}:{run.tenant_id}",
                concern={"run": run.run_id},
                requested_by="sync",
                cause="sync",
            )
        for psa in concerned:
            self._compare(session, run.tenant_id, psa, scope)

    def _scope(
        self, session: Session, run: RunInfo, row: SyncRun, *, is_psa: bool
    ) -> str:
        if row.mode != "customer":
            return "all"
        if is_psa:
            return f"company:{row.subject}"
        customer = session.scalars(
            select(CustomerAccount.customer_id).where(
                CustomerAccount.connection_id == run.connection_id,
                CustomerAccount.vendor_id == row.subject,
            )
        ).first()
        return "all" if customer is None else f"customer:{customer}"


def _changed(row: SyncRun) -> bool:
    """Whether the run wrote anything that may make another suggestion right."""
    names = ("new", "changed", "gone", "back")
    return any(counts.get(name) for counts in row.counts.values() for name in names)
