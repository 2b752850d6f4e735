from __future__ import annotations

from datetime import UTC, datetime

import pytest
from entrepot.hub.customers.tables import CustomerAccountFact as Fact
from entrepot.store import Store, SystemScope, TenantScope
from entrepot.store.erasure import erasing
from entrepot.store.facts import as_of, history
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError


def day(month: int, number: int = 1) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def _add(store: Store, tenant: str, *facts: tuple[str, datetime, datetime, str]):
    with store.unit(TenantScope(tenant)) as session:
        for object_id, valid, known, name in facts:
            session.add(
                Fact(
                    object_id=object_id,
                    known_at=known,
                    tenant_id=tenant,
                    connection_id="con_1",
                    valid_from=valid,
                    run_id="run",
                    change="gone" if name == "gone" else "changed",
                    payload={"name": name},
                )
            )


def _at(store: Store, tenant: str, valid, known, *, gone: bool = False):
    with store.read(TenantScope(tenant)) as session:
        query = as_of(select(Fact), Fact, valid_at=valid, known_at=known, gone=gone)
        return {f.object_id: f.payload["name"] for f in session.scalars(query)}


@pytest.fixture
def told(store: Store, tenant: str, other_tenant: str) -> str:
    _add(
        store,
        tenant,
        ("a", day(1), day(1, 10), "first"),
        ("a", day(3), day(3, 10), "second"),
        ("a", day(2), day(4, 10), "corrected"),
        ("b", day(2), day(2, 10), "other"),
        ("b", day(5), day(5, 10), "gone"),
    )
    _add(store, other_tenant, ("a", day(1), day(6), "foreign"))
    return tenant


@pytest.mark.parametrize(
    ("valid", "known", "expected"),
    [
        (day(1), day(1, 9), {}),
        (day(1), day(1, 10), {"a": "first"}),
        (day(2, 15), day(3, 11), {"a": "first", "b": "other"}),
        (day(3, 15), day(3, 11), {"a": "second", "b": "other"}),
        (day(3, 15), day(4, 11), {"a": "corrected", "b": "other"}),
        (day(2, 15), day(4, 11), {"a": "corrected", "b": "other"}),
        (day(1, 15), day(6), {"a": "first"}),
        (day(5, 15), day(6), {"a": "corrected"}),
        (day(4, 15), day(6), {"a": "corrected", "b": "other"}),
    ],
)
def test_state_as_of_two_times(store: Store, told: str, valid, known, expected):
    assert _at(store, told, valid, known) == expected


def test_gone_objects_can_be_asked_for(store: Store, told: str):
    found = _at(store, told, day(5, 15), day(6), gone=True)
    assert found == {"a": "corrected", "b": "gone"}


def test_history_is_in_the_order_learnt(store: Store, told: str):
    with store.read(TenantScope(told)) as session:
        names = [f.payload["name"] for f in session.scalars(history(Fact, "a"))]
    assert names == ["first", "second", "corrected"]


@pytest.mark.parametrize("statement", [update(Fact).values(run_id="x"), delete(Fact)])
def test_facts_are_never_changed(store: Store, told: str, statement):
    for scope in (TenantScope(told), SystemScope("tests")):
        with (
            pytest.raises(DBAPIError, match="append-only"),
            store.unit(scope) as session,
        ):
            session.execute(statement)
    assert _at(store, told, day(1), day(1, 10)) == {"a": "first"}


def test_retention_may_delete_them(store: Store, told: str, other_tenant: str):
    with store.unit(SystemScope("retention")) as session, erasing(session, "old"):
        session.execute(delete(Fact).where(Fact.known_at < day(4)))
    assert _at(store, told, day(6), day(6)) == {"a": "corrected"}
    assert _at(store, other_tenant, day(6), day(6)) == {"a": "foreign"}
