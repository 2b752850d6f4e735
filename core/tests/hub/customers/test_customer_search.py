"""Search and what is derived: the same answers on both databases."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace

from entrepot.hub.customers import facets, upkeep
from entrepot.hub.customers.jobs import derive_piece, recount_customers, register
from entrepot.hub.customers.records import CustomerFacet
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.hub.customers.upkeep import CustomerUpkeep, derive
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.tenants.service import TenantService
from entrepot.jobs import Jobs
from entrepot.jobs.registry import JobRegistry
from entrepot.jobs.retention import ensure_schedules
from entrepot.store import TenantScope, search_walk
from entrepot.store import search as store_search
from entrepot.store.audit_tables import AuditEntry
from entrepot.store.migrations import search as migration
from entrepot.store.search import Cut, Sought, fold, found, hits, holds, page
from sqlalchemy import select

TABLE = Customer.__table__
WORDS = [
    ("arzte kuche", [0]),
    ("KÜCHE", [0]),
    ("tenant-0003", [3]),
    ("d2.example", [2]),
    ("renee1@", [1]),
    ("name4", [4]),
    ("100% f", [3]),
    ("h_a", [3]),
    ("h%a", []),
    ('"', []),
    ("qz", [4]),
    ("É", [0, 1, 2, 3, 4]),
    ("ff", [2]),
    ("td", [1]),
    ("zz", []),
    ("_", [3]),
    ("oo nothing", []),
    ("contoso name", []),
]


def test_any_part_of_any_field_is_found(store, tenant, other_tenant, customers) -> None:
    with store.read(TenantScope(tenant)) as session:
        for words, places in WORDS:
            wanted = [customers[at] for at in places]
            assert sorted(hits(session, TABLE, tenant, words, 10)) == wanted, words
            walk = select(TABLE.c.id).where(
                TABLE.c.tenant_id == tenant, holds(TABLE.c.search_text, words)
            )
            assert sorted(session.scalars(walk)) == wanted, words
        assert len(hits(session, TABLE, tenant, "example", 2)) == 2
    with store.read(TenantScope(other_tenant)) as session:
        assert hits(session, TABLE, other_tenant, "contoso", 10) == []
        assert hits(session, TABLE, other_tenant, "qz", 10) == []


TOKENS = ((), ("|country=NO|",), ("|country=NO|", "|country=SE|"), ("|country=XX|",),
          ("|contact=Renée Name1|",))  # fmt: skip


def test_the_index_follows_every_write(store, tenant, customers, monkeypatch) -> None:
    """What is sought is what reading all rows finds, whichever way the index goes."""
    compare(store, tenant)
    with store.unit(TenantScope(tenant)) as session:
        rows = [session.get_one(Customer, key) for key in customers]
        rows[0].search_text, rows[0].facets = "qzx in other words", "|country=NO|"
        rows[1].state, rows[2].state, rows[2].facets = "merged", "deleted", ""
        rows[3].n_orders, rows[3].search_text = 7, ""
    compare(store, tenant)
    monkeypatch.setattr(search_walk, "DENSE", 0)
    monkeypatch.setattr(search_walk, "NEAR", 2)
    monkeypatch.setattr(search_walk, "_BEGINNINGS", 0)
    if store.dialect == "postgresql":
        # With rows as few as here the server would read them all.
        monkeypatch.setattr(migration, "_LOOKED_AT", 0)
        monkeypatch.setattr(migration, "_FREQUENT", 1_000_000)
        with store.unit(TenantScope(tenant)) as session:
            tables = store_search.searched_tables()
            migration.install(session.connection(), tables)
    compare(store, tenant)


def compare(store, tenant: str) -> None:
    """Seek in every combination, and look through all rows for the same."""
    with store.read(TenantScope(tenant)) as session:
        rows = session.scalars(select(Customer)).all()
        for words, group, states, instead in itertools.product(
            ("", "e", "qz", "qzx", "in", "ds", "d2.example", "_", "0%", "0% f", "o'n"),
            TOKENS,
            ((), ("active",), ("merged", "deleted")),
            ((), ("|provider=con_1|",)),
        ):
            wanted = Sought(
                words=words,
                instead=instead,
                tokens=(group,) if group else (),
                states=states,
            )
            expected = [
                (row.sort_name, row.id)
                for row in rows
                if (
                    words in row.search_text
                    or any(one in row.facets for one in instead)
                )
                and (not group or any(one in row.facets for one in group))
                and (not states or row.state in states)
            ]
            ids = session.scalars(found(session, TABLE, tenant, wanted, 99))
            assert sorted(ids) == sorted(key for _, key in expected), wanted
            if words or group:
                compare_pages(session, tenant, wanted, sorted(expected))


def compare_pages(session, tenant: str, wanted: Sought, expected: list) -> None:
    """The pages of what is sought, from every position in both directions."""
    for counted, down in itertools.product((2, 99), (False, True)):
        ordered = expected[::-1] if down else expected
        for at in range(len(ordered) + 1):
            after = ordered[at - 1] if at else None
            cut = Cut(rows=2, counted=counted, down=down, after=after)
            told = page(session, TABLE, tenant, wanted, cut)
            keys = [key for _, key in ordered[at : at + 2]]
            assert (told.number, sorted(told.ids)) == (
                min(len(expected), counted),
                sorted(keys),
            ), (wanted, cut)


def test_rows_follow_what_they_are_derived_from(store, tenant, customers) -> None:
    with store.unit(TenantScope(tenant)) as session:
        row = session.get_one(Customer, customers[1])
        assert (row.contact_name, row.n_purchased) == ("Renée Name1", 2)
        person = session.scalars(select(Contact).where(Contact.vendor_id == "p1")).one()
        person.email = "new@elsewhere.example"
        session.flush()
        assert derive(session, tenant, customers) == 1
        assert derive(session, tenant, customers) == 0
        session.refresh(row)
        assert row.contact_email == "new@elsewhere.example"
        assert hits(session, TABLE, tenant, "elsewhere", 9) == [customers[1]]
        assert hits(session, TABLE, tenant, "renee1@", 9) == []
        account = CustomerAccount.vendor_id == "tenant-0001"
        billed = session.scalars(select(CustomerAccount).where(account)).one()
        person.email, billed.email = "", "office@contoso.example"
        session.flush()
        derive(session, tenant, customers)
        session.refresh(row)
        assert row.contact_email == "office@contoso.example"
        query = facets.with_one(tenant, "country", ["SE"])
        assert session.scalars(query).all() == [customers[0]]
        row.state = "deleted"
        session.flush()
        derive(session, tenant, customers)
        kept = session.scalars(select(CustomerFacet.customer_id)).all()
        assert customers[1] not in kept
        account = CustomerAccount.vendor_id == "tenant-0004"
        session.delete(session.scalars(select(CustomerAccount).where(account)).one())
        session.delete(session.get_one(Customer, customers[4]))
        session.flush()
        assert hits(session, TABLE, tenant, "qz", 9) == []


def test_a_run_derives_whom_it_concerns(store, tenant, clock, customers) -> None:
    run = RunInfo("r", tenant, "con_1")
    row = SimpleNamespace(
        counts={"subscriptions": {"new": 2}, "customers": {"changed": 1}},
        started_at=clock.now() + timedelta(minutes=1),
    )
    with store.unit(TenantScope(tenant)) as session:
        one = session.get_one(Customer, customers[1])
        one.state, one.n_purchased = "deleted", 0
        session.get_one(Customer, customers[2]).contact_name = "wrong"
        CustomerUpkeep(None)(session, run, row)
        session.refresh(one)
        assert (one.state, one.n_purchased) == ("active", 2)
        other = session.get_one(Customer, customers[2], populate_existing=True)
        assert other.contact_name == "wrong"
        row.started_at = clock.now()
        CustomerUpkeep(None)(session, run, row)
        session.refresh(other)
        assert other.contact_name == "Renée Name2"
    with store.read(TenantScope(tenant)) as session:
        said = session.scalars(select(AuditEntry.action)).all()
    assert said == ["customer.revive"]


def test_the_job_goes_through_all(store, tenant, customers, monkeypatch) -> None:
    for many in (500, 0):
        monkeypatch.setattr(upkeep, "_MANY", many)
        with store.unit(TenantScope(tenant)) as session:
            for row in session.scalars(select(Customer)):
                row.contact_name, row.n_purchased, row.search_text = "wrong", 7, "x"
        done = derive_piece(store, tenant, "")
        assert done == {"last": "", "count": 5, "repaired": 5}
        with store.read(TenantScope(tenant)) as session:
            row = session.get_one(Customer, customers[1])
            assert (row.contact_name, row.n_purchased) == ("Renée Name1", 2)
            assert hits(session, TABLE, tenant, "name1", 9) == [customers[1]]


def test_every_day_what_has_drifted_is_counted_anew(
    store, tenant, customers, clock
) -> None:
    registry = JobRegistry()
    register(registry)
    jobs = Jobs(store, registry, clock)
    for _ in range(2):
        ensure_schedules(jobs)
        rules = {rule.job: rule.every_seconds for rule in jobs.schedules.rules()}
        assert rules == {"recount_customers": 86_400, "upkeep_retention": 86_400}
    with store.unit(TenantScope(tenant)) as session:
        session.get_one(Customer, customers[1]).n_purchased = 7
    context = SimpleNamespace(
        hub=SimpleNamespace(store=store, tenants=TenantService(store, clock)),
        step=lambda function, *args, name: function(*args),
        progress=lambda **_said: None,
    )
    assert recount_customers(context) == {"customers": 5, "repaired": 1}
    assert recount_customers(context) == {"customers": 5, "repaired": 0}


def test_folding() -> None:
    assert fold("  Straße  ÅSE\n") == "strasse ase"
