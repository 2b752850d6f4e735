"""Plan, approve, apply, verify: on both databases, with every kind of bad luck."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.reconciliation.codec import unpack_inputs
from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.rules.engine import reconcile
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.tables import LineLinkRow, ReconPlanPart
from entrepot.sdk.errors import Conflict, Rejected
from entrepot.sdk.model import BillingMode, SubscriptionStatus, Term
from entrepot.store import TenantScope

from .conftest import Killed  # type: ignore[import-not-found]


@pytest.fixture
def short(contoso):
    """Two seats more at the vendor than in the PSA, found and open."""
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    contoso.reconcile()
    return contoso


@pytest.fixture
def missing(books):
    """A subscription without any line in the PSA."""
    books.vendor.sell("contoso", "s1", 10)
    books.psa.companies.append("contoso")
    books.sync()
    books.map_all()
    books.reconcile()
    return books


@pytest.fixture
def converted(books):
    """A subscription that was bought anew for a month: another PSA product."""
    books.vendor.sell("contoso", "s1", 10)
    books.psa.line("l1", "contoso", 10)
    books.sync()
    books.map_all()
    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        books.map_product(session, "SEAT", "5503", term="P1M")
    books.reconcile()
    books.vendor.set(
        "s1",
        term=Term("P1M"),
        unit_cost=Decimal("26.40"),
        changed_at=datetime(2026, 6, 18, tzinfo=UTC),
    )
    books.sync()
    books.reconcile()
    return books


def test_plan_approve_apply_verify(short):
    wanted = IssueQuery(psa_connection_id=short.psa_id)
    for by in ("customer", "kind", "product"):
        (group,) = short.hub.reconciliation.groups(short.actor, wanted, by)
        assert (group.issues, group.under, group.over) == (1, Decimal("52.80"), 0)
        assert group.currency == "USD"
    plan = short.plan()
    (part,) = plan.parts
    assert [one.do for one in part.operations] == ["adopt", "set_quantity"]
    assert plan.state == "draft"
    assert part.preview == {
        "before": "264.00",
        "after": "316.80",
        "difference": "52.80",
        "currency": "USD",
        "invoice_from": "2026-07-01",
    }
    adopt, write = part.operations
    assert adopt.calls == ()
    assert write.calls, "the plan doesn't tell what would be sent"
    assert [one.state for one in short.issues()] == ["proposed"]
    approved = short.approve(plan, reason="checked")
    assert (approved.state, approved.approved_by) == ("approved", "tests")
    done = short.apply(plan)
    assert (done.state, done.parts[0].state) == ("done", "done")
    assert short.psa.lines["l1"].quantity == 12
    assert short.issues() == []
    (closed,) = short.issues(open=False)
    assert closed.state == "resolved"
    write = done.parts[0].operations[1]
    assert (write.before["quantity"], write.after["quantity"]) == ("10", "12")
    assert write.request_id == "r1"


def test_applied_and_run_again_changes_nothing(short):
    """R84, I2, I3."""
    short.correct()
    assert short.reconcile().outcome == "clean"
    assert len(short.psa.writes) == 1
    with pytest.raises(Conflict, match="done"):
        short.apply(short.hub.reconciliation.plans(short.actor).items[0])


def test_our_own_write_is_no_external_edit(short):
    short.correct()
    short.vendor.set("s1", quantity=Decimal(13))
    short.sync()
    short.reconcile()
    (issue,) = short.issues()
    assert "EXTERNAL_EDIT" not in {one["note"] for one in issue.annotations}
    short.psa.edit("l1", quantity=Decimal(11), changed_by="jdoe")
    short.psa.edit("l1", changed_at=short.hub.clock.now())
    short.sync()
    short.reconcile()
    (issue,) = short.issues()
    assert {"note": "EXTERNAL_EDIT", "detail": "jdoe"} in issue.annotations


def test_an_approval_needs_the_plan_one_looked_at(short):
    plan = short.plan()
    service = short.hub.reconciliation
    with pytest.raises(Conflict, match="not the plan you looked at"):
        service.approve(short.actor, plan.id, "other")
    with pytest.raises(Conflict, match="draft"):
        service.apply(short.actor, plan.id)
    with pytest.raises(Rejected, match="parts"):
        service.approve(short.actor, plan.id, plan.digest, parts=[7])
    discarded = service.discard(short.actor, plan.id, "changed my mind")
    assert discarded.state == "discarded"
    assert [one.state for one in short.issues()] == ["open"]
    with pytest.raises(Conflict):
        short.approve(plan)


def test_a_stale_plan_writes_nothing(short):
    """R81: a member changes the line between approval and apply."""
    plan = short.plan()
    short.approve(plan)
    short.psa.edit("l1", quantity=Decimal(11), changed_by="jdoe")
    done = short.apply(plan)
    assert done.state == "stale"
    assert "quantity was 10, is 11" in done.message
    assert short.psa.writes == []
    (issue,) = short.issues()
    assert (issue.state, issue.delta) == ("open", 1)
    assert issue.impact_recurring == Decimal("26.40")
    again = short.correct()
    assert again.state == "done"
    assert short.psa.lines["l1"].quantity == 12


def test_a_plan_is_stale_when_the_vendor_changed(short):
    plan = short.plan()
    short.approve(plan)
    short.vendor.set("s1", quantity=Decimal(15))
    short.sync()
    assert short.apply(plan).state == "stale"
    assert short.psa.writes == []


def test_a_plan_is_stale_when_the_period_was_invoiced(short):
    plan = short.plan()
    short.approve(plan)
    short.psa.locked = date(2026, 7, 31)
    done = short.apply(plan)
    assert done.state == "stale"
    assert "locked_through" in done.message


def test_only_the_approved_part_is_written(books):
    for name in ("contoso", "fabrikam"):
        books.vendor.sell(name, f"s-{name}", 12)
        books.psa.line(f"l-{name}", name, 10)
    books.sync()
    books.map_all()
    books.reconcile()
    plan = books.plan()
    chosen = next(p.seq for p in plan.parts if p.company_id == "fabrikam")
    books.approve(plan, parts=[chosen])
    done = books.apply(plan)
    assert done.state == "done"
    assert books.psa.lines["l-fabrikam"].quantity == 12
    assert books.psa.lines["l-contoso"].quantity == 10
    assert [one.company_id for one in books.issues()] == ["contoso"]


def test_a_line_is_created_once_and_linked(missing):
    (issue,) = missing.issues()
    assert (issue.kind, issue.impact_recurring) == ("MISSING_IN_PSA", Decimal("264.00"))
    done = missing.correct()
    assert done.state == "done"
    (shown,) = done.preview
    assert (shown["before"], shown["after"]) == ("0.00", "264.00")
    (line,) = missing.psa.lines.values()
    assert (line.quantity, line.unit_price) == (10, Decimal("26.40"))
    assert line.effective == date(2026, 7, 1)
    assert missing.reconcile().outcome == "clean"
    with missing.hub.store.read(TenantScope(missing.actor.tenant_id)) as session:
        (link,) = session.query(LineLinkRow).all()
        assert (link.line_id, link.origin, link.state) == (
            line.vendor_id,
            "created",
            "active",
        )


def test_a_lost_answer_is_found_again_and_adopted(missing):
    """R82: the PSA took the line, its answer never came."""
    missing.psa.lose_answers = 1
    begun = missing.hub.clock.now()
    done = missing.correct()
    assert done.state == "done"
    assert len(missing.psa.lines) == 1
    assert len(missing.psa.writes) == 1
    (asked,) = {query.not_before for query in missing.psa.asked}
    assert begun <= asked <= missing.hub.clock.now()


def test_an_end_without_its_successor_is_resumed(converted):
    """R83: the end was written, creating failed; the next run resumes the plan."""
    assert converted.kinds() == ["TERM_MISMATCH"]
    plan = converted.plan()
    dos = [one.do for one in plan.parts[0].operations]
    assert dos == ["set_end", "create"]
    converted.approve(plan)
    with pytest.raises(Killed):
        converted.apply(plan, kill_at="record:before")
    converted.psa.fail_writes = 10
    stuck = converted.apply(plan)
    assert (stuck.state, stuck.parts[0].state) == ("unknown", "unknown")
    assert converted.psa.lines["l1"].ends == date(2026, 6, 30)
    kinds = {(one.kind, one.reason) for one in converted.issues()}
    assert ("MISSING_IN_PSA", "unfinished_plan") in kinds
    assert "CANCELLED_IN_PSA" not in {kind for kind, _ in kinds}
    converted.psa.fail_writes = 0
    done = converted.apply(plan)
    assert done.state == "done"
    successors = [x for x in converted.psa.lines.values() if x.product_id == "5503"]
    assert len(successors) == 1
    assert converted.reconcile().outcome == "clean"


@pytest.mark.parametrize(
    "point",
    [
        "open_plan:after",
        "check:after",
        "effect:before_intent",
        "effect:after_intent",
        "effect:before_send",
        "effect:after_send",
        "effect:after_outcome",
        "record:before",
        "record:after",
        "end_part:before",
        "verify:before",
        "close_plan:before",
    ],
)
def test_killed_anywhere_the_line_is_written_once(missing, point):
    plan = missing.plan()
    missing.approve(plan)
    with pytest.raises(Killed):
        missing.apply(plan, kill_at=point)
    done = missing.apply(plan)
    assert done.state == "done"
    assert len(missing.psa.lines) == 1
    assert missing.reconcile().outcome == "clean"


def test_a_refusal_is_shown_and_the_difference_stays(short):
    short.psa.refuse = "The period is closed."
    done = short.correct()
    assert done.state == "failed"
    assert "The period is closed." in done.message
    (issue,) = short.issues()
    assert issue.state in ("failed", "open")
    assert short.psa.lines["l1"].quantity == 10


def test_nothing_of_an_arrears_line_is_written(books):
    books.vendor.sell("contoso", "s1", 12)
    books.psa.line("l1", "contoso", 10)
    books.psa.modes["contoso"] = BillingMode.ARREARS
    books.psa.locked = date(2026, 5, 31)
    books.sync()
    books.map_all()
    books.reconcile()
    (issue,) = books.issues()
    assert issue.kind == "QUANTITY_UNDERBILLED"
    (why,) = issue.proposal["not_pushed"]
    assert why["code"] == "arrears"
    plan = books.plan()
    assert [op.do for part in plan.parts for op in part.operations] == ["adopt"]
    books.approve(plan)
    done = books.apply(plan)
    assert (done.state, done.message) == ("done", "")
    assert books.psa.writes == []
    assert [(one.kind, one.state) for one in books.issues()] == [
        ("QUANTITY_UNDERBILLED", "open")
    ]


def test_what_cannot_be_written_says_why(contoso):
    contoso.psa.edit("l1", unit_price=Decimal("20.00"))
    contoso.sync()
    contoso.reconcile()
    done = contoso.correct()
    assert [op.do for p in done.parts for op in p.operations] == ["adopt"]
    assert (done.state, done.issues) == ("done", ())
    assert [one.state for one in contoso.issues()] == ["open"]
    with pytest.raises(Rejected, match="Price changes aren't written yet"):
        contoso.plan()


def test_an_orphan_waits_for_a_choice(contoso):
    with contoso.hub.store.unit(TenantScope(contoso.actor.tenant_id)) as session:
        contoso.map_product(session, "OTHER", "5502")
    contoso.psa.line("l2", "contoso", 3, product_id="5502")
    contoso.sync()
    contoso.reconcile()
    with pytest.raises(Rejected, match="has to choose"):
        contoso.plan("ORPHAN_IN_PSA")
    with pytest.raises(Rejected, match="no alternative"):
        contoso.plan("ORPHAN_IN_PSA", choices={"ORPHAN_IN_PSA": "burn"})
    done = contoso.correct("ORPHAN_IN_PSA", choices={"ORPHAN_IN_PSA": "end"})
    assert (done.state, len(done.issues)) == ("done", 1)
    (shown,) = done.preview
    assert (shown["before"], shown["after"]) == ("79.20", "0.00")
    assert contoso.psa.lines["l2"].ends == date(2026, 6, 30)


def test_an_end_is_written_at_the_period_end(contoso):
    contoso.reconcile()
    contoso.vendor.set(
        "s1",
        status=SubscriptionStatus.ENDED,
        billed=False,
        ended_at=datetime(2026, 6, 16, tzinfo=UTC),
    )
    contoso.sync()
    contoso.reconcile()
    done = contoso.correct("CANCEL_DATE_MISMATCH")
    assert done.state == "done"
    assert contoso.psa.lines["l1"].ends == date(2026, 6, 30)
    assert contoso.reconcile().outcome == "clean"


def test_remapped_and_back_never_makes_a_second_line(short):
    """R88: the link survives; the line is taken up again, not created again."""
    short.correct()
    with short.hub.store.unit(TenantScope(short.actor.tenant_id)) as session:
        (link,) = session.query(LineLinkRow).all()
        link.state = "detached"
    short.reconcile()
    assert short.kinds() == []
    assert len(short.psa.lines) == 1


def test_a_link_follows_the_mapping_and_back(books):
    """R88 by the mapping itself: 250 to 251 and back, one line all the time."""
    books.vendor.sell("contoso", "s1", 10)
    books.psa.line("l1", "contoso", 10)
    books.psa.companies.append("other")
    books.sync()
    books.map_all()
    books.reconcile()

    def map_to(company: str) -> None:
        with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
            session.query(CustomerMap).one().psa_company_id = company

    map_to("other")
    books.reconcile()
    found = {(one.kind, one.company_id) for one in books.issues()}
    assert ("MISSING_IN_PSA", "other") in found
    map_to("contoso")
    assert books.reconcile().outcome == "clean"
    assert books.kinds() == []
    assert len(books.psa.lines) == 1


def test_policy_approves_and_applies_by_itself(short):
    short.hub.reconciliation.rules.set(
        short.actor,
        RuleWish(
            psa_connection_id=short.psa_id,
            kind="auto",
            body={"increases": True, "brake_percent": "100"},
        ),
    )
    short.vendor.set("s1", changed_at=datetime(2026, 6, 19, tzinfo=UTC))
    short.sync()
    short.hub.clock.advance(timedelta(hours=2))
    short.reconcile()
    (plan,) = short.hub.reconciliation.plans(short.actor).items
    assert (plan.state, plan.approved_by) == ("approved", "approval policy")
    assert short.apply(plan).state == "done"
    assert short.psa.lines["l1"].quantity == 12


def test_a_plan_can_be_explained_later(short):
    plan = short.plan()
    with short.hub.store.read(TenantScope(short.actor.tenant_id)) as session:
        part = (
            session.query(ReconPlanPart).where(ReconPlanPart.plan_id == plan.id).one()
        )
        inputs = unpack_inputs(part.inputs)
    kinds = [issue.kind for issue in reconcile(inputs).issues]
    assert kinds == ["QUANTITY_UNDERBILLED"]


def test_policy_is_off_by_default_and_has_limits(short):
    (issue,) = short.issues()
    assert issue.proposal["automatic"] is False
    short.hub.reconciliation.rules.set(
        short.actor,
        RuleWish(
            psa_connection_id=short.psa_id,
            kind="auto",
            body={"increases": True, "max_percent": "25"},
        ),
    )
    short.hub.clock.advance(timedelta(hours=2))
    short.reconcile()
    (issue,) = short.issues()
    assert issue.proposal["why_person"] == "the key carries DATE_ESTIMATED"
    short.vendor.set("s1", changed_at=datetime(2026, 6, 19, tzinfo=UTC))
    short.sync()
    short.hub.clock.advance(timedelta(hours=2))
    short.reconcile()
    (issue,) = short.issues()
    assert issue.proposal["automatic"] is True
    short.vendor.set("s1", quantity=Decimal(20))
    short.sync()
    short.hub.clock.advance(timedelta(hours=2))
    short.reconcile()
    (issue,) = short.issues()
    assert issue.proposal["automatic"] is False


def test_a_mass_change_waits_for_a_person(books):
    """R86."""
    for number in range(4):
        books.vendor.sell(f"c{number}", f"s{number}", 11)
        books.psa.line(f"l{number}", f"c{number}", 10)
    books.sync()
    books.map_all()
    books.hub.reconciliation.rules.set(
        books.actor,
        RuleWish(
            psa_connection_id=books.psa_id,
            kind="auto",
            body={"increases": True, "max_percent": "25"},
        ),
    )
    books.hub.clock.advance(timedelta(hours=2))
    run = books.reconcile()
    assert "mass change" in run.brake


def test_a_ticket_is_written_once_per_difference(short):
    (issue,) = short.issues()
    from entrepot.hub.reconciliation import jobs as recon_jobs

    from .conftest import Inline

    wanted = Decide(resolution="create_ticket")
    short.hub.reconciliation.decide(short.actor, issue.id, wanted)
    for number in range(2):
        ctx = Inline(short.hub, f"t{number}", short.actor.tenant_id)
        done = recon_jobs.write_ticket(ctx, issue.id)
        assert done["state"] == "done"
    (text,) = short.psa.tickets.values()
    assert "52.80 USD" in text
    (shown,) = short.issues()
    assert shown.ticket_id.startswith("T-")


def test_every_step_leaves_an_audit_entry(short):
    short.correct()
    found = {entry.action for entry in short.hub.audit.list(short.actor).entries}
    assert found >= {
        "reconciliation.run",
        "reconciliation.plan",
        "reconciliation.approve",
        "psa_line.set_quantity",
        "reconciliation.apply",
    }
