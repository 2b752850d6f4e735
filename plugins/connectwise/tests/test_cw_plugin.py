"""The plugin against the running PSA: reading, writing, faults."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Conflict,
    EntrepotError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Retryable,
    Unsupported,
)
from entrepot.sdk.model import (
    AgreementStatus,
    BillCustomer,
    BillingCycle,
    BillingMode,
    LineChangeKind,
    OutcomeState,
    PeriodAnchor,
)
from entrepot_connectwise.plugin import plugin

ADDITIONS = r"/additions$"


def apply(ctx, change):
    return plugin.apply_line_change(ctx, ask.ApplyLineChange(change=change))


def find(ctx, change, **values):
    return plugin.find_line(ctx, ask.FindLine(change=change, **values))


def walk(hook, ctx, query):
    items, pages = [], 0
    while True:
        page = hook(ctx, query)
        items += page.records()
        pages += 1
        if page.next_cursor is None:
            return items, pages, page
        query = replace(query, cursor=page.next_cursor)


# Reading


def test_companies_carry_domains_references_and_state(scene, ctx):
    scene.request(
        "POST",
        "company/companies",
        json={
            "identifier": "Gone",
            "name": "Gone",
            "types": [{"name": "Prospect"}],
            "status": {"name": "Not-Approved"},
            "country": {"name": "Germany"},
        },
    )
    page = plugin.list_companies(ctx, ask.ListCompanies())
    contoso, gone = page.records()
    assert contoso.domains == ("contoso.example",)
    assert contoso.external_ids == (("cloud", "tenant-1"),)
    assert contoso.active
    assert contoso.is_customer
    assert not gone.active
    assert not gone.is_customer
    assert gone.address.country == "DE"
    assert page.complete
    assert page.next_cursor is None


def test_deleted_companies_are_listed_as_deleted(scene, ctx):
    scene.control.act("delete_company", id=scene.company)
    (company,) = plugin.list_companies(ctx, ask.ListCompanies()).records()
    assert company.deleted
    assert not company.active


def test_contacts_come_with_their_default_address(scene, ctx):
    query = ask.ListContacts(owner_id=str(scene.company))
    (person,) = plugin.list_contacts(ctx, query).records()
    assert person.email == "ada@contoso.example"
    assert person.phone == "+1 555 0100"
    assert person.primary


def test_agreements_tell_their_billing(scene, ctx):
    (agreement,) = plugin.list_agreements(ctx, ask.ListAgreements()).records()
    assert agreement.status is AgreementStatus.ACTIVE
    assert agreement.billing_cycle is BillingCycle.MONTHLY
    assert agreement.billing_mode is BillingMode.ADVANCE
    assert agreement.period_anchor is PeriodAnchor.CALENDAR
    assert agreement.currency == "USD"
    assert agreement.prorates is True
    assert agreement.start == date(2026, 2, 1)
    assert agreement.end is None
    assert agreement.next_invoice == date(2026, 7, 1)
    of_nobody = ask.ListAgreements(company_id="99")
    assert plugin.list_agreements(ctx, of_nobody).records() == []


def test_expired_agreements_say_so(scene, ctx):
    scene.control.act("expire_agreement", id=scene.agreement)
    (agreement,) = plugin.list_agreements(ctx, ask.ListAgreements()).records()
    assert agreement.status is AgreementStatus.EXPIRED
    assert agreement.end == date(2026, 6, 19)


def test_lines_are_exact_and_know_their_company(scene, ctx):
    query = ask.ListAgreementLines(agreement_id=str(scene.agreement))
    (line,) = plugin.list_agreement_lines(ctx, query).records()
    assert line.company_id == str(scene.company)
    assert line.currency == "USD"
    assert line.product_id == str(scene.product)
    assert line.quantity == 10
    assert line.unit_price == Decimal("26.40")
    assert line.unit_cost == Decimal("22.00")
    assert line.bill is BillCustomer.BILLABLE
    assert line.taxable is True
    assert line.effective == date(2026, 2, 1)
    assert line.ends is None
    assert line.changed_by == "zadmin"
    assert line.changed_at.tzinfo is not None


def test_hidden_costs_stay_unknown(scene):
    ctx = scene.context(public_key="blindPublic", private_key="blindPrivate")
    query = ask.ListAgreementLines(agreement_id=str(scene.agreement))
    (line,) = plugin.list_agreement_lines(ctx, query).records()
    assert line.unit_cost is None
    assert line.unit_price == Decimal("26.40")
    (product,) = plugin.list_products(ctx, ask.ListProducts()).records()
    assert product.cost is None


def test_lines_need_an_agreement_that_exists(ctx):
    with pytest.raises(ConfigInvalid):
        plugin.list_agreement_lines(ctx, ask.ListAgreementLines())
    with pytest.raises(NotFound):
        plugin.list_agreement_lines(ctx, ask.ListAgreementLines(agreement_id="99"))
    with pytest.raises(ConfigInvalid):
        plugin.list_agreement_lines(ctx, ask.ListAgreementLines(agreement_id="1/2"))


def test_products_carry_the_keys_for_matching(ctx):
    (product,) = plugin.list_products(ctx, ask.ListProducts()).records()
    assert product.vendor_sku == "SKU-1"
    assert product.price == Decimal("26.40")
    assert product.usable_on_lines
    assert product.active


def test_raw_pages_hash_alike_twice_and_decode_to_the_same(scene, ctx):
    query = ask.ListAgreementLines(agreement_id=str(scene.agreement), raw=True)
    plain = replace(query, raw=False)
    first = plugin.list_agreement_lines(ctx, query)
    scene.control.act("configure", version="2026.3")
    fresh = scene.context()
    second = plugin.list_agreement_lines(fresh, query)
    assert first.raw.items[0] != second.raw.items[0], "links change with the release"
    hashes = [page.raw.hash_input(page.raw.items[0]) for page in (first, second)]
    assert hashes[0] == hashes[1]
    assert first.records() == plugin.list_agreement_lines(fresh, plain).records()
    scene.control.act("edit_line", id=scene.line, quantity=11)
    third = plugin.list_agreement_lines(fresh, query)
    assert third.raw.hash_input(third.raw.items[0]) != hashes[0]


def test_raw_companies_equal_plain_ones(ctx):
    raw = plugin.list_companies(ctx, ask.ListCompanies(raw=True))
    assert raw.records() == plugin.list_companies(ctx, ask.ListCompanies()).records()


def test_lists_are_resumable_and_complete(scene, ctx):
    for number in range(7):
        body = {"identifier": f"C{number}", "name": f"C{number}"}
        scene.request("POST", "company/companies", json=body)
    found, pages, last = walk(
        plugin.list_companies, ctx, ask.ListCompanies(page_size=3)
    )
    assert len(found) == len({one.vendor_id for one in found}) == 8
    assert pages == 3
    assert last.complete
    page = plugin.list_companies(ctx, ask.ListCompanies(page_size=3))
    resumed = ask.ListCompanies(page_size=3, cursor=page.next_cursor)
    after = plugin.list_companies(scene.context(), resumed).records()
    assert after == found[3:6]


def test_a_wrong_cursor_is_refused(ctx):
    with pytest.raises(NotFound):
        plugin.list_companies(ctx, ask.ListCompanies(cursor="page two"))


# The billing lock


def test_lock_in_advance(scene, ctx):
    lock = plugin.get_billing_lock(ctx, ask.GetBillingLock(agreement_id="1"))
    assert lock.known
    assert lock.locked_through == date(2026, 6, 30)
    assert lock.next_invoice == date(2026, 7, 1)
    assert lock.billing_mode is BillingMode.ADVANCE
    assert len(lock.periods) == 5
    assert lock.periods[-1].first_day == date(2026, 6, 1)
    assert lock.periods[-1].last_day == date(2026, 6, 30)


def test_lock_in_arrears(make_scene):
    scene = make_scene(periodType="Current")
    lock = plugin.get_billing_lock(
        scene.context(), ask.GetBillingLock(agreement_id="1")
    )
    assert lock.known
    assert lock.locked_through == date(2026, 5, 31)
    assert lock.next_invoice == date(2026, 7, 1)
    assert lock.billing_mode is BillingMode.ARREARS
    forced = scene.context(billing_mode="advance")
    lock = plugin.get_billing_lock(forced, ask.GetBillingLock(agreement_id="1"))
    assert lock.billing_mode is BillingMode.ADVANCE


def test_lock_of_a_new_agreement_is_open(scene, ctx):
    body = {
        "name": "New",
        "type": {"id": 2},
        "company": {"id": scene.company},
        "contact": {"id": scene.contact},
        "startDate": "2026-06-10T00:00:00Z",
        "billStartDate": "2026-06-10T00:00:00Z",
        "billingCycle": {"id": 1},
    }
    made = scene.request("POST", "finance/agreements", json=body).json()
    query = ask.GetBillingLock(agreement_id=str(made["id"]))
    lock = plugin.get_billing_lock(ctx, query)
    assert lock.known
    assert lock.locked_through is None


def test_lock_is_unknown_rather_than_guessed(scene, ctx):
    world = scene.simulator.world
    agreement = world.row("agreements", scene.agreement)
    query = ask.GetBillingLock(agreement_id=str(scene.agreement))
    for shown, word in (
        (None, "no next invoice date"),
        ("2026-06-25T00:00:00Z", "begins no billing period"),
        ("2026-05-01T00:00:00Z", "exists although"),
    ):
        world.mark("agreements", agreement, nextInvoiceDate=shown)
        lock = plugin.get_billing_lock(ctx, query)
        assert not lock.known
        assert word in lock.reason
    one_time = world.named("billingCycles", "One-time")["id"]
    world.mark("agreements", agreement, billingCycle=one_time)
    assert "recurring" in plugin.get_billing_lock(ctx, query).reason
    scene.control.act("deny", member="entrepot", rules=["finance/invoices"])
    lock = plugin.get_billing_lock(ctx, query)
    assert not lock.known
    assert "Finance > Invoicing" in lock.reason


# Writing


def test_create_stores_everything_and_our_reference(scene, ctx):
    change = scene.creation(
        ends=date(2026, 7, 31),
        included_quantity=Decimal(1),
        bill=BillCustomer.NO_CHARGE,
        invoice_text="two seats\nfrom July",
    )
    outcome = apply(ctx, change)
    assert outcome.state is OutcomeState.DONE
    assert outcome.vendor_request_id
    line = outcome.line
    assert line.reference == "op-1"
    assert line.effective == date(2026, 7, 1)
    assert line.ends == date(2026, 7, 31)
    assert line.unit_price == Decimal("26.40")
    assert line.bill is BillCustomer.NO_CHARGE
    assert find(ctx, change) == line


def test_set_quantity_end_and_fields(scene, ctx):
    def line():
        query = ask.GetAgreementLine(agreement_id="1", line_id=str(scene.line))
        return plugin.get_agreement_line(ctx, query)

    token = line().change_token
    change = scene.change(
        LineChangeKind.SET_QUANTITY, quantity=Decimal(12), expected_token=token
    )
    done = apply(ctx, change)
    assert done.state is OutcomeState.DONE
    assert done.line.quantity == 12
    assert done.line.reference == "op-1"
    ended = apply(
        ctx, scene.change(LineChangeKind.SET_END, ends=date(2026, 6, 30), reference="2")
    )
    assert ended.line.ends == date(2026, 6, 30)
    assert ended.line.reference == "2"
    cleared = apply(ctx, scene.change(LineChangeKind.SET_END, ends=None, reference="3"))
    assert cleared.line.ends is None
    priced = scene.change(
        LineChangeKind.SET_FIELDS, unit_cost=Decimal("23.5"), taxable=False
    )
    outcome = apply(ctx, priced)
    assert outcome.line.unit_cost == Decimal("23.50")
    assert outcome.line.taxable is False
    assert outcome.line.quantity == 12


def test_stale_expectations_write_nothing(scene, ctx):
    query = ask.GetAgreementLine(agreement_id="1", line_id=str(scene.line))
    token = plugin.get_agreement_line(ctx, query).change_token
    scene.control.act("edit_line", id=scene.line, quantity=11, member="jdoe")
    change = scene.change(
        LineChangeKind.SET_QUANTITY, quantity=Decimal(12), expected_token=token
    )
    with pytest.raises(Conflict) as caught:
        apply(ctx, change)
    assert caught.value.code == "line_changed"
    assert "jdoe" in caught.value.info.detail
    assert scene.lines()[0]["quantity"] == 11


def test_a_false_success_is_noticed(scene, ctx):
    """The vendor may answer 200 and store something else (here: nothing)."""
    world = scene.simulator.world
    keep = world.update

    def forgetful(table, row, member):
        if table == "additions":
            row = {**row, "quantity": Decimal(10)}
        return keep(table, row, member)

    world.update = forgetful
    change = scene.change(LineChangeKind.SET_QUANTITY, quantity=Decimal(12))
    outcome = apply(ctx, change)
    assert outcome.state is OutcomeState.REJECTED
    assert "quantity" in outcome.message
    assert outcome.line.quantity == 10


def test_refusals_name_the_field(scene, ctx):
    change = scene.change(LineChangeKind.SET_END, ends=date(2026, 1, 1))
    with pytest.raises(Rejected) as caught:
        apply(ctx, change)
    assert caught.value.info.field == "cancelledDate"
    assert caught.value.info.vendor_request_id
    with pytest.raises(Rejected):
        apply(ctx, scene.creation(product_id="99"))
    assert len(scene.lines()) == 1


def test_delete_only_what_was_never_invoiced(scene, ctx):
    with pytest.raises(Conflict):
        apply(ctx, scene.change(LineChangeKind.DELETE))
    new = apply(ctx, scene.creation()).line
    gone = scene.change(LineChangeKind.DELETE, line_id=new.vendor_id)
    assert apply(ctx, gone).state is OutcomeState.DONE
    assert apply(ctx, gone).message == "It was gone already."
    with pytest.raises(NotFound):
        apply(
            ctx,
            scene.change(
                LineChangeKind.SET_QUANTITY,
                line_id=new.vendor_id,
                quantity=Decimal(1),
            ),
        )


@pytest.mark.parametrize(
    "values",
    [{"product_id": None}, {"quantity": None}, {"effective": None}],
)
def test_incomplete_creations_are_refused_before_sending(scene, ctx, values):
    before = scene.control.counters()["total"]
    with pytest.raises(Unsupported):
        apply(ctx, scene.creation(**values))
    assert scene.control.counters()["total"] == before


def test_products_of_lines_cannot_be_changed(scene, ctx):
    change = scene.change(LineChangeKind.SET_FIELDS, product_id="2")
    with pytest.raises(Unsupported) as caught:
        apply(ctx, change)
    assert caught.value.info.field == "product_id"


def test_plans_show_the_exact_calls_without_sending(scene, ctx):
    before = scene.control.counters()["total"]
    changes = (
        scene.change(LineChangeKind.SET_END, ends=date(2026, 6, 30)),
        scene.creation(),
        scene.change(LineChangeKind.DELETE),
    )
    calls = plugin.plan_line_changes(ctx, ask.PlanLineChanges(changes=changes))
    assert [call.method for call in calls] == ["PATCH", "POST", "DELETE"]
    assert calls[0].target == "/finance/agreements/1/additions/1"
    assert '"2026-06-30T00:00:00Z"' in calls[0].body
    assert '"unitPrice": 26.40' in calls[1].body
    assert scene.control.counters()["total"] == before


# Faults


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limited", "retry_after": "0"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "reset"},
        {"kind": "truncated"},
    ],
)
def test_reads_survive_passing_faults(scene, ctx, fault):
    plugin.list_companies(ctx, ask.ListCompanies())
    scene.control.add_fault(**fault, path="company/companies$", count=2)
    (company,) = plugin.list_companies(ctx, ask.ListCompanies()).records()
    assert company.name == "Contoso Inc."
    assert scene.control.faults()[0]["fired"] == 2


@pytest.mark.parametrize("kind", ["latency", "slow_body"])
def test_reads_wait_for_slow_answers(scene, ctx, kind):
    scene.control.add_fault(kind, seconds=0.3, path="company/companies$")
    (company,) = plugin.list_companies(ctx, ask.ListCompanies()).records()
    assert company.name == "Contoso Inc."
    assert scene.control.faults()[0]["fired"] == 1


def test_a_429_without_header_waits_as_long_as_its_text_says(scene, ctx):
    scene.control.add_fault("rate_limited", path="companies$")
    with pytest.raises(RateLimited) as caught:
        plugin.list_companies(ctx, ask.ListCompanies())
    assert caught.value.after == pytest.approx(30, abs=1)


def test_lasting_faults_are_retryable_errors(scene, ctx):
    scene.control.add_fault("status", status=500, count=0, path="companies$")
    with pytest.raises(Retryable):
        plugin.list_companies(ctx, ask.ListCompanies())
    scene.control.clear_faults()
    scene.control.add_fault("rate_limited", retry_after="600", count=0)
    with pytest.raises(RateLimited) as caught:
        plugin.list_companies(ctx, ask.ListCompanies())
    assert caught.value.after == pytest.approx(600, abs=1)


def many(scene, count=9):
    for number in range(count):
        body = {"identifier": f"C{number}", "name": f"C{number}"}
        scene.request("POST", "company/companies", json=body)


def test_a_repeated_page_is_asked_for_again(scene, ctx):
    many(scene)
    scene.control.add_fault("repeated_page", path="company/companies$", skip=1)
    found, _, last = walk(plugin.list_companies, ctx, ask.ListCompanies(page_size=3))
    assert len(found) == len({one.vendor_id for one in found}) == 10
    assert last.complete
    scene.control.clear_faults()
    scene.control.add_fault("repeated_page", path="companies$", skip=1, count=0)
    with pytest.raises(Retryable) as caught:
        walk(plugin.list_companies, ctx, ask.ListCompanies(page_size=3))
    assert caught.value.code == "page_repeated"


def test_a_missing_page_makes_the_list_incomplete(scene, ctx):
    many(scene)
    scene.control.add_fault("missing_page", path="company/companies$", skip=1)
    found, _, last = walk(plugin.list_companies, ctx, ask.ListCompanies(page_size=3))
    assert len(found) == 7
    assert not last.complete
    assert "3 records" in last.incomplete_reason


CREATION = {"method": "POST", "path": ADDITIONS}


def test_a_creation_that_timed_out_is_found_and_adopted(scene, ctx):
    scene.control.add_fault("timeout_after_commit", seconds=3, **CREATION)
    change = scene.creation()
    with pytest.raises(OutcomeUnknown):
        apply(ctx, change)
    found = find(ctx, change)
    assert found is not None
    assert found.reference == "op-1"
    assert len(scene.lines()) == 2
    assert (
        scene.control.counters()["routes"].get(
            "POST /<codebase>/apis/3.0/finance/agreements/<int:parent>/additions"
        )
        == 1
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "status", "status": 500},
        {"kind": "truncated"},
        {"kind": "timeout_after_commit", "seconds": 0.1},
    ],
)
@pytest.mark.parametrize("with_field", [True, False])
def test_creations_are_never_repeated_blindly(scene, ctx, fault, with_field):
    if not with_field:
        scene.control.act("custom_field", table="additions", present=False)
    change = scene.creation()
    before = datetime(2026, 6, 20, 3, 59, tzinfo=UTC)
    scene.control.add_fault(**fault, **CREATION)
    with pytest.raises(OutcomeUnknown):
        apply(ctx, change)
    committed = len(scene.lines()) == 2
    assert committed is (fault["kind"] in {"truncated", "timeout_after_commit"})
    found = find(ctx, change, not_before=before)
    assert (found is not None) is committed
    if found is None:
        found = apply(ctx, change).line
    assert len(scene.lines()) == 2
    assert find(ctx, change, not_before=before).vendor_id == found.vendor_id


def test_a_throttled_creation_is_sent_again_since_nothing_happened(scene, ctx):
    scene.control.add_fault("rate_limited", retry_after="0", **CREATION)
    assert apply(ctx, scene.creation()).state is OutcomeState.DONE
    assert len(scene.lines()) == 2


def test_an_unclear_change_is_probed_by_reference(scene, ctx):
    change = scene.change(LineChangeKind.SET_QUANTITY, quantity=Decimal(12))
    assert find(ctx, change) is None
    scene.control.add_fault("timeout_after_commit", method="PATCH", seconds=0.1)
    with pytest.raises(OutcomeUnknown):
        apply(ctx, change)
    assert find(ctx, change).quantity == 12
    other = replace(change, reference="op-2")
    assert find(ctx, other) is None, "somebody else's equal change is not ours"


def test_without_a_reference_field_two_alike_lines_need_a_person(scene, ctx):
    scene.control.act("custom_field", table="additions", present=False)
    change = scene.creation()
    assert find(ctx, change) is None
    assert apply(ctx, change).line.reference == ""
    assert find(ctx, change).quantity == 10
    scene.control.act(
        "add_line",
        agreement=scene.agreement,
        product=scene.product,
        quantity=10,
        effectiveDate="2026-07-01T00:00:00Z",
    )
    with pytest.raises(OutcomeUnknown) as caught:
        find(ctx, change)
    assert caught.value.code == "several_lines_fit"
    later = datetime(2026, 6, 21, tzinfo=UTC)
    assert find(ctx, change, not_before=later) is None


def test_the_reference_field_is_found_without_any_line(scene, ctx):
    body = {
        "name": "Empty",
        "type": {"id": 2},
        "company": {"id": scene.company},
        "contact": {"id": scene.contact},
        "billingCycle": {"id": 1},
    }
    made = scene.request("POST", "finance/agreements", json=body).json()
    change = scene.creation(agreement_id=str(made["id"]))
    assert apply(ctx, change).line.reference == "op-1"


def test_many_threads_share_one_connection(scene, ctx):
    failures: list[EntrepotError] = []

    def work(number):
        try:
            change = scene.creation(reference=f"op-{number}", quantity=Decimal(number))
            assert apply(ctx, change).state is OutcomeState.DONE
        except EntrepotError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(scene.lines()) == 7
    assert scene.control.counters()["max_concurrent"] <= 5


# Releases


def test_a_new_release_is_followed(scene, ctx):
    plugin.list_companies(ctx, ask.ListCompanies())
    scene.control.act("configure", version="2026.3")
    ctx.runtime.codebase.fetched_at -= 10_000
    assert plugin.list_companies(ctx, ask.ListCompanies()).records()
    assert ctx.runtime.codebase.value == "v2026_3/"


def test_a_missing_record_asks_for_the_release_once_in_a_while(scene, ctx):
    plugin.list_companies(ctx, ask.ListCompanies())
    ctx.runtime.codebase.fetched_at -= 10_000
    scene.control.reset_requests()
    for _ in range(3):
        with pytest.raises(NotFound):
            plugin.get_agreement_line(
                ctx, ask.GetAgreementLine(agreement_id="1", line_id="99")
            )
    routes = scene.control.counters()["routes"]
    assert routes["GET /login/companyinfo/<company>"] == 1


# Checks


def test_check_tells_release_and_counts(ctx):
    result = plugin.check_connection(ctx)
    assert result.account_name == "entrepot"
    assert ("Release", "v2026.4") in result.details
    assert ("Agreements", "1") in result.details
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("settings", "kind", "field"),
    [
        ({"company": "nobody"}, ConfigInvalid, "company"),
        ({"public_key": "x"}, AuthRequired, "private_key"),
        ({"private_key": "x"}, AuthRequired, "private_key"),
        ({"client_id": ""}, ConfigInvalid, "client_id"),
    ],
)
def test_check_explains_what_is_wrong(scene, settings, kind, field):
    ctx = scene.context(**settings)
    with pytest.raises(kind) as caught:
        plugin.check_connection(ctx)
    info = caught.value.info
    assert info.field == field
    assert info.user_message.endswith(".")
    assert info.remedy
    assert "entrepotPrivate" not in f"{info}"


def test_check_explains_404_on_the_cloud(scene):
    scene.control.act("configure", auth_failure_status=404)
    with pytest.raises(AuthRequired) as caught:
        plugin.check_connection(scene.context(private_key="x"))
    assert "company ID or keys are wrong" in caught.value.user_message


def test_check_explains_an_unreachable_site(context_for):
    ctx = context_for("http://127.0.0.1:9")
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.info.field == "site"


def test_check_explains_a_site_without_the_psa(scene, context_for):
    ctx = context_for(f"{scene.base_url}")
    scene.control.add_fault("status", status=404, path="companyinfo")
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.code == "no_connectwise_here"


def test_check_names_missing_rights(scene, ctx):
    scene.control.act(
        "deny", member="entrepot", rules=["finance/invoices", "service/tickets"]
    )
    warnings = plugin.check_connection(ctx).warnings
    assert any("Finance > Invoicing" in text for text in warnings)
    assert any("Service Desk > Service Tickets" in text for text in warnings)
    scene.control.act("deny", member="entrepot", rules=["finance/agreements"])
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.code == "role_missing"
    assert "Finance > Agreements" in caught.value.info.remedy


def test_check_warns_of_hidden_costs_and_a_missing_field(scene):
    scene.control.act("custom_field", table="additions", present=False)
    ctx = scene.context(public_key="blindPublic", private_key="blindPrivate")
    warnings = plugin.check_connection(ctx).warnings
    assert any("costs" in text for text in warnings)
    assert any("Entrepot Ref" in text for text in warnings)


def test_a_forbidden_write_is_refused_not_parked(scene, ctx):
    scene.control.act("deny", member="entrepot", rules=["finance/agreements write"])
    with pytest.raises(Rejected) as caught:
        apply(ctx, scene.creation())
    assert caught.value.code == "role_missing"


# Tickets and links


def test_one_ticket_per_reference(scene, ctx):
    def ticket(body="Lines differ."):
        command = ask.CreateTicket(
            reference="fp-1",
            company_id=str(scene.company),
            summary="Differences at Contoso " + "x" * 100,
            body=body,
            links=("https://hub.example/issues/1",),
        )
        return plugin.create_ticket(ctx, command)

    first = ticket()
    assert first.created
    assert first.url.endswith(f"routeTo=ServiceFV&recid={first.vendor_id}")
    again = ticket()
    assert not again.created
    assert again.vendor_id == first.vendor_id
    ticket("Lines differ more.")
    path = f"service/tickets/{first.vendor_id}"
    notes = scene.request("GET", f"{path}/notes").json()
    assert len(notes) == 2
    done = [{"op": "replace", "path": "status", "value": {"name": "Completed"}}]
    assert scene.request("PATCH", path, json=done).status_code == 200
    assert ticket().created


def test_console_links_only_where_one_is_known(ctx):
    def link(kind, number="250"):
        query = ask.GetConsoleLink(kind=kind, object_id=number)
        return plugin.get_console_link(ctx, query)

    assert link("company").endswith("ConnectWise.aspx?routeTo=AccountFV&recid=250")
    assert link("agreement") is None
    assert link("company", "1&x=2") is None


def test_the_plugin_describes_itself():
    info = plugin.describe_plugin()
    assert info.name == "connectwise"
    assert info.capabilities.effective_dated_lines
    assert info.capabilities.settle_seconds > 0
    assert "entrepotPrivate" not in repr(info)


def test_closing_forgets_keys(ctx):
    ctx.runtime.signing_keys["https://x"] = "k"
    plugin.close_connection(ctx)
    assert ctx.runtime.signing_keys == {}
