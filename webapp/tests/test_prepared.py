"""Prepared pages of lists: the same as built ones, for one query a request."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from entrepot.store import SystemScope, TenantMismatch, TenantScope
from entrepot_web import listing, lists
from entrepot_web.criteria import Criterion
from entrepot_web.listing import Listing, Question
from entrepot_web.lists.customers import CUSTOMERS
from entrepot_web.lists.reconciliation import ISSUES
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.prepared import PreparedLists, Unprepared
from sqlalchemy import event

ENCODER = msgspec.json.Encoder(decimal_format="string")


def every_list() -> Iterator[Listing]:
    for module in pkgutil.iter_modules(lists.__path__, "entrepot_web.lists."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Listing):
                yield value


def asked(source: Listing, tenant: str, **more: Any) -> Question:
    return Question(
        **{
            "limit": 2,
            "sort": ((source.default_sort.removeprefix("-"), False),),
            "criteria": (),
            "tenant_id": tenant,
            "secret": b"secret",
            **more,
        }
    )


@pytest.fixture
def prepared(web) -> PreparedLists:
    return PreparedLists(web.hub.store.engine.dialect)


def same(session: Any, prepared: PreparedLists, source: Listing, one: Question) -> Any:
    """Ask both ways and return the page, which must be the same."""
    built = listing.read(session, source, one)
    found = prepared.read(session, source, one)
    assert [tuple(row) for row in found.rows] == [tuple(row) for row in built.rows]
    assert [row._fields for row in found.rows] == [row._fields for row in built.rows]
    assert found.next_cursor == built.next_cursor
    assert found.prev_cursor == built.prev_cursor
    plain = prepared.read(session, source, one, plain=True)
    wanted = ENCODER.encode([tuple(row) for row in built.rows])
    assert msgspec.json.decode(ENCODER.encode(plain.rows)) == msgspec.json.decode(
        wanted
    )
    return found


def test_pages_are_those_of_every_list_in_every_order(
    web, books, tenant, prepared
) -> None:
    filled = set()
    with web.hub.store.read(TenantScope(tenant)) as session:
        for source in every_list():
            for name in source.sorts:
                for down in (False, True):
                    one = asked(source, tenant, sort=((name, down),))
                    try:
                        first = same(session, prepared, source, one)
                    except Unprepared:
                        continue
                    if first.next_cursor is None:
                        continue
                    filled.add(source.name)
                    on = replace(one, cursor=first.next_cursor)
                    second = same(session, prepared, source, on)
                    back = replace(one, cursor=second.prev_cursor)
                    again = same(session, prepared, source, back)
                    assert [tuple(r) for r in again.rows] == [
                        tuple(r) for r in first.rows
                    ]
    assert {"customers", "subscriptions", "sync-runs"} <= filled


def test_filters_take_their_values_with_each_question(
    web, books, tenant, prepared
) -> None:
    now = web.hub.clock.now()
    counts = []
    with web.hub.store.read(TenantScope(tenant)) as session:
        for criteria in (
            (Criterion("status", "eq", ("active",)),),
            (Criterion("status", "ne", ("active",)),),
            (Criterion("name", "in", ("Mail Plan 1", "Suite E3")),),
            (Criterion("name", "nin", ("Mail Plan 1", "Suite E3")),),
            (Criterion("quantity", "gte", (Decimal("60.5"),)),),
            (Criterion("quantity", "lt", (Decimal(20),)),),
            (
                Criterion("known_at", "lt", (now,)),
                Criterion("is_trial", "eq", (False,)),
            ),
            (Criterion("term_end", "gt", (now + timedelta(days=90),)),),
        ):
            one = asked(SUBSCRIPTIONS, tenant, criteria=criteria, limit=100)
            counts.append(len(same(session, prepared, SUBSCRIPTIONS, one).rows))
        two = (("name", True), ("id", False))
        mixed = asked(SUBSCRIPTIONS, tenant, sort=two, limit=3)
        first = same(session, prepared, SUBSCRIPTIONS, mixed)
        same(session, prepared, SUBSCRIPTIONS, replace(mixed, cursor=first.next_cursor))
    assert counts[0] + counts[1] == counts[6] == len(books.subscriptions)
    assert counts[2] + counts[3] == len(books.subscriptions)
    assert min(counts[:7]) > 0
    assert counts[7] == 0
    # An amount is kept scaled, in a cursor's condition as well.
    seen: list[str] = []
    one = asked(SUBSCRIPTIONS, tenant, sort=(("quantity", True),), limit=20)
    with web.hub.store.read(TenantScope(tenant)) as session:
        while True:
            page = same(session, prepared, SUBSCRIPTIONS, one)
            seen += [row.id for row in page.rows]
            if page.next_cursor is None:
                break
            one = replace(one, cursor=page.next_cursor)
    assert sorted(seen) == sorted(books.subscriptions)


def test_what_needs_an_index_or_is_another_resellers_is_refused(
    web, books, tenant, prepared, other_tenant
) -> None:
    provider = Criterion("connection_id", "eq", (books.vendor,))
    part = Criterion("name", "contains", ("a",))
    with web.hub.store.read(TenantScope(tenant)) as session:
        for source, more in (
            (CUSTOMERS, {"text": "winery"}),
            (CUSTOMERS, {"criteria": (provider,)}),
            (CUSTOMERS, {"criteria": (part,)}),
            (ISSUES, {}),
        ):
            for _ in range(2):
                with pytest.raises(Unprepared):
                    prepared.read(session, source, asked(source, tenant, **more))
    with (
        web.hub.store.read(TenantScope(other_tenant)) as session,
        pytest.raises(TenantMismatch),
    ):
        prepared.read(session, CUSTOMERS, asked(CUSTOMERS, tenant))
    with web.hub.store.read(TenantScope(other_tenant)) as session:
        page = prepared.read(session, CUSTOMERS, asked(CUSTOMERS, other_tenant))
        assert list(page.rows) == []
    with (
        web.hub.store.read(SystemScope("test")) as session,
        pytest.raises(TenantMismatch),
    ):
        prepared.read(session, CUSTOMERS, asked(CUSTOMERS, tenant))


def test_page_of_the_api_is_one_query_in_one_transaction(web, machine, books) -> None:
    store = web.hub.store
    for path in ("/subscriptions", "/offers", "/psa/lines"):
        first = machine("GET", path)
        assert first.status_code == 200
        with heard(store) as (statements, taken):
            second = machine("GET", path)
        assert second.data == first.data
        assert second.headers["ETag"] == first.headers["ETag"]
        # The first calls of a credential are counted one by one, with the others.
        counted = [one for one in statements if "rate_window" in one]
        assert len(statements) - len(counted) == 1
        assert len(taken) - len(counted) == 1


@contextmanager
def heard(store: Any) -> Iterator[tuple[list[str], list[object]]]:
    """Hear what is said to the database, and in how many transactions."""
    statements: list[str] = []
    taken: list[object] = []

    def said(_connection: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        statements.append(text)

    def took(connection: object, *_rest: Any) -> None:
        taken.append(connection)

    engines = {id(one): one for one in (store.engine, store.readers)}.values()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", said)
        event.listen(engine, "checkout", took)
    yield statements, taken
    for engine in engines:
        event.remove(engine, "before_cursor_execute", said)
        event.remove(engine, "checkout", took)
