"""Use cases of reconciliation: run, look, decide, plan, approve, apply."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.paging import Slice
from entrepot.hub.reconciliation import planning, queries, runs
from entrepot.hub.reconciliation.apply_steps import BEGUN, ApplySteps
from entrepot.hub.reconciliation.decisions import Decide, decide
from entrepot.hub.reconciliation.effects import PsaWriter
from entrepot.hub.reconciliation.jobs import APPLY, TICKET
from entrepot.hub.reconciliation.loading import Base, load_base
from entrepot.hub.reconciliation.looking import Looking
from entrepot.hub.reconciliation.rules_store import RuleDesk
from entrepot.hub.reconciliation.run_steps import ReconSteps, RunInfo
from entrepot.hub.reconciliation.tables import (
    ReconIssue,
    ReconPlan,
)
from entrepot.hub.reconciliation.tickets import Tickets
from entrepot.hub.reconciliation.views import (
    GroupView,
    IssueView,
    PlanView,
    plan_view,
)
from entrepot.hub.tenants.service import TenantService
from entrepot.jobs.facade import Jobs
from entrepot.jobs.queues import REQUESTED
from entrepot.jobs.submit import RunRef
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, Rejected
from entrepot.store import Actor, Store, TenantScope
from entrepot.store.actor import system_actor

if TYPE_CHECKING:
    from entrepot.hub.connections.service import ConnectionService
    from entrepot.hub.sync.steps import SyncSteps
    from entrepot.plugins import Plugins


class ReconciliationService(Looking):
    """Compares what was bought with what will be invoiced, and corrects it.

    Args:
        store: The database.
        clock: Time.
        jobs: Durable work.
        plugins: The typed facade.
        connections: Knows and opens connections.
        sync: Reads companies afresh.

    Attributes:
        steps: Of the job that compares.
        applying: Of the job that applies a plan.
        writer: Writes to the PSA through the intent journal.
        tickets: Writes tickets.
        rules: Rules of PSA connections.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        jobs: Jobs,
        *,
        plugins: Plugins,
        connections: ConnectionService,
        sync: SyncSteps,
    ) -> None:
        super().__init__(store)
        self._clock = clock
        self._jobs = jobs
        self._connections = connections
        self._tenants = TenantService(store, clock)
        self.steps = ReconSteps(store, clock, self.zone_of)
        self.applying = ApplySteps(store, clock, sync, self.zone_of)
        self.writer = PsaWriter(plugins, connections, jobs.intents)
        self.tickets = Tickets(store, plugins, connections)
        self.rules = RuleDesk(store, clock, self._require_psa)

    def zone_of(self, tenant_id: str, connection_id: str) -> str:
        """The billing zone of a connection, or else of its reseller."""
        actor = system_actor("reconciliation", tenant_id)
        own = self._connections.get(actor, connection_id).billing_zone
        return own or self._tenants.get(actor, tenant_id).billing_zone

    # Running

    def start(
        self,
        actor: Actor,
        psa_connection_id: str,
        scope: str = "all",
        *,
        cause: str = "button",
        level: int = 1,
    ) -> RunRef:
        """Start a comparison, or join the one of that scope that runs already.

        Args:
            actor: Who asks; needs ``reconciliations:write``.
            psa_connection_id: The PSA.
            scope: ``all``, ``company:<PSA id>`` or ``customer:<hub id>``.
            cause: Button, schedule, sync, API; for lists.
            level: 1 asks whether the next invoice will be right; 2 also looks at
                closed periods, which takes longer. A rule of kind ``limits`` can make
                2 the connection's least level.

        Raises:
            NotFound: There is no such connection.
            Rejected: It is no PSA, or the scope or level can't be understood.
        """
        actor.require("reconciliations:write")
        self._require_psa(actor, psa_connection_id)
        run_id = f"recon:{runs.checked_scope(scope)}:{uuid.uuid4().hex}"
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            return runs.submit(
                session,
                self._jobs,
                actor,
                run_id=run_id,
                psa_connection_id=psa_connection_id,
                scope=scope,
                cause=cause,
                now=self._clock.now(),
                level=runs.checked_level(level),
            )

    def submit_after_sync(
        self, session: Session, tenant_id: str, psa_connection_id: str, scope: str
    ) -> None:
        """Compare again because a connection was read; in the run's unit of work."""
        runs.submit(
            session,
            self._jobs,
            system_actor("sync", tenant_id),
            run_id=f"recon:{runs.checked_scope(scope)}:{uuid.uuid4().hex}",
            psa_connection_id=psa_connection_id,
            scope=scope,
            cause="sync",
            now=self._clock.now(),
        )

    def _require_psa(self, actor: Actor, connection_id: str) -> None:
        reader = system_actor("reconciliation", actor.tenant_id)
        connection = self._connections.get(reader, connection_id)
        if connection.kind != "psa":
            raise Rejected(
                "not_a_psa",
                f"{connection.name} is no PSA connection.",
                field="psa_connection_id",
                remedy="Choose the PSA whose agreements are to be compared.",
            )

    def resume_plans(self, run: RunInfo) -> list[str]:
        """Submit plans again that were cut off between two writes.

        Returns:
            Their ids; they are applied beside the comparison, never inside it.
        """
        with self._store.unit(run.scope) as session:
            rows = session.scalars(
                select(ReconPlan).where(
                    ReconPlan.tenant_id == run.tenant_id,
                    ReconPlan.psa_connection_id == run.psa_connection_id,
                    ReconPlan.state.in_(BEGUN),
                )
            ).all()
            actor = system_actor("reconciliation", run.tenant_id)
            for row in rows:
                self._submit_apply(session, actor, row, cause="resume")
            return [row.id for row in rows]

    def approve_by_policy(self, run: RunInfo) -> list[str]:
        """Approve and apply what the connection's policy lets the hub approve.

        Off unless a rule of kind ``auto`` turns it on; a run whose brake is pulled
        waits for a person as a whole.

        Returns:
            Ids of the plans that were submitted.
        """
        actor = Actor(
            "policy",
            "policy",
            run.tenant_id,
            "approval policy",
            frozenset({"reconciliations:write", "reconciliations:approve"}),
        )
        with self._store.unit(run.scope) as session:
            row = queries.existing_run(session, run.tenant_id, run.run_id)
            rows = planning.automatic_issues(session, run)
            if row.brake or not rows:
                return []
            base = self._base(session, actor, rows)
            now = self._clock.now()
            plan = planning.make_plan(session, actor, base, rows, {}, now)
            session.flush()
            parts = planning.automatic_parts(session, plan)
            if not parts:
                planning.discard_plan(session, actor, plan, "nothing is automatic")
                return []
            planning.approve_plan(
                session, actor, plan, plan.digest, parts, "approval policy", now
            )
            self._submit_apply(session, actor, plan, cause="policy")
            return [plan.id]

    # Grouping

    def groups(
        self, actor: Actor, query: queries.IssueQuery, by: str
    ) -> tuple[GroupView, ...]:
        """Differences that match a query, counted by what they share.

        Args:
            actor: Who looks; needs ``reconciliations:read``.
            query: Which; its limit is the number of groups.
            by: ``customer``, ``kind`` or ``product``.

        Raises:
            Rejected: There is no such grouping.
        """
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return queries.issue_groups(session, actor.tenant_id, query, by)

    # Deciding

    def decide(self, actor: Actor, issue_id: str, wanted: Decide) -> IssueView:
        """Ignore, snooze, accept the PSA's value, or leave lines unmanaged.

        Raises:
            NotFound: There is no such difference.
            Rejected: A field doesn't fit; the error names it.
            Conflict: The difference changed since the person looked.
        """
        actor.require("reconciliations:write")
        if wanted.resolution == "create_ticket":
            self.create_ticket(actor, issue_id)
            return self.issue(actor, issue_id)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = queries.existing_issue(session, actor.tenant_id, issue_id)
            decide(session, actor, row, wanted, self._clock.now())
            session.flush()
            names = queries.names_of(session, actor.tenant_id, [row])
            return queries.with_names(row, names)

    def create_ticket(self, actor: Actor, issue_id: str) -> RunRef:
        """Have a service ticket written for a difference.

        Raises:
            NotFound: There is no such difference.
        """
        actor.require("reconciliations:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = queries.existing_issue(session, actor.tenant_id, issue_id)
            return self._jobs.submit(
                session,
                TICKET,
                run_id=f"ticket:{row.id}:{row.value_hash[:12]}",
                args={"issue_id": row.id},
                partition=row.psa_connection_id,
                connection_id=row.psa_connection_id,
                priority=REQUESTED,
                subject=row.id,
                requested_by=actor.name,
                cause="decision",
            )

    # Correcting

    def plan(
        self,
        actor: Actor,
        issue_ids: Sequence[str],
        choices: Mapping[str, str] | None = None,
    ) -> PlanView:
        """Draft the exact writes that would correct some differences.

        Args:
            actor: Who plans; needs ``reconciliations:write``.
            issue_ids: Open differences of one PSA connection.
            choices: By issue id, the alternative where a person has to choose.

        Raises:
            NotFound: One of them isn't there.
            Rejected: Nothing can be written; the text says why.
        """
        actor.require("reconciliations:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            rows = [
                queries.existing_issue(session, actor.tenant_id, one)
                for one in dict.fromkeys(issue_ids)
            ]
            base = self._base(session, actor, rows)
            plan = planning.make_plan(
                session, actor, base, rows, choices or {}, self._clock.now()
            )
            session.flush()
            made = self._plan_view(session, plan)
        return self._tell_calls(actor, made)

    def _tell_calls(self, actor: Actor, plan: PlanView) -> PlanView:
        """Keep with each write of a fresh plan which calls it would make."""
        told = {}
        for one in (write for part in plan.parts for write in part.operations):
            write = {"do": one.do, "body": one.body, "reference": one.reference}
            told[one.reference] = self.writer.calls(
                plan.psa_connection_id, write | {"token": ""}
            )
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = planning.existing_plan(session, actor.tenant_id, plan.id)
            for operation in planning.operations_of(session, row):
                operation.calls = list(told[operation.reference])
            session.flush()
            return self._plan_view(session, row)

    def _base(self, session: Session, actor: Actor, rows: list[ReconIssue]) -> Base:
        connections = {row.psa_connection_id for row in rows}
        closed = [row.id for row in rows if not row.is_open]
        if len(connections) != 1:
            raise Rejected(
                "one_connection",
                "A plan is about differences of one PSA connection.",
                field="issues",
                remedy="Choose differences of one connection.",
            )
        if closed:
            raise Conflict(
                "issue_closed",
                f"{len(closed)} of these differences are closed already.",
                field="issues",
                remedy="Choose open differences.",
            )
        connection = connections.pop()
        return load_base(
            session,
            actor.tenant_id,
            connection,
            self.zone_of(actor.tenant_id, connection),
            self._clock.now(),
        )

    def get_plan(self, actor: Actor, plan_id: str) -> PlanView:
        """A plan with its parts and operations.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            plan = planning.existing_plan(session, actor.tenant_id, plan_id)
            return self._plan_view(session, plan)

    def plans(
        self,
        actor: Actor,
        *,
        states: Sequence[str] = (),
        limit: int = 50,
        last: tuple[Any, ...] | None = None,
    ) -> Slice[PlanView]:
        """Plans in the order in which they were made, without their parts."""
        actor.require("reconciliations:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return runs.plan_history(session, actor.tenant_id, states, limit, last)

    def _plan_view(self, session: Session, plan: ReconPlan) -> PlanView:
        parts = planning.parts_of(session, plan)
        return plan_view(plan, parts, planning.operations_of(session, plan))

    def approve(
        self,
        actor: Actor,
        plan_id: str,
        digest: str,
        *,
        parts: Sequence[int] | None = None,
        reason: str = "",
    ) -> PlanView:
        """Approve a plan, all or some of its parts.

        Args:
            actor: Who approves; needs ``reconciliations:approve``.
            plan_id: Which.
            digest: Of the plan the person looked at.
            parts: Numbers of the approved parts; None = all.
            reason: For the audit log.

        Raises:
            Conflict: The plan isn't a draft, or another one than was looked at.
        """
        actor.require("reconciliations:approve")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            plan = planning.existing_plan(session, actor.tenant_id, plan_id)
            now: datetime = self._clock.now()
            planning.approve_plan(session, actor, plan, digest, parts, reason, now)
            session.flush()
            return self._plan_view(session, plan)

    def apply(self, actor: Actor, plan_id: str) -> RunRef:
        """Have an approved plan written; a plan that was cut off is continued.

        Raises:
            Conflict: It isn't approved.
        """
        actor.require("reconciliations:approve")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            plan = planning.existing_plan(session, actor.tenant_id, plan_id)
            if plan.state not in ("approved", *BEGUN):
                raise Conflict(
                    "plan_not_approved",
                    f"This plan is {plan.state}.",
                    remedy="Approve a plan first.",
                )
            return self._submit_apply(session, actor, plan, cause="button")

    def _submit_apply(
        self, session: Session, actor: Actor, plan: ReconPlan, cause: str
    ) -> RunRef:
        return self._jobs.submit(
            session,
            APPLY,
            run_id=f"apply:{plan.id}:{uuid.uuid4().hex}",
            args={"plan_id": plan.id},
            partition=plan.psa_connection_id,
            connection_id=plan.psa_connection_id,
            exclusive=f"apply:{plan.id}",
            priority=REQUESTED,
            subject=plan.id,
            requested_by=actor.name,
            cause=cause,
        )

    def discard(self, actor: Actor, plan_id: str, reason: str = "") -> PlanView:
        """Give a plan up that hasn't begun.

        Raises:
            Conflict: It has begun or ended.
        """
        actor.require("reconciliations:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            plan = planning.existing_plan(session, actor.tenant_id, plan_id)
            planning.discard_plan(session, actor, plan, reason)
            session.flush()
            return self._plan_view(session, plan)
