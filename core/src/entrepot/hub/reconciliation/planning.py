"""From differences to a plan that a person can approve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.reconciliation.codec import (
    pack_inputs,
    proposal_from_plain,
    proposal_to_plain,
)
from entrepot.hub.reconciliation.loading import Base, Chunk, load_inputs
from entrepot.hub.reconciliation.rules.books import Inputs
from entrepot.hub.reconciliation.rules.engine import reconcile
from entrepot.hub.reconciliation.rules.fingerprint import operation_texts, plan_digest
from entrepot.hub.reconciliation.rules.lifecycle import State
from entrepot.hub.reconciliation.rules.results import (
    NotPushed,
    Operation,
    Proposal,
)
from entrepot.hub.reconciliation.run_steps import RunInfo
from entrepot.hub.reconciliation.storing import within
from entrepot.hub.reconciliation.tables import (
    ReconIssue,
    ReconOperation,
    ReconPlan,
    ReconPlanPart,
)
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store import Actor, audit, new_id

OPEN_PLANS = ("draft", "approved", "applying", "verifying")


@dataclass(frozen=True, slots=True)
class Planned:
    """A proposal with the inputs it stands on."""

    proposal: Proposal
    inputs: Inputs


def make_plan(
    session: Session,
    actor: Actor,
    base: Base,
    issues: Sequence[ReconIssue],
    choices: Mapping[str, str],
    now: datetime,
) -> ReconPlan:
    """Store a draft of everything that would correct some issues.

    The differences are computed afresh: what healed meanwhile is left out.

    Args:
        session: The unit's.
        actor: Who plans.
        base: The PSA connection.
        issues: Open ones of that connection.
        choices: By issue id, the alternative chosen where a person has to choose.
        now: When.

    Raises:
        Rejected: Nothing of it can be written; says why.
    """
    picked = _picked(issues, choices)
    planned = [_with_choice(one, picked) for one in _proposals(session, base, issues)]
    planned = [one for one in planned if set(one.proposal.issues) & set(picked)]
    useful = [one for one in planned if one.proposal.operations]
    if not useful:
        raise _nothing(planned)
    plan = ReconPlan(
        id=new_id("pln"),
        tenant_id=base.tenant_id,
        psa_connection_id=base.psa_connection_id,
        state="draft",
        issues=[],
        digest=_digest([one.proposal for one in useful]),
        preview=[dict(one.proposal.preview) for one in useful],
        not_pushed=[_plain(why) for one in planned for why in one.proposal.not_pushed],
        created_by=actor.name,
        created_at=now,
    )
    session.add(plan)
    by_print = {row.fingerprint: row for row in issues}
    for number, one in enumerate(useful, 1):
        _store_part(session, plan, number, one, by_print, now)
    audit(
        session,
        actor,
        action="reconciliation.plan",
        subject=("recon_plan", plan.id),
        after={"issues": plan.issues, "digest": plan.digest},
    )
    return plan


def _picked(issues: Sequence[ReconIssue], choices: Mapping[str, str]) -> dict[str, str]:
    return {row.fingerprint: choices.get(row.id, "") for row in issues}


def _proposals(
    session: Session, base: Base, issues: Sequence[ReconIssue]
) -> list[Planned]:
    companies = sorted({row.company_id for row in issues if row.company_id})
    found: list[Planned] = []
    for company in companies:
        chunk = Chunk(companies=(company,))
        inputs = load_inputs(session, base, chunk)
        result = within(reconcile(inputs, policy=base.rules.auto), chunk)
        found += [Planned(one, inputs) for one in result.proposals]
    return found


def _with_choice(planned: Planned, picked: Mapping[str, str]) -> Planned:
    """The proposal with the chosen alternative as its operations."""
    proposal = planned.proposal
    names = {picked[print_] for print_ in proposal.issues if picked.get(print_)}
    if not proposal.choices or not names:
        return planned
    name = names.pop()
    if name not in proposal.choices:
        known = ", ".join(sorted(proposal.choices))
        raise Rejected(
            "choice_unknown",
            f"There is no alternative “{name}”.",
            field="choices",
            remedy=f"Use one of {known}.",
        )
    chosen = replace(
        proposal,
        operations=(*proposal.operations, *proposal.choices[name]),
        answered=(*proposal.answered, *proposal.by_choice.get(name, ())),
        preview=proposal.choice_previews.get(name, proposal.preview),
        choices={},
        by_choice={},
        choice_previews={},
        not_pushed=tuple(w for w in proposal.not_pushed if w.code != "needs_choice"),
        automatic=False,
        why_person="a person chose between alternatives",
    )
    digest = plan_digest(chosen.operations, chosen.preconditions)
    return Planned(replace(chosen, digest=digest), planned.inputs)


def _nothing(planned: Sequence[Planned]) -> Rejected:
    reasons = list(
        dict.fromkeys(why.text for one in planned for why in one.proposal.not_pushed)
    )
    return Rejected(
        "nothing_to_write",
        "Nothing of this can be written to the PSA. "
        + (" ".join(reasons) or "The differences are gone."),
        field="issues",
        remedy="Choose an alternative where one is offered, or run again.",
    )


def _digest(proposals: Sequence[Proposal]) -> str:
    operations = [op for one in proposals for op in one.operations]
    conditions = [cond for one in proposals for cond in one.preconditions]
    return plan_digest(operations, conditions)


def _plain(why: NotPushed) -> dict[str, Any]:
    amount = None if why.amount is None else str(why.amount)
    return {"code": why.code, "text": why.text, "amount": amount}


def _store_part(
    session: Session,
    plan: ReconPlan,
    number: int,
    planned: Planned,
    by_print: Mapping[str, ReconIssue],
    now: datetime,
) -> None:
    proposal = planned.proposal
    # What the writes don't put right stays open: it is shown, never proved gone.
    rows = [by_print[one] for one in proposal.answered if one in by_print]
    plan.issues = [*plan.issues, *(row.id for row in rows)]
    for row in rows:
        row.state, row.version = State.PROPOSED, row.version + 1
    session.add(
        ReconPlanPart(
            plan_id=plan.id,
            seq=number,
            tenant_id=plan.tenant_id,
            company_id=proposal.key.company,
            agreement_id=proposal.key.agreement,
            product_id=proposal.key.product,
            issues=[row.id for row in rows],
            proposal=proposal_to_plain(proposal),
            inputs=pack_inputs(planned.inputs),
            state="draft",
        )
    )
    session.add_all(
        operation_row(plan, number, seq, operation)
        for seq, operation in enumerate(proposal.operations, 1)
    )


def operation_row(
    plan: ReconPlan, part: int, seq: int, operation: Operation
) -> ReconOperation:
    """A planned operation; its reference is unique at the PSA and never changes."""
    tail = plan.id.removeprefix("pln_")
    return ReconOperation(
        plan_id=plan.id,
        part=part,
        seq=seq,
        tenant_id=plan.tenant_id,
        psa_connection_id=plan.psa_connection_id,
        reference=f"ep-{tail}-{part}-{seq}",
        do=operation.do,
        agreement_id=operation.agreement,
        line_id=operation.line,
        body=operation_texts(operation),
        state="planned",
    )


def approve_plan(
    session: Session,
    actor: Actor,
    plan: ReconPlan,
    digest: str,
    parts: Sequence[int] | None,
    reason: str,
    now: datetime,
) -> None:
    """Approve a plan, wholly or some of its parts.

    Raises:
        Conflict: It isn't a draft, or it is another plan than the person saw.
        Rejected: No such part.
    """
    if plan.state != "draft":
        raise Conflict(
            "plan_not_draft",
            f"This plan is {plan.state}; only a draft can be approved.",
            remedy="Make a new plan.",
        )
    if digest != plan.digest:
        raise Conflict(
            "plan_changed",
            "This is not the plan you looked at.",
            field="digest",
            remedy="Look at the plan again and approve what you see.",
        )
    rows = parts_of(session, plan)
    wanted = {row.seq for row in rows} if parts is None else set(parts)
    if not wanted or wanted - {row.seq for row in rows}:
        raise Rejected(
            "no_such_part",
            "Choose at least one part of the plan, and only parts it has.",
            field="parts",
        )
    for row in rows:
        row.state = "approved" if row.seq in wanted else "skipped"
        _move_issues(session, row, State.APPROVED if row.seq in wanted else State.OPEN)
    for operation in operations_of(session, plan):
        if operation.part not in wanted:
            operation.state = "skipped"
    plan.state, plan.version = "approved", plan.version + 1
    plan.approved_by, plan.approved_at = actor.name, now
    plan.approval_reason = reason
    audit(
        session,
        actor,
        action="reconciliation.approve",
        subject=("recon_plan", plan.id),
        why=reason,
        after={"digest": digest, "parts": sorted(wanted)},
    )


def discard_plan(session: Session, actor: Actor, plan: ReconPlan, reason: str) -> None:
    """Give a plan up that hasn't begun.

    Raises:
        Conflict: It has begun or ended.
    """
    if plan.state not in ("draft", "approved"):
        raise Conflict(
            "plan_begun", f"This plan is {plan.state} and can't be discarded."
        )
    for row in parts_of(session, plan):
        row.state = "skipped"
        _move_issues(session, row, State.OPEN)
    plan.state, plan.version = "discarded", plan.version + 1
    audit(
        session,
        actor,
        action="reconciliation.discard",
        subject=("recon_plan", plan.id),
        why=reason,
    )


def automatic_issues(session: Session, run: RunInfo) -> list[ReconIssue]:
    """Open issues of a run that a policy may answer without a person."""
    rows = session.scalars(
        select(ReconIssue)
        .where(
            ReconIssue.tenant_id == run.tenant_id,
            ReconIssue.psa_connection_id == run.psa_connection_id,
            ReconIssue.is_open.is_(True),
            ReconIssue.state == State.OPEN,
            ReconIssue.last_run == run.run_id,
        )
        .order_by(ReconIssue.id)
    )
    return [row for row in rows if row.proposal.get("automatic")]


def automatic_parts(session: Session, plan: ReconPlan) -> list[int]:
    """Parts of a draft that are still automatic, computed afresh."""
    return [
        part.seq for part in parts_of(session, plan) if part.proposal.get("automatic")
    ]


def _move_issues(session: Session, part: ReconPlanPart, state: State) -> None:
    rows = session.scalars(
        select(ReconIssue).where(
            ReconIssue.tenant_id == part.tenant_id,
            ReconIssue.id.in_(part.issues),
            ReconIssue.is_open.is_(True),
        )
    )
    for row in rows:
        row.state, row.version = state, row.version + 1


def move_issues(session: Session, part: ReconPlanPart, state: State) -> None:
    """Put a part's open issues into a state."""
    _move_issues(session, part, state)


def parts_of(session: Session, plan: ReconPlan) -> list[ReconPlanPart]:
    """The plan's parts in order."""
    return list(
        session.scalars(
            select(ReconPlanPart)
            .where(
                ReconPlanPart.tenant_id == plan.tenant_id,
                ReconPlanPart.plan_id == plan.id,
            )
            .order_by(ReconPlanPart.seq)
        )
    )


def operations_of(session: Session, plan: ReconPlan) -> list[ReconOperation]:
    """The plan's operations in order."""
    return list(
        session.scalars(
            select(ReconOperation)
            .where(
                ReconOperation.tenant_id == plan.tenant_id,
                ReconOperation.plan_id == plan.id,
            )
            .order_by(ReconOperation.part, ReconOperation.seq)
        )
    )


def existing_plan(session: Session, tenant_id: str, plan_id: str) -> ReconPlan:
    """A plan's row.

    Raises:
        NotFound: There is none of that id.
    """
    row = session.scalars(
        select(ReconPlan).where(
            ReconPlan.tenant_id == tenant_id, ReconPlan.id == plan_id
        )
    ).first()
    if row is None:
        raise NotFound("no_such_plan", "There is no such plan.")
    return row


def stored_proposal(part: ReconPlanPart) -> Proposal:
    """The proposal a part was made from."""
    return proposal_from_plain(part.proposal)
