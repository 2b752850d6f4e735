"""What keeps long lists fast: indexes instead of sorting, jobs instead of waiting."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from entrepot.hub.customers import works
from entrepot.hub.customers.tables import Customer
from entrepot.hub.customers.upkeep import derive
from entrepot.store import TenantScope, search_walk
from entrepot_web import listing
from entrepot_web.api import customer_records, customer_works
from sqlalchemy import Engine, event

HEAD = (
    "login,externalid,contactemail,givenname,familyname,telvoice,countrycode,"
    "postalcode,city,streetaddress,accounttype,locale,companyname"
)
LINE = (
    "a{0}@x.example,E-{0},o@x.example,Ana,Silva,+47 2200 0000,no,0150,Oslo,M 1,{1},"
    "en-US,N {0}"
)
Asked = list[tuple[str, Any]]


@contextmanager
def listened() -> Iterator[Asked]:
    """Every statement with its parameters, as the database gets it."""
    found: Asked = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any):
        found.append((statement, given))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plan(web, tenant: str, statement: str, given: Any) -> str:
    """How the database answers a statement when it may choose not to sort."""
    lite = web.hub.store.dialect == "sqlite"
    with web.hub.store.read(TenantScope(tenant)) as session:
        connection = session.connection()
        if not lite:
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN "
        return str(connection.exec_driver_sql(explain + statement, given).all())


@pytest.mark.parametrize(
    "sort",
    [
        "ordered_at",
        "-ordered_at",
        "-vendor_id",
        "status",
        "-ordered_at&filter[connection_id]=VENDOR",
    ],
)
def test_orders_of_all_customers_are_walked_not_sorted(
    web, machine, books, tenant, sort
) -> None:
    sort = sort.replace("VENDOR", books.vendor)
    first = machine("GET", f"/orders?sort={sort}&limit=1")
    cursor = first.json["page"]["next_cursor"]
    after = f"&cursor={cursor}" if cursor else ""
    with listened() as asked:
        assert machine("GET", f"/orders?sort={sort}&limit=1{after}").status_code == 200
    pages = [one for one in asked if "FROM vendor_order" in one[0]]
    assert pages
    for statement, given in pages:
        told = plan(web, tenant, statement, given)
        assert "TEMP B-TREE" not in told, told
        assert "Sort" not in told, told
        # PostgreSQL chooses by what is in the table; here it is next to nothing.
        if "filter" in sort and web.hub.store.dialect == "sqlite":
            assert "ix_vendor_order_tenant_id_connection_id_day_id" in told, told


def test_names_of_plans_are_searched_once_each(machine, browser, books) -> None:
    with listened() as asked:
        found = machine("GET", "/subscriptions?q=premium&include=total")
        none = machine("GET", "/subscriptions?q=zzqx&include=total")
        assert browser.get("/search?q=zzqx").status_code == 200
    assert found.json["data"]
    assert none.json["meta"]["total"] == 0
    assert not [one for one, _ in asked if "lower(subscription.name)" in one]


def test_of_what_very_many_hold_only_some_are_counted(
    web, machine, books, monkeypatch
) -> None:
    monkeypatch.setattr(listing, "FEW", 3)
    monkeypatch.setattr(listing, "COUNT_CAP", 3)
    for path, total, exact in (
        ("/customers?q=a", 3, False),
        ("/customers?filter[state]=active", 3, False),
        ("/subscriptions?q=e", 3, False),
        ("/customers?q=a&filter[state]=deleted", 0, True),
        ("/customers?filter[name]=nobody", 0, True),
    ):
        found = machine("GET", f"{path}&include=total&limit=2").json["meta"]
        assert (found["total"], found["total_is_exact"]) == (total, exact), path
    rare = machine("GET", "/customers?q=tailspin&include=total").json["meta"]
    assert rare["total_is_exact"]
    assert rare["total"] > 0


WORDS = ("", "&q=a", "&q=zq")
FILTERS = ("", "&filter[connection_id]=VENDOR", "&filter[country][in]=NO,SE",
           "&filter[connection_id]=VENDOR&filter[country]=NO",
           "&filter[state][in]=merged,deleted", "&filter[state][in]=active,merged",
           "&filter[purchased_items][gt]=0&filter[country]=NO")  # fmt: skip
SORTS = ("-created_at", "-purchased_items,name")


def test_customers_are_the_same_however_they_are_found(
    web, machine, books, store, tenant, monkeypatch
) -> None:
    with store.unit(TenantScope(tenant)) as session:
        for at, state in ((3, "merged"), (4, "deleted")):
            session.get_one(Customer, books.customers[at]).state = state
            session.flush()
            derive(session, tenant, [books.customers[at]])
    paths = [
        f"/customers?include=total&limit=4&sort={sort}{found}{word}"
        for at, (found, word) in enumerate(itertools.product(FILTERS, WORDS))
        for sort in (("name", "-name")[at % 2], SORTS[at % 2])
    ]
    first = {path: walked(machine, path.replace("VENDOR", books.vendor))
             for path in paths}  # fmt: skip
    assert len({len(ids) for ids, _ in first.values()}) > 3
    assert all(len(ids) == total for ids, total in first.values())
    # Next, as if everything were too much to be found and sorted at once.
    few = ((listing, "COUNT_CAP"), (listing, "FEW"), (listing, "DENSE"),
           (search_walk, "DENSE"))  # fmt: skip
    for module, name in few:
        monkeypatch.setattr(module, name, 1)
    for near in (3, 100):
        monkeypatch.setattr(listing, "NEAR", near)
        monkeypatch.setattr(search_walk, "NEAR", near)
        for path, (ids, _) in first.items():
            found, _ = walked(machine, path.replace("VENDOR", books.vendor))
            assert found == ids, path


def walked(machine, path: str) -> tuple[list[str], int]:
    """The ids of all pages in order, and the total of the first."""
    ids: list[str] = []
    cursor, total = "", None
    while cursor is not None:
        found = machine("GET", path + (f"&cursor={cursor}" if cursor else "")).json
        ids += [one["id"] for one in found["data"]]
        total = found["meta"]["total"] if total is None else total
        cursor = found["page"]["next_cursor"]
    return ids, total


def test_long_files_and_long_lists_are_operations(
    web, machine, books, tenant, monkeypatch
) -> None:
    monkeypatch.setattr(customer_records, "INLINE", 1)
    for module in (works, customer_works):
        monkeypatch.setattr(module, "PART", 2)
    kinds = ("Business", "Group", "Business")
    lines = [LINE.format(at, kind) for at, kind in enumerate(kinds)]
    body = {"content": "\n".join([HEAD, *lines]), "dry_run": False}
    begun = machine("POST", "/imports", json=body)
    assert begun.status_code == 202, begun.text
    one = begun.json["id"]
    assert begun.headers["Location"] == f"/api/v1/operations/{one}"
    assert begun.json["state"] == "running"
    assert machine("GET", f"/operations/{one}").json["kind"] == "customer_work"
    finish(web, tenant, one)
    assert machine("GET", f"/imports/{one}").json["counts"] == {
        "created": 2,
        "rejected": 1,
    }
    told = machine("GET", f"/customer-works/{one}").json
    assert (told["state"], told["total"], told["parts"]) == ("done", 3, 2)
    rows = [machine("GET", f"/customer-works/{one}/parts/{at}").json["data"]
            for at in range(3)]  # fmt: skip
    assert [[row["row"] for row in part] for part in rows] == [[2, 3], [4], []]
    assert rows[0][1]["errors"][0][0] == "accounttype"

    book = machine("POST", "/price-books", json={"name": "R", "currency": "EUR"}).json
    path = f"/price-books/{book['id']}/bulk-assignments"
    for wrong in ({}, {"matching": "", "customer_ids": ["cus_0"]},
                  {"matching": "shoe=1"}, {"matching": "filter[shoe]=1"},
                  {"matching": "q=nobody-at-all"}):  # fmt: skip
        refused = machine("POST", path, json=wrong)
        assert refused.status_code == 422, refused.text
    some = machine("POST", path, json={"matching": "filter[country]=NO&q=n+2"})
    assert some.status_code == 202, some.text
    finish(web, tenant, some.json["id"])
    assert machine("GET", f"/imports/{some.json['id']}").status_code == 404
    query = f"/customers?filter[price_book_id]={book['id']}&include=total"
    assert [one["name"] for one in machine("GET", query).json["data"]] == ["N 2"]
    given = {"customer_ids": [books.customers[0], "cus_0", books.customers[0]]}
    picked = machine("POST", path, json=given).json["id"]
    finish(web, tenant, picked)
    done = machine("GET", f"/customer-works/{picked}").json["counts"]
    assert done == {"updated": 1, "rejected": 1}
    every = machine("POST", path, json={"matching": ""}).json["id"]
    finish(web, tenant, every)
    told = machine("GET", f"/customer-works/{every}").json
    assert told["counts"]["unchanged"] == 2
    assert told["done"] == told["total"] == machine("GET", query).json["meta"]["total"]


def finish(web, tenant: str, work_id: str) -> None:
    """Do what the worker would."""
    desk = web.hub.customers.works
    while desk.work(tenant, work_id)["left"]:
        pass
    desk.close(tenant, work_id, "done")
