"""Applying an approved plan: read afresh, write in order, read back, prove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.psa.tables import PsaLine
from entrepot.hub.reconciliation.changed import unsettle
from entrepot.hub.reconciliation.decisions import link_row
from entrepot.hub.reconciliation.loading import Chunk, load_base, load_inputs
from entrepot.hub.reconciliation.planning import (
    existing_plan,
    move_issues,
    operations_of,
    parts_of,
    stored_proposal,
)
from entrepot.hub.reconciliation.rows import line_values
from entrepot.hub.reconciliation.rules.engine import reconcile
from entrepot.hub.reconciliation.rules.lifecycle import State
from entrepot.hub.reconciliation.rules.results import Do
from entrepot.hub.reconciliation.rules.staleness import stale_because
from entrepot.hub.reconciliation.storing import Book, store_result, within
from entrepot.hub.reconciliation.tables import (
    LineLinkRow,
    ReconIssue,
    ReconOperation,
    ReconPlan,
    ReconPlanPart,
)
from entrepot.hub.sync.intake import RunInfo as SyncRunInfo
from entrepot.hub.sync.refresh import Refresher
from entrepot.sdk.context import Clock
from entrepot.sdk.model import BillCustomer, LineChange, LineChangeKind
from entrepot.store import Store, TenantScope, audit, new_id, system_actor

if TYPE_CHECKING:
    from entrepot.hub.sync.steps import SyncSteps

_KINDS = {
    Do.CREATE: LineChangeKind.CREATE,
    Do.SET_QUANTITY: LineChangeKind.SET_QUANTITY,
    Do.SET_END: LineChangeKind.SET_END,
}
BEGUN = ("applying", "unknown")
"""States of a part some of whose writes may have gone out already."""


@dataclass(frozen=True, slots=True)
class PlanInfo:
    """Which plan, applied by which run."""

    run_id: str
    tenant_id: str
    plan_id: str

    @property
    def scope(self) -> TenantScope:
        """Its reseller."""
        return TenantScope(self.tenant_id)


class ApplySteps:
    """The steps of the job ``apply_recon_plan``.

    Args:
        store: The database.
        clock: Time.
        sync: Reads companies afresh.
        zone_of: Gives the billing zone of a PSA connection.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sync: SyncSteps,
        zone_of: Callable[[str, str], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._sync = sync
        self._zone_of = zone_of

    def open(self, info: PlanInfo) -> dict[str, Any]:
        """Mark the plan as applying.

        Returns:
            ``connection``, the ``companies`` to read afresh, and ``groups``: parts
            still to be written by agreement, in order.
        """
        with self._store.unit(info.scope) as session:
            plan = existing_plan(session, info.tenant_id, info.plan_id)
            parts = [
                part
                for part in parts_of(session, plan)
                if part.state in ("approved", "verifying", *BEGUN)
            ]
            if parts:
                plan.state, plan.run_id = "applying", info.run_id
            groups: dict[str, list[int]] = {}
            for part in parts:
                if part.state != "verifying":
                    groups.setdefault(part.agreement_id, []).append(part.seq)
            return {
                "connection": plan.psa_connection_id,
                "companies": sorted({part.company_id for part in parts}),
                "groups": list(groups.values()),
            }

    def read_afresh(
        self, info: PlanInfo, connection: str, company: str
    ) -> dict[str, int]:
        """Read one company of the PSA now: agreements, lines, locks."""
        run = SyncRunInfo(info.run_id, info.tenant_id, connection)
        refresher = Refresher(self._store, self._sync.source(run), run)
        return dict(refresher.refresh(company))

    def check(self, info: PlanInfo, group: list[int]) -> dict[str, Any]:
        """Whether the ground of an agreement's parts is still there.

        If any of it changed, none of these parts is written. A part that was cut off
        between two writes is continued without a check: its own first write changed
        the ground.

        Returns:
            ``go``: the parts to write; ``stale``: why not.
        """
        with self._store.unit(info.scope) as session:
            plan = existing_plan(session, info.tenant_id, info.plan_id)
            parts = [part for part in parts_of(session, plan) if part.seq in group]
            fresh = [part for part in parts if part.state == "approved"]
            reasons = [why for part in fresh for why in self._stale(session, part)]
            for part in fresh:
                part.state = "stale" if reasons else "applying"
                part.message = "; ".join(reasons)
                moved = State.OPEN if reasons else State.APPLYING
                move_issues(session, part, moved)
            begun = [part.seq for part in parts if part.state in BEGUN]
            return {"go": begun, "stale": reasons}

    def _stale(self, session: Session, part: ReconPlanPart) -> list[str]:
        plan = existing_plan(session, part.tenant_id, part.plan_id)
        connection = plan.psa_connection_id
        base = load_base(
            session,
            part.tenant_id,
            connection,
            self._zone_of(part.tenant_id, connection),
            self._clock.now(),
        )
        inputs = load_inputs(session, base, Chunk(companies=(part.company_id,)))
        if part.company_id in {
            one.id for one in inputs.psa.companies if not one.complete
        }:
            return [f"company {part.company_id} could not be read completely"]
        return stale_because(inputs, stored_proposal(part))

    def writes(self, info: PlanInfo, seq: int) -> list[dict[str, Any]]:
        """The part's operations that are still to be done, in order.

        Returns:
            Per operation: seq, reference, do, and its fields as texts.
        """
        with self._store.unit(info.scope) as session:
            plan = existing_plan(session, info.tenant_id, info.plan_id)
            part = next(one for one in parts_of(session, plan) if one.seq == seq)
            tokens = _tokens(part)
            found = []
            for one in operations_of(session, plan):
                if one.part != seq or one.state not in ("planned", "unknown"):
                    continue
                one.before = one.before or self._line_now(session, plan, one.line_id)
                found.append(
                    {
                        "seq": one.seq,
                        "reference": one.reference,
                        "do": one.do,
                        "body": one.body,
                        "token": tokens.get(one.line_id, ""),
                    }
                )
            return found

    def _line_now(
        self, session: Session, plan: ReconPlan, line_id: str
    ) -> dict[str, Any] | None:
        row = _line_row(session, plan, line_id)
        return None if row is None else line_values(row)

    def adopt(self, info: PlanInfo, part: int, seq: int) -> dict[str, Any]:
        """Link an existing line to its subscriptions; nothing is sent."""
        now = self._clock.now()
        with self._store.unit(info.scope) as session:
            plan = existing_plan(session, info.tenant_id, info.plan_id)
            operation = _operation(session, plan, part, seq)
            row = _line_row(session, plan, operation.line_id)
            if row is None:
                operation.state, operation.message = "rejected", "the line is gone"
                return {"state": "rejected"}
            link = link_row(session, plan.tenant_id, plan.psa_connection_id, row, now)
            link.subscriptions = _listed(operation.body.get("subscriptions", ""))
            link.state = "active"
            link.verified_at, link.verified_token = now, row.change_token
            companies = [row.company_vendor_id]
            unsettle(session, plan.tenant_id, plan.psa_connection_id, companies)
            operation.state, operation.applied_at = "done", now
            operation.after = line_values(row)
            return {"state": "done"}

    def record(
        self, info: PlanInfo, part: int, seq: int, result: dict[str, Any]
    ) -> None:
        """Write down how a write ended, and link what it made."""
        now = self._clock.now()
        with self._store.unit(info.scope) as session:
            plan = existing_plan(session, info.tenant_id, info.plan_id)
            operation = _operation(session, plan, part, seq)
            operation.state = result["state"]
            operation.message = result.get("error_text") or ""
            answer = result.get("answer") or {}
            operation.request_id = str(answer.get("request_id") or "")
            if operation.state != "done":
                return
            operation.applied_at = now
            operation.line_id = result.get("vendor_reference") or operation.line_id
            operation.after = answer.get("line")
            token = str((operation.after or {}).get("token") or "")
            self._link(session, plan, operation, token)
            audit(
                session,
                system_actor("reconciliation", info.tenant_id),
                action=f"psa_line.{operation.do}",
                subject=("psa_line", operation.line_id),
                why=f"plan {plan.id}, approved by {plan.approved_by}",
                before=operation.before,
                after=operation.after,
            )

    def _link(
        self, session: Session, plan: ReconPlan, operation: ReconOperation, token: str
    ) -> None:
        now = self._clock.now()
        link = session.scalars(
            select(LineLinkRow).where(
                LineLinkRow.tenant_id == plan.tenant_id,
                LineLinkRow.psa_connection_id == plan.psa_connection_id,
                LineLinkRow.line_id == operation.line_id,
            )
        ).first()
        if link is None and operation.do != Do.CREATE:
            return
        if link is None:
            link = LineLinkRow(
                id=new_id("lnk"),
                tenant_id=plan.tenant_id,
                psa_connection_id=plan.psa_connection_id,
                line_id=operation.line_id,
                company_id=operation.body.get("company", ""),
                agreement_id=operation.agreement_id,
                product_id=operation.body.get("product", ""),
                subscriptions=_listed(operation.body.get("subscriptions", "")),
                origin="created",
                external_ref=operation.reference,
                created_at=now,
            )
            session.add(link)
            companies = [link.company_id]
            unsettle(session, plan.tenant_id, plan.psa_connection_id, companies)
        link.verified_at, link.verified_token = now, token

    def end_part(self, info: PlanInfo, part: int, state: str, message: str) -> None:
        """Put a part into its state after its writes."""
        with self._store.unit(info.scope) as session:
            plan = existing_plan(session, info.tenant_id, info.plan_id)
            row = next(one for one in parts_of(session, plan) if one.seq == part)
            row.state, row.message = state, message
            moved = {"verifying": State.VERIFYING, "unknown": State.APPLYING}
            move_issues(session, row, moved.get(state, State.FAILED))

    def verify(self, info: PlanInfo, connection: str, company: str) -> dict[str, Any]:
        """Compare a company again after it was read back."""
        now = self._clock.now()
        zone = self._zone_of(info.tenant_id, connection)
        with self._store.read(info.scope) as session:
            base = load_base(session, info.tenant_id, connection, zone, now)
            chunk = Chunk(companies=(company,))
            inputs = load_inputs(session, base, chunk)
        result = within(reconcile(inputs, policy=base.rules.auto), chunk)
        with self._store.unit(info.scope) as session:
            book = Book(info.tenant_id, connection, info.run_id, now, inputs.today)
            return dict(store_result(session, book, chunk, result))

    def close(self, info: PlanInfo) -> dict[str, Any]:
        """End the plan: a part is done when its differences are proved gone."""
        with self._store.unit(info.scope) as session:
            plan = existing_plan(session, info.tenant_id, info.plan_id)
            parts = parts_of(session, plan)
            for part in parts:
                if part.state == "verifying":
                    left = _still_open(session, part)
                    part.state = "failed" if left else "done"
                    part.message = (
                        f"written, but {left} of its differences are still there"
                        if left
                        else ""
                    )
            plan.state = _state_of([part.state for part in parts])
            plan.message = "; ".join(
                f"part {part.seq}: {part.state}, {part.message}"
                for part in parts
                if part.message
            )
            plan.ended_at, plan.version = self._clock.now(), plan.version + 1
            audit(
                session,
                system_actor("reconciliation", info.tenant_id),
                action="reconciliation.apply",
                subject=("recon_plan", plan.id),
                why=f"approved by {plan.approved_by}",
                after={"state": plan.state, "message": plan.message},
            )
            return {"state": plan.state, "message": plan.message}


def _state_of(states: list[str]) -> str:
    """The plan's state from those of its parts: the one that asks most of people."""
    for state in ("unknown", "applying", "failed"):
        if state in states:
            return state
    if "done" in states:
        return "done"
    return "stale" if "stale" in states else "done"


def _still_open(session: Session, part: ReconPlanPart) -> int:
    rows = session.scalars(
        select(ReconIssue.id).where(
            ReconIssue.tenant_id == part.tenant_id,
            ReconIssue.id.in_(part.issues),
            ReconIssue.is_open.is_(True),
        )
    )
    return len(list(rows))


def _operation(
    session: Session, plan: ReconPlan, part: int, seq: int
) -> ReconOperation:
    return session.get_one(ReconOperation, (plan.id, part, seq))


def _line_row(session: Session, plan: ReconPlan, line_id: str) -> PsaLine | None:
    if not line_id:
        return None
    return session.scalars(
        select(PsaLine).where(
            PsaLine.tenant_id == plan.tenant_id,
            PsaLine.connection_id == plan.psa_connection_id,
            PsaLine.vendor_id == line_id,
            PsaLine.gone_at.is_(None),
        )
    ).first()


def _tokens(part: ReconPlanPart) -> dict[str, str]:
    """Change tokens of the lines as they were planned on."""
    return {
        one["id"]: one["values"].get("version", "")
        for one in part.proposal.get("preconditions", ())
        if one["what"] == "line"
    }


def _listed(text: str) -> list[str]:
    return [one for one in text.split(",") if one]


def line_change(write: dict[str, Any]) -> LineChange:
    """A planned write in the border's words."""
    body = write["body"]

    def number(name: str) -> Decimal | None:
        return Decimal(body[name]) if body.get(name) else None

    def day(name: str) -> date | None:
        return date.fromisoformat(body[name]) if body.get(name) else None

    create = write["do"] == Do.CREATE
    return LineChange(
        kind=_KINDS[Do(write["do"])],
        reference=write["reference"],
        agreement_id=body["agreement"],
        company_id=body.get("company", ""),
        line_id=body.get("line") or None,
        product_id=body.get("product") if create else None,
        quantity=number("quantity"),
        unit_price=number("unit_price"),
        unit_cost=number("unit_cost"),
        bill=BillCustomer(body["bill"]) if body.get("bill") else None,
        taxable={"true": True, "false": False}.get(body.get("taxable", "")),
        effective=day("effective") if create else None,
        ends=day("ends"),
        invoice_text=body.get("text") or None,
        expected_token=write["token"] or None,
    )
