"""What the plugin reads: listings, the billing lock, releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    ConfigInvalid,
    NotFound,
)
from entrepot.sdk.model import (
    AgreementStatus,
    BillCustomer,
    BillingCycle,
    BillingMode,
    PeriodAnchor,
)
from entrepot_connectwise.plugin import plugin


def walk(hook, ctx, query):
    items, pages = [], 0
    while True:
        page = hook(ctx, query)
        items += page.records()
        pages += 1
        if page.next_cursor is None:
            return items, pages, page
        query = replace(query, cursor=page.next_cursor)


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


def test_many_locks_cost_a_few_listings_and_are_the_same(scene, ctx):
    body = {
        "type": {"id": 2},
        "company": {"id": scene.company},
        "contact": {"id": scene.contact},
        "startDate": "2026-03-01T00:00:00Z",
        "billStartDate": "2026-03-01T00:00:00Z",
        "billingCycle": {"id": 1},
        "prorateFlag": True,
    }
    for number in range(30):
        made = scene.request(
            "POST", "finance/agreements", json={**body, "name": f"A{number}"}
        ).json()["id"]
        for _ in range(3):
            scene.request("POST", f"finance/agreements/{made}/invoice")
    ids = [one["id"] for one in scene.simulator.world.rows("agreements")]

    def locks(context, wanted):
        query = [ask.GetBillingLock(agreement_id=str(number)) for number in wanted]
        return [plugin.get_billing_lock(context, one) for one in query]

    singly = [lock for number in ids for lock in locks(scene.context(), [number])]
    locks(ctx, ids[:9])
    scene.control.reset_requests()
    together = locks(ctx, ids)
    assert together == singly
    assert {lock.locked_through for lock in together} == {
        date(2026, 5, 31),
        date(2026, 6, 30),
    }
    assert scene.control.counters()["total"] == 0
    ctx.runtime.lock_books.taken -= 1000
    locks(ctx, ids)
    assert scene.control.counters()["total"] == 3


def test_listed_locks_that_contradict_themselves_are_read_afresh(scene, ctx):
    query = ask.GetBillingLock(agreement_id=str(scene.agreement))
    for _ in range(9):
        plugin.get_billing_lock(ctx, query)
    scene.request("POST", f"finance/agreements/{scene.agreement}/invoice")
    stale = ctx.runtime.lock_books
    stale.agreements[scene.agreement].next_invoice_date = "2026-08-01T00:00:00Z"
    lock = plugin.get_billing_lock(ctx, query)
    assert lock.locked_through == date(2026, 7, 31)
    assert lock.periods[-1].last_day == date(2026, 7, 31)
    scene.control.act("deny", member="entrepot", rules=["finance/invoices"])
    stale.taken -= 1000
    assert "Finance > Invoicing" in plugin.get_billing_lock(ctx, query).reason


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
