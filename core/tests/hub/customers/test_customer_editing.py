"""Adding, changing, deleting and erasing customers; fields, books, views."""

from __future__ import annotations

import pytest
from entrepot.hub.customers.importing import COLUMNS
from entrepot.hub.customers.records import CustomerDetail
from entrepot.hub.customers.rules import CustomerInvalid, problems
from entrepot.hub.customers.service import CustomerQuery, CustomerService
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccountFact
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store import TenantScope
from entrepot.store.actor import Actor, PermissionDenied
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from sqlalchemy import select


@pytest.fixture
def service(store, clock) -> CustomerService:
    return CustomerService(store, clock)


def actions(store, tenant) -> list[str]:
    with store.read(TenantScope(tenant)) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def test_a_customer_is_added_changed_and_deleted(service, store, tenant, owner) -> None:
    made = service.editing.create(owner, {"name": "Nordlys AS", "custom_id": "N-1"}, {})
    assert [one.id for one in service.list(owner, CustomerQuery(text="n-1")).items] == [
        made
    ]
    change = {"email": "Post@Nordlys.example", "country": "no"}
    service.editing.change(owner, made, version=1, fields=change, custom={})
    found = service.editing.details(owner, made)
    assert found.fields["email"] == "post@nordlys.example"
    assert (found.fields["country"], found.version) == ("NO", 2)
    with pytest.raises(Conflict):
        service.editing.change(owner, made, version=1, fields=change, custom={})
    with pytest.raises(CustomerInvalid, match="Another customer has this id"):
        service.editing.create(owner, {"name": "Other", "custom_id": "N-1"}, {})
    service.editing.delete(owner, made, why="closed", version=2)
    assert service.list(owner, CustomerQuery(text="nordlys")).items == ()
    with pytest.raises(NotFound):
        service.editing.delete(owner, made, why="again")
    service.editing.create(owner, {"name": "Other", "custom_id": "N-1"}, {})
    assert actions(store, tenant) == [
        "customer.create", "customer.change", "customer.delete", "customer.create",
    ]  # fmt: skip


def test_a_customer_with_live_subscriptions_stays(service, owner, customers) -> None:
    with pytest.raises(Conflict, match="Contoso Ltd has 2 live subscriptions: A"):
        service.editing.delete(owner, customers[1], why="")
    viewer = Actor("u", "user", owner.tenant_id, "V", frozenset({"customers:read"}))
    with pytest.raises(PermissionDenied):
        service.editing.delete(viewer, customers[2], why="")
    with pytest.raises(PermissionDenied):
        service.editing.create(viewer, {"name": "X"}, {})


WRONG = [
    ("country", "ZZ"), ("email", "nobody"), ("phone", "0049 30 1"), ("locale", "xx-NO"),
    ("kind", "group"), ("name", "a\tb"), ("tax_id", "9" * 101), ("login", "ana"),
]  # fmt: skip


def test_fields_are_checked() -> None:
    for field, value in WRONG:
        assert [one.field for one in problems({field: value})] == [field], field
    assert [one.text for one in problems({"country": "US", "postal_code": "1234"})] == [
        "In US it looks like 98052 or 98052-6399."
    ]
    right = {"country": "DE", "postal_code": "10115", "phone": "+49 30 123456",
             "locale": "de-DE", "tax_id": "00123"}  # fmt: skip
    assert list(problems(right)) == []


def test_a_person_is_erased_and_the_chain_stays(
    service, store, tenant, owner, customers, clock
) -> None:
    one = customers[1]
    service.editing.change(
        owner, one, version=1, fields={"given_name": "Ada", "phone": "+47 2200 0000"},
        custom={},
    )  # fmt: skip
    with store.unit(TenantScope(tenant)) as session:
        account = service.accounts(owner, one)[0].id
        session.add(
            CustomerAccountFact(
                object_id=account, known_at=clock.now(), tenant_id=tenant,
                connection_id="con_1", valid_from=clock.now(), run_id="r", change="new",
                payload={"name": "Contoso Ltd", "email": "ada@c.example",
                         "contacts": [{"email": "x"}]},
            )
        )  # fmt: skip
    with pytest.raises(Rejected):
        service.erasing.erase(owner, one, why=" ")
    done = service.erasing.erase(owner, one, why="request of 21 November")
    assert (done.contacts, done.accounts, done.facts) == (1, 1, 1)
    assert done.audit_entries == 1
    with store.read(TenantScope(tenant)) as session:
        row = session.get_one(Customer, one)
        assert (row.name, row.contact_name, row.contact_email) == (
            "Contoso Ltd",
            "",
            "",
        )
        assert "renee1" not in row.search_text
        fact = session.scalars(select(CustomerAccountFact)).one()
        assert fact.payload == {"name": "Contoso Ltd", "email": "", "contacts": []}
        said = session.scalars(
            select(AuditPayload.document).where(AuditPayload.document.is_not(None))
        )
        assert "Ada" not in str(said.all())
        assert session.get_one(CustomerDetail, one).erased_at == clock.now()
        people = session.scalars(select(Contact.email).order_by(Contact.vendor_id))
        assert people.all()[1] == ""


def test_custom_fields_are_demanded_searched_and_kept(
    service, owner, customers
) -> None:
    tier = service.fields.add(
        owner, key="tier", label="Tier", kind="choice", options=["Gold", "Iron"]
    )
    with pytest.raises(Conflict):
        service.fields.add(owner, key="tier", label="Other")
    with pytest.raises(CustomerInvalid, match="Choose one of Gold, Iron"):
        service.editing.create(owner, {"name": "A"}, {tier.id: "Wood"})
    made = service.editing.create(owner, {"name": "A"}, {tier.id: "Gold"})
    assert service.list(owner, CustomerQuery(text="gold")).items[0].id == made
    with pytest.raises(Conflict, match="1 customers have a value in Tier"):
        service.fields.remove(owner, tier.id)

    def renamed(label: str) -> None:
        service.fields.change(
            owner,
            tier.id,
            version=tier.version,
            label=label,
            options=["Gold"],
            required=True,
        )

    renamed("Level")
    with pytest.raises(Conflict, match="Somebody changed the field Level meanwhile"):
        renamed("Rank")
    with pytest.raises(CustomerInvalid, match="Level is required"):
        service.editing.create(owner, {"name": "B"}, {})
    service.editing.change(owner, customers[0], version=1, fields={}, custom={})
    for key, kind in (("Bad Key", "text"), ("good", "colour"), ("opts", "choice")):
        with pytest.raises(Rejected):
            service.fields.add(owner, key=key, label="X", kind=kind)


def test_price_books_are_assigned_to_many(
    service, store, tenant, owner, customers
) -> None:
    book = service.price_books.create(owner, name="Retail", currency="nok")
    with pytest.raises(Conflict):
        service.price_books.create(owner, name="Retail", currency="EUR")
    done = service.price_books.assign(owner, book.id, [*customers[:3], "cus_no"])
    assert (done.changed, done.same) == (3, 0)
    assert done.refused == (("cus_no", "There is no such customer."),)
    assert service.price_books.assign(owner, book.id, customers[:3]).same == 3
    assert service.price_books.get(owner, book.id).customers == 3
    assert actions(store, tenant).count("customer.price_book") == 3
    with pytest.raises(Conflict, match="3 customers have"):
        service.price_books.remove(owner, book.id)
    service.price_books.assign(owner, None, customers)
    service.price_books.remove(owner, book.id)
    with pytest.raises(NotFound):
        service.price_books.assign(owner, book.id, customers)


def test_views_are_shared_within_a_reseller(service, owner, other_tenant) -> None:
    views = service.views
    assert views.read(owner, "customers").columns is None
    views.choose_columns(owner, "customers", ["email", "state"])
    views.save(owner, "customers", "Norway", "country=NO")
    views.save(owner, "customers", "Norway", "country=NO&sort=-name")
    colleague = Actor("usr_2", "user", owner.tenant_id, "Bo", frozenset())
    assert views.read(colleague, "customers").columns == ("email", "state")
    (saved,) = views.read(colleague, "customers").saved
    assert (saved.name, saved.query) == ("Norway", "country=NO&sort=-name")
    stranger = Actor("usr_3", "user", other_tenant, "C", owner.permissions)
    assert views.read(stranger, "customers").columns is None
    assert views.read(stranger, "customers").saved == ()
    with pytest.raises(NotFound):
        views.remove(stranger, saved.id)
    with pytest.raises(PermissionDenied):
        views.save(colleague, "customers", "x", "")
    views.remove(owner, saved.id)
    assert views.read(owner, "customers").saved == ()


HEAD = ",".join([*COLUMNS, "attribute:tier"])
GOOD = (
    "{login},{id},office.{login},,Ana,Silva,+47 2200 0000,no,0150,,Oslo,Main 1,"
    "Business,00123,en-US,{name},Gold"
)


def line(number: int, name: str = "Nordlys AS", **changes: str) -> str:
    text = GOOD.format(login=f"a{number}@x.example", id=f"E-{number}", name=name)
    cells = dict(zip(HEAD.split(","), text.split(","), strict=True))
    return ",".join({**cells, **changes}.values())


def test_a_file_is_checked_then_taken_in_and_can_be_sent_twice(
    service, store, tenant, owner
) -> None:
    field = service.fields.add(owner, key="tier", label="Tier")
    bad = {"telvoice": "0049 1", "countrycode": "ZZ", "accounttype": "Group"}
    bad["sendinvitation"] = "Yes"
    text = "\n".join(
        [HEAD, line(1), line(2, name=""), line(3, **bad), line(4, locale=""),
         line(5, login="a4@x.example"), line(6, countrycode="us", postalcode="98052")]
    )  # fmt: skip
    dry = service.imports.run(owner, name="c.csv", text=text)
    assert dry.counts == {"created": 2, "rejected": 4}
    assert service.count(owner) == 0
    by_row = {one["row"]: one for one in dry.rows}
    assert by_row[3]["warnings"][0][0] == "companyname"
    assert {column for column, _ in by_row[4]["errors"]} >= {
        *("accounttype", "sendinvitation"),
    }
    assert by_row[5]["errors"][0] == ["locale", "It is required."]
    assert by_row[6]["errors"][0][0] == "login"
    assert ["regioncode", "It is required in this country."] in by_row[7]["errors"]
    real = service.imports.run(owner, name="c.csv", text=text, dry_run=False)
    assert real.counts == dry.counts
    again = service.imports.run(owner, name="c.csv", text=text, dry_run=False)
    assert again.counts == {"unchanged": 2, "rejected": 4}
    renamed = f"{HEAD}\n{line(2, name='Sol AS')}"
    done = service.imports.run(owner, name="d.csv", text=renamed, dry_run=False)
    assert done.counts == {"updated": 1}
    assert done.rows[0]["customer_id"] == again.rows[1]["customer_id"]
    details = service.editing.details(owner, done.rows[0]["customer_id"])
    assert details.fields["tax_id"] == "00123"
    assert details.custom == {field.id: "Gold"}
    assert "Silva" not in str(service.imports.get(owner, done.id))


def test_a_wrong_head_is_refused_as_a_whole(service, owner) -> None:
    for text, said in (
        ("", "lacks the columns"),
        ("login,shoe\n", "no column 'shoe'"),
        (f"{HEAD[:-15]},login\n", "twice"),
        (f"{HEAD}\n", "no column 'attribute:tier'"),
    ):
        with pytest.raises(Rejected, match=said):
            service.imports.run(owner, name="x", text=text)
