"""Something done to many customers: in parts, once each, with every row's outcome."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from entrepot.hub.customers import works
from entrepot.hub.customers.importing import COLUMNS
from entrepot.hub.customers.jobs import work_on_customers
from entrepot.hub.customers.records import CustomerWork, CustomerWorkPart
from entrepot.hub.customers.service import CustomerService
from entrepot.hub.customers.tables import Customer
from entrepot.jobs.errors import JobCancelled
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.store import TenantScope
from entrepot.store.actor import Actor, Behalf
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from sqlalchemy import select


@pytest.fixture(autouse=True)
def small_parts(monkeypatch) -> None:
    monkeypatch.setattr(works, "PART", 2)


@pytest.fixture
def service(store, clock) -> CustomerService:
    return CustomerService(store, clock)


def run(service: Any, tenant: str, work_id: str, *, stop_after: int = 99) -> Any:
    """Do the job's control flow with steps that run at once."""
    left = [stop_after]

    def stop() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise JobCancelled(work_id)

    ctx = SimpleNamespace(
        hub=SimpleNamespace(customers=service),
        tenant_id=tenant,
        step=lambda function, *args, name: function(*args),
        progress=lambda **_: None,
        stop_if_cancelled=stop,
    )
    return work_on_customers(ctx, work_id)


def books_of(store: Any, tenant: str) -> dict[str, str | None]:
    with store.read(TenantScope(tenant)) as session:
        rows = session.execute(select(Customer.id, Customer.price_book_id))
        return dict(rows.all())


def test_a_price_book_goes_to_many_and_each_row_says_what_became(
    service, store, tenant, owner, customers
) -> None:
    book = service.price_books.create(owner, name="Retail", currency="EUR").id
    service.price_books.assign(owner, book, customers[:1])
    service.editing.delete(owner, customers[2], why="gone")
    boss = Actor(
        owner.id, "user", tenant, "Ana", owner.permissions, Behalf("op", "Op", "help")
    )
    work_id = service.works.assign(boss, book, [*customers, "cus_0"])
    assert service.works.get(owner, work_id).state == "running"
    first = service.works.work(tenant, work_id)
    assert first == {"done": 2, "total": 6, "left": True}
    counts = run(service, tenant, work_id)
    assert counts == {"unchanged": 1, "updated": 3, "rejected": 2}
    found = service.works.get(owner, work_id)
    assert (found.state, found.done, found.problem) == ("done", 6, "")
    rows = [
        row for part in range(3) for row in service.works.rows(owner, work_id, part)
    ]
    assert [row["customer_id"] for row in rows] == [*customers, "cus_0"]
    assert rows[2]["errors"] == [["", "Fourth Coffee is deleted."]]
    assert rows[5]["errors"] == [["", "There is no such customer."]]
    given = books_of(store, tenant)
    assert [one for one in customers if given[one] == book] == [
        *customers[:2],
        *customers[3:],
    ]
    assert run(service, tenant, work_id) == counts
    with store.read(TenantScope(tenant)) as session:
        entries = session.execute(
            select(AuditEntry.actor_id, AuditPayload.document)
            .join(AuditPayload, AuditPayload.id == AuditEntry.payload_id)
            .where(AuditEntry.action == "customer.price_book")
        ).all()
    assert len(entries) == 4
    assert {row.actor_id for row in entries} == {owner.id}
    assert sum("help" in str(row.document) for row in entries) == 3


def test_fields_of_many_are_set_and_wrong_ones_refused_row_by_row(
    service, owner, tenant, customers
) -> None:
    tier = service.fields.add(
        owner, key="tier", label="Tier", kind="choice", options=["Gold"], required=False
    )
    work_id = service.works.edit(
        owner, {"country": "no"}, {tier.id: "Gold"}, customers[:3]
    )
    assert run(service, tenant, work_id) == {"updated": 3}
    details = service.editing.details(owner, customers[2])
    assert (details.fields["country"], details.custom) == ("NO", {tier.id: "Gold"})
    again = service.works.edit(owner, {"country": "NO"}, {}, customers[:1])
    assert run(service, tenant, again) == {"unchanged": 1}
    wrong = service.works.edit(owner, {"country": "Norway"}, {}, customers[:3])
    assert run(service, tenant, wrong) == {"rejected": 3}
    assert service.works.rows(owner, wrong, 0)[0]["errors"][0][1]
    with pytest.raises(Rejected, match="Nothing is to be changed"):
        service.works.edit(owner, {}, {}, customers)
    with pytest.raises(Rejected, match="no rows"):
        service.works.edit(owner, {"country": "NO"}, {}, [])
    with pytest.raises(NotFound):
        service.works.assign(owner, "pbk_0", customers)
    with pytest.raises(NotFound):
        service.works.get(owner, "cwk_0")


def file_of(count: int) -> str:
    cells = (
        "a{n}@x.example,E-{n},office@x.example,,Ana,Silva,+47 2200 0000,no,0150,,Oslo,"
        "Main 1,Business,00123,en-US,Firm {n}"
    )
    return "\n".join([",".join(COLUMNS), *(cells.format(n=n) for n in range(count))])


def test_a_long_file_is_checked_taken_in_once_and_its_people_not_kept(
    service, store, owner, tenant
) -> None:
    text = file_of(5).replace("a3@x.example", "a2@x.example")
    dry = service.works.take_in(owner, name="c.csv", text=text, dry_run=True)
    assert run(service, tenant, dry) == {"created": 3, "rejected": 2}
    assert service.count(owner) == 0
    assert service.works.rows(owner, dry, 0)[0]["customer_id"] is None
    real = service.works.take_in(owner, name="c.csv", text=text, dry_run=False)
    assert run(service, tenant, real) == {"created": 3, "rejected": 2}
    assert service.count(owner) == 3
    again = service.works.take_in(owner, name="c.csv", text=text, dry_run=False)
    assert run(service, tenant, again) == {"unchanged": 3, "rejected": 2}
    checked = service.works.take_in(owner, name="c.csv", text=text, dry_run=True)
    assert run(service, tenant, checked) == {"unchanged": 3, "rejected": 2}
    assert service.works.rows(owner, checked, 0)[0]["customer_id"]
    with store.read(TenantScope(tenant)) as session:
        parts = session.scalars(select(CustomerWorkPart)).all()
        assert "Silva" not in str([(part.lines, part.rows) for part in parts])


def test_work_ends_where_it_is_cancelled_or_fails(
    service, store, owner, tenant, customers
) -> None:
    book = service.price_books.create(owner, name="Retail", currency="EUR").id
    work_id = service.works.assign(owner, book, customers)
    with pytest.raises(JobCancelled):
        run(service, tenant, work_id, stop_after=1)
    found = service.works.get(owner, work_id)
    assert (found.state, found.done) == ("cancelled", 2)
    assert sum(one == book for one in books_of(store, tenant).values()) == 2
    gone = service.price_books.create(owner, name="Gone", currency="EUR").id
    failing = service.works.assign(owner, gone, customers[3:])
    service.price_books.remove(owner, gone)
    with pytest.raises(NotFound):
        run(service, tenant, failing)
    found = service.works.get(owner, failing)
    assert (found.state, found.problem) == ("failed", "There is no such price book.")
    with store.read(TenantScope(tenant)) as session:
        assert {row.tenant_id for row in session.scalars(select(CustomerWork))} == {
            tenant
        }
