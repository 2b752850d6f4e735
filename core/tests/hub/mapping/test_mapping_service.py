from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.rows import document
from entrepot.hub.mapping.seen import Seen
from entrepot.hub.mapping.tables import CustomerMap, MappingFact, ProductMap
from entrepot.hub.mapping.views import (
    AccountRow,
    CustomerDecision,
    ListQuery,
    ProductDecision,
    Refreshed,
    Share,
)
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.sdk.model import MatchingVocabulary, Money
from entrepot.store import Actor, PermissionDenied, TenantScope
from entrepot.store.audit_tables import AuditEntry
from sqlalchemy import func, select, update

HOUR = timedelta(hours=1)


def rows_of(books: Any, table: type = CustomerMap) -> list[dict[str, Any]]:
    """Every map row, versions apart: the state that an undo must restore."""
    with books.store.read(TenantScope(books.tenant)) as session:
        found = session.scalars(select(table).order_by(table.id))
        return [{**document(row), "version": 0} for row in found]


def count(books: Any, table: type) -> int:
    with books.store.read(TenantScope(books.tenant)) as session:
        return session.scalar(select(func.count()).select_from(table))


def change(books: Any, table: type, key: str, **values: Any) -> None:
    with books.store.unit(TenantScope(books.tenant)) as session:
        session.execute(
            update(table)
            .where(table.tenant_id == books.tenant, table.vendor_id == key)
            .values(**values)
        )


def customers(books: Any, **query: Any) -> list[AccountRow]:
    wanted = ListQuery(psa_connection_id=books.psa, **query)
    return list(books.service.customers.list(books.actor, wanted).items)


def decide(books: Any, account: str, *companies: Share | str, **more: Any):
    shares = tuple(
        one if isinstance(one, Share) else Share(company_id=one) for one in companies
    )
    return CustomerDecision(
        account_id=account, psa_connection_id=books.psa, companies=shares, **more
    )


def confirm(books: Any, account: str, *companies: Share | str, **more: Any):
    decision = decide(books, account, *companies, **more)
    return books.service.customers.confirm(books.actor, [decision])


def refresh(books: Any) -> Refreshed:
    return books.service.refresh_suggestions(books.actor, books.psa)


def test_suggestion_comes_with_evidence_and_rivals(books):
    account = books.account("Smith Dental", domains=["smithdental.example"])
    books.company("Smith Dental Group", "1")
    books.company("Smyth Dental", "2")
    books.contact("1", "jo@smithdental.example")
    books.contact("1", "al@smithdental.example")
    books.subscription(account, "SKU1")
    assert refresh(books).suggested == 1
    row = customers(books)[0]
    assert row.status == "undecided"
    assert row.subscriptions == 1
    assert row.mapping.psa_company_id == "1"
    assert row.mapping.confidence == Decimal("0.95")
    assert row.mapping.evidence[0]["kind"] == "domain"
    assert [rival["target"] for rival in row.mapping.rivals] == ["2"]
    assert row.mapping.band == "suggestion"  # the rival is too near


def test_nothing_is_confirmed_on_a_name_alone(books):
    books.account("Acme Ltd")
    books.company("Acme Ltd", "1", domains=["acme.example"])
    assert refresh(books).confirmed == 0
    assert customers(books)[0].mapping.status == "suggested"
    assert books.service.decisions(books.actor, books.psa).customers[0].status == (
        "suggested"
    )


def test_running_the_matcher_again_changes_nothing(books):
    books.account("Acme Ltd")
    books.company("Acme Ltd", "1")
    refresh(books)
    before = rows_of(books)
    assert refresh(books) == Refreshed()
    assert rows_of(books) == before
    assert count(books, MappingFact) == 0


def test_stored_id_confirms_by_itself_once(books):
    account = books.account("Acme", "tenant-0001")
    books.company("Other Name", "1", external_ids=[["tenant", "TENANT-0001"]])
    assert refresh(books).confirmed == 1
    row = customers(books, status="confirmed")[0]
    assert row.mapping.method == "external_id"
    batch = row.mapping.batch_id
    books.service.undo(books.actor, batch)
    assert refresh(books).confirmed == 0  # a person took it back
    assert customers(books)[0].account_id == account
    assert customers(books)[0].status == "undecided"


def test_stored_id_at_two_companies_confirms_nothing(books):
    books.account("Acme", "tenant-0001")
    for number in ("1", "2"):
        books.company("X", number, external_ids=[["tenant", "tenant-0001"]])
    assert refresh(books).confirmed == 0


def test_confirming_leaves_fact_audit_entry_and_no_suggestion(books):
    account = books.account("Acme Ltd")
    books.company("Acme Ltd", "1")
    refresh(books)
    batch = confirm(books, account, "1")
    assert batch.rows == 1
    mapping = customers(books)[0].mapping
    assert (mapping.status, mapping.decided_by) == ("confirmed", "anna")
    assert mapping.confidence == Decimal("0.90")  # what was known then is kept
    facts = books.service.history(books.actor, mapping.id)
    assert [fact["change"] for fact in facts] == ["new"]
    with books.store.read(TenantScope(books.tenant)) as session:
        actions = session.scalars(select(AuditEntry.action)).all()
    assert actions.count("mapping.customers.confirm") == 1
    assert confirm(books, account, "1").rows == 0
    assert refresh(books) == Refreshed()


def test_rejected_pair_is_remembered(books):
    account = books.account("Acme Ltd")
    books.company("Acme Ltd", "1")
    books.company("Acme Limited", "2")
    refresh(books)
    books.service.customers.reject(books.actor, books.psa, [(account, "1")])
    refresh(books)
    assert customers(books)[0].mapping.psa_company_id == "2"
    books.service.customers.reject(books.actor, books.psa, [(account, "2")])
    refresh(books)
    assert customers(books)[0].mapping is None
    assert len(customers(books, status="rejected")) == 2


def test_confirmed_pair_cannot_be_rejected(books):
    account = books.account("Acme")
    books.company("Acme", "1")
    confirm(books, account, "1")
    with pytest.raises(Conflict):
        books.service.customers.reject(books.actor, books.psa, [(account, "1")])


def test_exclusion_needs_a_reason_and_counts_as_decided(books):
    account = books.account("Internal test tenant")
    with pytest.raises(Rejected) as refused:
        books.service.customers.exclude(books.actor, books.psa, [account], reason=" ")
    assert refused.value.info.field == "reason"
    books.service.customers.exclude(
        books.actor, books.psa, [account], reason="our own tenant"
    )
    counted = books.service.progress(books.actor, books.psa).customers
    assert (counted.undecided, counted.excluded) == (0, 1)
    assert customers(books)[0].mapping.reason == "our own tenant"


def test_second_customer_of_one_company_needs_an_explicit_word(books):
    first, second = books.account("Acme"), books.account("Acme Two")
    books.company("Acme", "1")
    confirm(books, first, "1")
    with pytest.raises(Conflict) as refused:
        confirm(books, second, "1")
    assert refused.value.info.field == "shared"
    confirm(books, second, "1", shared=True)
    assert len(customers(books, status="confirmed")) == 2


def test_customers_of_two_vendors_share_a_company_without_asking(books):
    first = books.account("Acme")
    other = books.account("Acme", connection_id=books.connection("Two", "vendor"))
    books.company("Acme", "1")
    confirm(books, first, "1")
    confirm(books, other, "1")
    assert len(customers(books, status="confirmed")) == 2


def test_shares_are_saved_together_or_not_at_all(books):
    account = books.account("Acme")
    books.company("Acme Nord", "1")
    books.company("Acme Sud", "2")
    nord = Share(company_id="1", share="fixed", value=Decimal(3))
    with pytest.raises(Rejected):
        confirm(books, account, nord)
    assert rows_of(books) == []
    rest = Share(company_id="2", share="remainder")
    assert confirm(books, account, nord, rest).rows == 2
    assert len(books.service.decisions(books.actor, books.psa).customers) == 2
    found = books.service.decisions(books.actor, books.psa).customers
    seen = tuple(Seen(row.id, row.version) for row in found)
    more = Share(company_id="1", share="percent", value=Decimal(70))
    confirm(books, account, more, rest, seen=seen)
    for late in (seen, seen[:1], ()):
        with pytest.raises(Conflict, match="has decided about Acme"):
            confirm(books, account, nord, rest, seen=late)
    found = books.service.decisions(books.actor, books.psa).customers
    now = tuple(Seen(row.id, row.version) for row in found)
    books.service.customers.clear(books.actor, books.psa, [account])
    with pytest.raises(Conflict, match="is undone meanwhile"):
        confirm(books, account, nord, rest, seen=now)
    assert confirm(books, account, nord, rest, seen=()).rows == 2


def test_unusable_and_unknown_targets_are_refused(books):
    account = books.account("Acme")
    books.company("Acme", "1", active=False)
    with pytest.raises(Rejected):
        confirm(books, account, "1")
    with pytest.raises(NotFound):
        confirm(books, account, "9")
    with pytest.raises(NotFound):
        confirm(books, "acc_nobody", "1")


def test_row_changed_by_somebody_else_is_not_overwritten(books):
    account = books.account("Acme Ltd")
    books.company("Acme Ltd", "1")
    books.company("Other", "2")
    refresh(books)
    seen = customers(books)[0].mapping.version
    row = customers(books)[0].mapping
    looked_at = {account: Seen(row.id, row.version)}
    (count,) = books.service.evidence(books.actor, books.psa)
    assert (count.what, count.method, count.preselected + count.others) == (
        *("customers", "name"),
        1,
    )
    confirm(books, account, "2", version=seen)
    with pytest.raises(Conflict):
        confirm(books, account, "1", version=seen + 1)
    desk = books.service.customers
    for decide in (
        lambda: desk.exclude(
            books.actor, books.psa, [account], reason="ours", seen=looked_at
        ),
        lambda: desk.accept(books.actor, books.psa, ids=[row.id], seen=looked_at),
        lambda: desk.clear(books.actor, books.psa, [account], seen=looked_at),
    ):
        with pytest.raises(Conflict, match=r"about Acme Ltd meanwhile and chose Other"):
            decide()


def test_bulk_accept_takes_the_preselected_of_one_evidence(books):
    for number in range(3):
        books.account(f"Firm {number} Works", domains=[f"firm{number}.example"])
        books.company(f"Firm {number}", str(number), domains=[f"firm{number}.example"])
    books.account("Bakery Sun Ltd")
    books.company("Bakery Sun Inc", "9")
    refresh(books)
    batch = books.service.customers.accept(books.actor, books.psa, method="domain")
    assert batch.rows == 3
    counted = books.service.progress(books.actor, books.psa).customers
    assert (counted.undecided, counted.confirmed, counted.suggested) == (1, 3, 1)
    left = customers(books, status="undecided")[0].mapping.id
    books.service.customers.accept(books.actor, books.psa, ids=[left])
    assert books.service.progress(books.actor, books.psa).customers.undecided == 0
    with pytest.raises(NotFound):
        books.service.customers.accept(books.actor, books.psa, ids=[left])


def test_undo_restores_exactly_and_can_be_undone(books):
    account = books.account("Acme Ltd")
    books.company("Acme Ltd", "1")
    books.company("Wrong", "2")
    refresh(books)
    confirm(books, account, "1")
    before = rows_of(books)
    wrong = confirm(books, account, "2")
    after = rows_of(books)
    assert after != before
    undone = books.service.undo(books.actor, wrong.id)
    assert rows_of(books) == before
    books.service.undo(books.actor, undone.id)
    assert rows_of(books) == after
    with pytest.raises(Conflict):
        books.service.undo(books.actor, wrong.id)


def test_undo_brings_the_suggestion_back(books):
    account = books.account("Acme Ltd")
    books.company("Acme Ltd", "1")
    books.company("Acme Limited", "2")
    refresh(books)
    before = rows_of(books)
    batch = confirm(books, account, "2")
    refresh(books)
    books.service.undo(books.actor, batch.id)
    assert rows_of(books) == before


def test_undo_refuses_what_was_decided_anew_since(books):
    account = books.account("Acme")
    books.company("Acme", "1")
    books.company("Acme Two", "2")
    first = confirm(books, account, "1")
    confirm(books, account, "2")
    with pytest.raises(Conflict) as refused:
        books.service.undo(books.actor, first.id)
    assert "later decision" in refused.value.info.remedy


def test_decisions_are_told_as_they_held_and_were_known(books):
    clock = books.store.clock
    account = books.account("Acme")
    books.company("Acme", "1")
    books.company("Acme Two", "2")
    start = clock.now()
    clock.advance(HOUR)
    confirm(books, account, "1")
    first = clock.now()
    clock.advance(HOUR)
    wrong = confirm(books, account, "2")
    second = clock.now()

    def told(**moments: Any) -> list[str]:
        found = books.service.decisions(books.actor, books.psa, **moments)
        return [one.psa_company_id for one in found.customers]

    assert told(known_at=start) == []
    assert told(valid_at=start) == ["1"]  # the first decision holds for the past too
    assert told(valid_at=first, known_at=second) == ["1"]
    assert told() == ["2"]
    clock.advance(HOUR)
    books.service.undo(books.actor, wrong.id)
    assert told(valid_at=second) == ["1"]
    assert told(valid_at=second, known_at=second) == ["2"]


def test_company_that_goes_makes_the_mapping_stale_until_it_returns(books):
    account = books.account("Acme")
    books.company("Acme", "1")
    confirm(books, account, "1")
    change(books, PsaCompany, "1", deleted=True)
    assert refresh(books).stale == 1
    assert customers(books)[0].mapping.status == "stale"
    assert books.service.progress(books.actor, books.psa).customers.undecided == 1
    change(books, PsaCompany, "1", deleted=False, merged_into="7")
    refresh(books)
    change(books, PsaCompany, "1", merged_into="")
    assert refresh(books).revived == 1
    assert customers(books)[0].mapping.status == "confirmed"
    change(books, PsaCompany, "1", is_customer=False)
    assert refresh(books).stale == 1
    assert "no longer a customer" in customers(books)[0].mapping.reason


def test_prospect_may_be_confirmed_and_stays(books):
    account = books.account("Acme")
    books.company("Acme", "1", is_customer=False)
    refresh(books)
    assert customers(books)[0].mapping.flags == ("not_a_customer",)
    confirm(books, account, "1")
    assert refresh(books).stale == 0


def test_preview_tells_subscriptions_money_and_lines(books):
    account = books.account("Acme")
    books.company("Acme", "1", is_customer=False)
    books.product("Suite", "P1", price=Decimal("12.50"), currency="EUR")
    books.subscription(account, "SKU1", quantity=Decimal(4))
    books.subscription(
        account, "SKU2", billing_cycle="annual", unit_cost=Decimal("120")
    )
    books.subscription(account, "SKU1", status="ended")
    books.subscription(account, "SKU3", unit_cost=None, offer_key="offer-3")
    books.offer("offer-3", unit_cost=Decimal("7.50"), currency="EUR")
    books.line("1", "P1")
    books.line("1", "other")
    entry = ProductDecision(
        psa_connection_id=books.psa, sku="SKU1", psa_product_id="P1"
    )
    found = books.service.products.preview(books.actor, [entry])
    assert (found.subscriptions, found.lines) == (1, 1)
    assert found.monthly_revenue == (Money(Decimal("50.00"), "EUR"),)
    books.service.products.confirm(books.actor, [entry])
    before = rows_of(books)
    impact = books.service.customers.preview(books.actor, [decide(books, account, "1")])
    assert rows_of(books) == before
    assert (impact.subscriptions, impact.lines, impact.agreements) == (3, 1, 1)
    assert impact.unpriced == 2
    assert impact.monthly_revenue == (Money(Decimal("50.00"), "EUR"),)
    assert impact.monthly_cost == (Money(Decimal("207.00"), "EUR"),)
    assert impact.warnings == ("Acme is no customer in the PSA yet.",)


def test_list_pages_by_key_and_filters(books):
    for number in range(5):
        books.account(f"Firm {number}")
    query = ListQuery(psa_connection_id=books.psa, limit=2)
    seen: list[str] = []
    for _ in range(3):
        part = books.service.customers.list(books.actor, query)
        seen += [row.name for row in part.items]
        query = ListQuery(psa_connection_id=books.psa, limit=2, last=part.last)
    assert seen == [f"Firm {number}" for number in range(5)]
    assert not part.has_more
    assert [row.name for row in customers(books, text="FIRM 3")] == ["Firm 3"]


def test_products_are_suggested_decided_and_counted(books):
    books.words.given = {
        "fake": MatchingVocabulary(aliases={"M365": "Suite 365"}),
    }
    account = books.account("Acme")
    books.product("M365 Business Premium", "P1")
    books.product("Licence 77", "P2", part_number="SKU2")
    books.product("Storage - Annual", "P3")
    books.subscription(account, "SKU1", name="Suite 365 Business Premium")
    books.subscription(account, "SKU2", name="Something else")
    books.subscription(
        account, "SKU3", name="Storage", term="P1Y", billing_cycle="annual"
    )
    assert refresh(books).suggested == 3
    listed = books.service.products.list(
        books.actor, ListQuery(psa_connection_id=books.psa)
    ).items
    found = {row.sku: row.mapping for row in listed}
    assert (found["SKU1"].psa_product_id, found["SKU1"].band) == ("P1", "suggestion")
    assert (found["SKU2"].psa_product_id, found["SKU2"].band) == ("P2", "preselected")
    assert (found["SKU3"].psa_product_id, found["SKU3"].term) == ("P3", "P1Y")
    batch = books.service.products.accept(books.actor, books.psa)
    assert batch.rows == 1
    before = rows_of(books, ProductMap)
    excluded = books.service.products.exclude(
        books.actor, books.psa, [(books.vendor, "SKU3")], reason="internal"
    )
    counted = books.service.progress(books.actor, books.psa).products
    assert (counted.total, counted.undecided, counted.waiting) == (3, 1, 1)
    books.service.undo(books.actor, excluded.id)
    assert rows_of(books, ProductMap) == before
    change(books, PsaProductRow, "P2", active=False)
    assert refresh(books).stale == 1
    assert books.service.progress(books.actor, books.psa).products.undecided == 3


def test_permissions_and_resellers_are_kept_apart(books, other_tenant):
    account = books.account("Acme")
    books.company("Acme", "1")
    reader = Actor("r", "user", books.tenant, "Rita", frozenset({"mappings:read"}))
    decision = decide(books, account, "1")
    books.service.customers.preview(reader, [decision])
    with pytest.raises(PermissionDenied):
        books.service.customers.confirm(reader, [decision])
    foreign = Actor(
        "f",
        "user",
        other_tenant,
        "Fred",
        frozenset({"mappings:read", "mappings:write"}),
    )
    with pytest.raises(NotFound):
        books.service.customers.confirm(foreign, [decision])
    batch = confirm(books, account, "1")
    with pytest.raises(NotFound):
        books.service.undo(foreign, batch.id)
    assert books.service.batches(foreign).items == ()
    assert [one.id for one in books.service.batches(reader).items] == [batch.id]


def test_account_that_left_is_no_longer_counted(books):
    books.account("Acme", "v-gone")
    change(books, CustomerAccount, "v-gone", gone_at=books.store.clock.now())
    assert books.service.progress(books.actor, books.psa).customers.total == 0
    assert customers(books) == []
