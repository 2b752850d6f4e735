"""Whole runs over the books, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.jobs import reconcile_books
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.tables import LineLinkRow
from entrepot.jobs.tables import JobReread, JobRun
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.sdk.model import SubscriptionStatus
from entrepot.store import Actor, PermissionDenied, TenantScope


def test_equal_books_are_clean_and_the_line_is_adopted_first(contoso):
    run = contoso.reconcile()
    assert (run.state, run.outcome) == ("ok", "clean")
    assert run.counts["subscriptions"] == 1
    assert contoso.kinds() == []


def test_nothing_examined_is_not_clean(books):
    books.psa.line("l1", "contoso", 10)
    books.sync()
    run = books.reconcile()
    assert run.outcome == "not_examined"


def test_never_read_is_incomplete_not_clean(books):
    books.vendor.sell("contoso", "s1", 12)
    books.psa.line("l1", "contoso", 10)
    books.sync()
    books.map_all()
    from entrepot.hub.sync.tables import SyncScope
    from sqlalchemy import delete

    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        session.execute(
            delete(SyncScope).where(
                SyncScope.tenant_id == books.actor.tenant_id,
                SyncScope.connection_id == books.psa_id,
            )
        )
    run = books.reconcile()
    assert run.outcome == "incomplete"
    assert books.kinds() == ["DATA_INCOMPLETE"]


def test_a_difference_is_found_in_money(contoso):
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    run = contoso.reconcile()
    (issue,) = contoso.issues()
    assert issue.kind == "QUANTITY_UNDERBILLED"
    assert issue.delta == 2
    assert issue.impact_recurring == Decimal("52.80")
    assert (issue.company_name, issue.product_name) == ("CONTOSO", "Product 5501")
    assert run.outcome == "differences"
    (total,) = contoso.hub.reconciliation.totals(contoso.actor, IssueQuery())
    assert (total.under, total.over) == (Decimal("52.80"), 0)


def test_under_and_over_are_never_netted(books):
    books.vendor.sell("contoso", "s1", 12)
    books.vendor.sell("fabrikam", "s2", 8)
    books.psa.line("l1", "contoso", 10)
    books.psa.line("l2", "fabrikam", 10)
    books.sync()
    books.map_all()
    books.reconcile()
    (total,) = books.hub.reconciliation.totals(books.actor, IssueQuery())
    assert (total.under, total.over) == (Decimal("52.80"), Decimal("52.80"))


def test_a_healed_difference_closes_and_comes_back_as_a_new_occurrence(contoso):
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    first = contoso.reconcile()
    (opened,) = contoso.issues()
    contoso.psa.edit("l1", quantity=Decimal(12))
    contoso.sync()
    contoso.hub.clock.advance(timedelta(hours=1))
    second = contoso.reconcile()
    assert contoso.issues() == []
    (closed,) = contoso.issues(open=False)
    assert (closed.id, closed.state) == (opened.id, "self_healed")
    compared = contoso.hub.reconciliation.compare_runs(
        contoso.actor, first.id, second.id
    )
    assert (compared.opened, compared.closed) == ((), (opened.id,))
    contoso.psa.edit("l1", quantity=Decimal(10))
    contoso.sync()
    contoso.hub.clock.advance(timedelta(hours=1))
    contoso.reconcile()
    (again,) = contoso.issues()
    assert (again.occurrence, again.previous_id) == (2, opened.id)
    history = contoso.hub.reconciliation.issue_history(contoso.actor, opened.id)
    assert [one["change"] for one in history] == ["gone", "new"]


def test_an_unchanged_difference_writes_no_second_fact(contoso):
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    contoso.reconcile()
    (first,) = contoso.issues()
    contoso.hub.clock.advance(timedelta(hours=1))
    run = contoso.reconcile()
    (second,) = contoso.issues()
    assert second.id == first.id
    assert second.last_seen > first.last_seen
    assert len(contoso.hub.reconciliation.issue_history(contoso.actor, first.id)) == 1
    assert run.counts.get("new", 0) == 0


def test_undecided_customers_and_products_are_one_issue_each(books):
    for number in range(3):
        books.vendor.sell(f"c{number}", f"s{number}", 4)
        books.vendor.sell(f"c{number}", f"o{number}", 1, sku="OTHER")
        books.psa.line(f"l{number}", f"c{number}", 4)
    books.vendor.sell("nobody", "n1", 4)
    books.vendor.sell("nobody", "n2", 1)
    books.sync()
    books.map_all()
    books.reconcile()
    by_kind = {issue.kind: issue for issue in books.issues()}
    assert sorted(by_kind) == ["CUSTOMER_UNMAPPED", "PRODUCT_UNMAPPED"]
    assert by_kind["PRODUCT_UNMAPPED"].count == 3
    assert by_kind["CUSTOMER_UNMAPPED"].vendor_customer_id == "nobody"
    assert by_kind["CUSTOMER_UNMAPPED"].impact_recurring == Decimal("132.00")
    with books.hub.store.unit(TenantScope(books.actor.tenant_id)) as session:
        books.map_product(session, "OTHER", "", kind="ignore")
    books.reconcile()
    assert books.kinds() == ["CUSTOMER_UNMAPPED"]


def test_one_company_alone_leaves_the_rest_untouched(books):
    books.vendor.sell("contoso", "s1", 12)
    books.vendor.sell("fabrikam", "s2", 12)
    books.psa.line("l1", "contoso", 10)
    books.psa.line("l2", "fabrikam", 10)
    books.sync()
    books.map_all()
    run = books.reconcile("company:contoso")
    assert [issue.company_id for issue in books.issues()] == ["contoso"]
    assert run.counts["subscriptions"] == 1
    books.reconcile()
    assert len(books.issues()) == 2
    books.psa.edit("l1", quantity=Decimal(12))
    books.psa.edit("l2", quantity=Decimal(12))
    books.sync()
    books.reconcile("company:contoso")
    assert [issue.company_id for issue in books.issues()] == ["fabrikam"]


def test_incomplete_data_freezes_one_company_only(books):
    """R87: one company's lines can't be read; the other is processed."""
    books.vendor.sell("contoso", "s1", 12)
    books.vendor.sell("fabrikam", "s2", 12)
    books.psa.line("l1", "contoso", 10)
    books.psa.line("l2", "fabrikam", 10)
    books.sync()
    books.map_all()
    books.reconcile()
    books.psa.forbidden.add("a-contoso")
    books.psa.edit("l1", quantity=Decimal(12))
    books.psa.edit("l2", quantity=Decimal(12))
    books.sync()
    run = books.reconcile()
    assert run.outcome == "incomplete"
    found = {(issue.company_id, issue.kind) for issue in books.issues()}
    assert found == {
        ("contoso", "QUANTITY_UNDERBILLED"),
        ("contoso", "DATA_INCOMPLETE"),
    }


def test_a_company_that_fails_does_not_stop_the_others(books, monkeypatch):
    from entrepot.hub.reconciliation import run_steps

    books.vendor.sell("contoso", "s1", 12)
    books.vendor.sell("fabrikam", "s2", 12)
    books.psa.line("l1", "contoso", 10)
    books.psa.line("l2", "fabrikam", 10)
    books.sync()
    books.map_all()
    real = run_steps.load_inputs

    def broken(session, base, chunk, **more):
        if "contoso" in chunk.companies:
            raise RuntimeError("row of contoso is broken")
        return real(session, base, chunk, **more)

    monkeypatch.setattr(run_steps, "load_inputs", broken)
    run = books.reconcile()
    assert run.state == "partial"
    assert list(run.failures) == ["contoso"]
    assert [issue.company_id for issue in books.issues()] == ["fabrikam"]


def test_the_vendors_last_value_counts_whatever_happened_between(contoso):
    """D3: whatever the platforms did in between, the last vendor value counts."""
    for quantity in (10, 6):
        contoso.vendor.set("s1", quantity=Decimal(quantity))
        contoso.sync()
        contoso.hub.clock.advance(timedelta(hours=9))
    contoso.psa.edit("l1", quantity=Decimal(9))
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    assert (issue.kind, issue.delta) == ("QUANTITY_OVERBILLED", -3)


def test_an_ended_subscription_asks_for_an_end_date(contoso):
    contoso.vendor.set(
        "s1",
        status=SubscriptionStatus.ENDED,
        billed=False,
        ended_at=datetime(2026, 6, 16, tzinfo=UTC),
    )
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    assert issue.kind == "CANCEL_DATE_MISMATCH"
    assert issue.expected["ends"] == "2026-06-30"
    assert issue.impact_recurring == Decimal("-264.00")


def test_ignored_until_changed_then_back(contoso):
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    service = contoso.hub.reconciliation
    with pytest.raises(Rejected, match="needs a reason"):
        service.decide(contoso.actor, issue.id, Decide(resolution="ignore"))
    with pytest.raises(Conflict, match="changed since"):
        service.decide(
            contoso.actor,
            issue.id,
            Decide(resolution="ignore", reason="known", value_hash="other"),
        )
    wanted = Decide(resolution="ignore", scope="until_changed", reason="known")
    assert service.decide(contoso.actor, issue.id, wanted).state == "ignored"
    contoso.reconcile()
    (total,) = service.totals(contoso.actor, IssueQuery())
    assert (total.under, total.issues, total.silent) == (0, 0, 1)
    contoso.vendor.set("s1", quantity=Decimal(13))
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    assert (issue.state, issue.occurrence, issue.delta) == ("open", 2, 3)
    (decision,) = service.decisions(contoso.actor, issue.id)
    assert (decision.resolution, decision.reason) == ("ignore", "known")


def test_ignored_once_ends_with_the_billing_period(contoso):
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    wanted = Decide(resolution="ignore", scope="once", reason="next month")
    shown = contoso.hub.reconciliation.decide(contoso.actor, issue.id, wanted)
    assert shown.silent_until == date(2026, 6, 30)
    contoso.hub.clock.set(datetime(2026, 7, 2, tzinfo=UTC))
    contoso.psa.locked = date(2026, 7, 31)
    contoso.sync()
    contoso.reconcile()
    assert [one.state for one in contoso.issues()] == ["open"]


def test_a_snooze_ends_by_itself(contoso):
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    with pytest.raises(Rejected, match="day in the future"):
        contoso.hub.reconciliation.decide(
            contoso.actor, issue.id, Decide(resolution="snooze")
        )
    wanted = Decide(resolution="snooze", until=date(2026, 6, 22))
    contoso.hub.reconciliation.decide(contoso.actor, issue.id, wanted)
    contoso.reconcile()
    assert [one.state for one in contoso.issues()] == ["snoozed"]
    contoso.hub.clock.advance(timedelta(days=3))
    contoso.reconcile()
    assert [one.state for one in contoso.issues()] == ["open"]


def test_accepting_the_psas_value_makes_it_expected(contoso):
    contoso.psa.edit("l1", unit_price=Decimal("25.00"))
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    assert issue.kind == "PRICE_MISMATCH"
    wanted = Decide(resolution="accept_psa", reason="agreed", until=date(2026, 12, 31))
    contoso.hub.reconciliation.decide(contoso.actor, issue.id, wanted)
    contoso.reconcile()
    assert contoso.kinds() == []
    contoso.hub.clock.set(datetime(2027, 1, 2, tzinfo=UTC))
    contoso.reconcile()
    assert "PRICE_MISMATCH" in contoso.kinds()


def test_an_unmanaged_line_is_never_reported_again(contoso):
    with contoso.hub.store.unit(TenantScope(contoso.actor.tenant_id)) as session:
        contoso.map_product(session, "OTHER", "5502")
    contoso.psa.line("l2", "contoso", 3, product_id="5502")
    contoso.sync()
    contoso.reconcile()
    (issue,) = contoso.issues()
    assert issue.kind == "ORPHAN_IN_PSA"
    wanted = Decide(resolution="mark_unmanaged", reason="sold by hand")
    contoso.hub.reconciliation.decide(contoso.actor, issue.id, wanted)
    contoso.reconcile()
    assert contoso.kinds() == []


def test_rules_are_proved_before_they_are_stored(contoso):
    rules = contoso.hub.reconciliation.rules
    with pytest.raises(Rejected, match="unknown key margn"):
        rules.set(
            contoso.actor,
            RuleWish(
                psa_connection_id=contoso.psa_id, kind="price", body={"margn": "5"}
            ),
        )
    with pytest.raises(Rejected, match="no kind of rule"):
        rules.set(contoso.actor, RuleWish(psa_connection_id=contoso.psa_id, kind="x"))
    with pytest.raises(Rejected, match="is no PSA"):
        rules.set(
            contoso.actor, RuleWish(psa_connection_id=contoso.vendor_id, kind="price")
        )
    (shown,) = rules.list(contoso.actor, contoso.psa_id)
    wish = RuleWish(psa_connection_id=contoso.psa_id, kind="price", body=shown.body)
    new = rules.change(contoso.actor, shown.id, wish, version=shown.version)
    assert (new.id, new.version) == (shown.id, shown.version + 1)
    with pytest.raises(Conflict, match="Somebody else changed or removed"):
        rules.change(contoso.actor, shown.id, wish, version=shown.version)
    rules.remove(contoso.actor, new.id, "prices are not ours")
    with pytest.raises(NotFound):
        rules.remove(contoso.actor, new.id)
    for level in ("1", "2"):
        limits = {"kind": "limits", "body": {"level": level}}
        rules.set(contoso.actor, RuleWish(psa_connection_id=contoso.psa_id, **limits))
    (only,) = rules.list(contoso.actor, contoso.psa_id)
    mapper = replace(contoso.actor, permissions=frozenset({"mappings:write"}))
    with pytest.raises(PermissionDenied):
        rules.remove(mapper, only.id)
    rules.remove(contoso.actor, only.id)
    assert rules.list(contoso.actor, contoso.psa_id) == ()
    contoso.psa.edit("l1", unit_price=Decimal("25.00"))
    contoso.sync()
    contoso.reconcile()
    assert contoso.kinds() == []


def test_an_agreed_minimum_holds(contoso):
    contoso.vendor.set("s1", quantity=Decimal(7))
    contoso.hub.reconciliation.rules.set(
        contoso.actor,
        RuleWish(
            psa_connection_id=contoso.psa_id,
            kind="minimum",
            company_id="contoso",
            product_id="5501",
            body={"quantity": "10"},
        ),
    )
    contoso.sync()
    assert contoso.reconcile().outcome == "clean"
    contoso.psa.edit("l1", quantity=Decimal(8))
    contoso.sync()
    contoso.reconcile()
    assert contoso.kinds() == ["BELOW_MINIMUM"]


def test_a_second_trigger_joins_the_running_comparison(contoso):
    service = contoso.hub.reconciliation
    first = service.start(contoso.actor, contoso.psa_id)
    second = service.start(contoso.actor, contoso.psa_id)
    other = service.start(contoso.actor, contoso.psa_id, "company:contoso")
    assert second.joined
    assert second.run_id == first.run_id
    assert not other.joined
    assert len(service.runs(contoso.actor).items) == 2


def test_a_run_that_follows_another_has_its_own_row(contoso):
    from .conftest import Inline

    ctx = Inline(contoso.hub, "recon:all:follow", contoso.actor.tenant_id)
    reconcile_books(ctx, contoso.psa_id, "company:contoso")
    run = contoso.hub.reconciliation.run(contoso.actor, "recon:all:follow")
    assert (run.scope, run.cause, run.outcome) == (
        "company:contoso",
        "follow_up",
        "clean",
    )


def test_a_line_that_fits_is_taken_up_without_asking(contoso):
    run = contoso.reconcile()
    assert run.counts["adopted"] == 1
    with contoso.hub.store.read(TenantScope(contoso.actor.tenant_id)) as session:
        (link,) = session.query(LineLinkRow).all()
    assert (link.line_id, link.origin, len(link.subscriptions)) == ("l1", "adopted", 1)
    assert "adopted" not in contoso.reconcile().counts
    contoso.psa.edit("l1", ends=date(2026, 6, 30))
    contoso.sync()
    contoso.reconcile()
    assert contoso.kinds() == ["CANCELLED_IN_PSA"]


def test_scopes_and_connections_are_checked(contoso):
    service = contoso.hub.reconciliation
    with pytest.raises(Rejected, match="no scope"):
        service.start(contoso.actor, contoso.psa_id, "everything")
    with pytest.raises(Rejected, match="no PSA"):
        service.start(contoso.actor, contoso.vendor_id)
    with pytest.raises(NotFound):
        service.run(contoso.actor, "recon:all:none")
    with pytest.raises(NotFound):
        service.issue(contoso.actor, "iss_none")


def test_another_reseller_sees_nothing(contoso, other_tenant):
    contoso.vendor.set("s1", quantity=Decimal(12))
    contoso.sync()
    run = contoso.reconcile()
    (issue,) = contoso.issues()
    from entrepot.store import system_actor

    stranger = system_actor("stranger", other_tenant)
    service = contoso.hub.reconciliation
    assert service.issues(stranger, IssueQuery()).items == ()
    assert service.runs(stranger).items == ()
    for call in (
        lambda: service.issue(stranger, issue.id),
        lambda: service.run(stranger, run.id),
        lambda: service.plan(stranger, [issue.id]),
        lambda: service.decide(
            stranger, issue.id, Decide(resolution="ignore", reason="x")
        ),
        lambda: service.start(stranger, contoso.psa_id),
    ):
        with pytest.raises(NotFound):
            call()


def test_every_call_needs_its_permission(contoso):
    nobody = Actor("u", "user", contoso.actor.tenant_id, "Nobody", frozenset())
    reader = Actor(
        "u",
        "user",
        contoso.actor.tenant_id,
        "Reader",
        frozenset({"reconciliations:read", "reconciliations:write"}),
    )
    service = contoso.hub.reconciliation
    for call in (
        lambda: service.start(nobody, contoso.psa_id),
        lambda: service.issues(nobody, IssueQuery()),
        lambda: service.totals(nobody, IssueQuery()),
        lambda: service.plan(nobody, []),
        lambda: service.approve(reader, "p", "d"),
        lambda: service.apply(reader, "p"),
    ):
        with pytest.raises(PermissionDenied):
            call()


def test_only_a_comparison_that_has_begun_is_followed_by_another(contoso):
    """Whoever joins one that still waits changed nothing that it has read."""
    service = contoso.hub.reconciliation
    scope = TenantScope(contoso.actor.tenant_id)
    first = service.start(contoso.actor, contoso.psa_id)
    assert service.start(contoso.actor, contoso.psa_id).joined
    wanted = JobReread.run_id == first.run_id
    with contoso.hub.store.unit(scope) as session:
        assert session.query(JobReread).where(wanted).count() == 0
        run = session.get_one(JobRun, first.run_id)
        run.state = "running"
    assert service.start(contoso.actor, contoso.psa_id).joined
    with contoso.hub.store.read(scope) as session:
        assert session.query(JobReread).where(wanted).count() == 1


def test_differences_without_money_make_no_empty_total(contoso):
    contoso.vendor.sell("stranger", "s9", 3, sku="OTHER", currency="")
    contoso.sync()
    contoso.reconcile()
    totals = contoso.hub.reconciliation.totals(contoso.actor, IssueQuery())
    assert "" not in {one.currency for one in totals}
    assert "CUSTOMER_UNMAPPED" in contoso.kinds()
