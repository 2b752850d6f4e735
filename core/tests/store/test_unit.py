from __future__ import annotations

import pytest
from entrepot.hub.tenants.tables import Tenant
from entrepot.store import (
    NestedUnit,
    Store,
    SystemScope,
    TenantMismatch,
    TenantScope,
    TenantScopeMissing,
    in_unit,
)
from entrepot.store.secrets import ConnectionSecret
from sqlalchemy import exists, func, select, text, union_all, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased


def _secret(tenant: str | None, name: str) -> ConnectionSecret:
    return ConnectionSecret(
        tenant_id=tenant,
        connection_id="con_1",
        name=name,
        ciphertext="x",
        key_id="k",
        version=1,
    )


@pytest.fixture
def two(store: Store, tenant: str, other_tenant: str) -> tuple[str, str]:
    with store.unit(SystemScope("tests")) as session:
        session.add_all([_secret(tenant, "mine"), _secret(other_tenant, "theirs")])
    return tenant, other_tenant


def test_orm_select_sees_own_rows_only(store: Store, two: tuple[str, str]):
    with store.read(TenantScope(two[0])) as session:
        assert session.scalars(select(ConnectionSecret.name)).all() == ["mine"]
        assert session.scalar(select(func.count()).select_from(ConnectionSecret)) == 1


def test_orm_get_of_a_foreign_row_is_none(store: Store, two: tuple[str, str]):
    with store.read(TenantScope(two[0])) as session:
        assert session.get(ConnectionSecret, (two[0], "con_1", "mine")) is not None
        assert session.get(ConnectionSecret, (two[1], "con_1", "theirs")) is None


def test_orm_update_touches_own_rows_only(store: Store, two: tuple[str, str]):
    with store.unit(TenantScope(two[0])) as session:
        session.execute(update(ConnectionSecret).values(ciphertext="new"))
    with store.read(SystemScope("tests")) as session:
        found = session.execute(
            select(ConnectionSecret.name, ConnectionSecret.ciphertext)
        ).all()
    assert dict(tuple(row) for row in found) == {"mine": "new", "theirs": "x"}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM connection_secret",
        "SELECT c.name FROM tenant t, connection_secret AS c WHERE t.id = :t",
        "UPDATE connection_secret SET tenant_id = :t",
        "DELETE FROM connection_secret WHERE tenant_id <> :t",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM connection_secret)",
    ],
)
def test_text_without_criterion_is_refused(
    store: Store, two: tuple[str, str], statement: str
):
    with store.unit(TenantScope(two[0])) as session:
        with pytest.raises(TenantScopeMissing):
            session.execute(text(statement), {"t": two[0]})
        session.rollback()


def test_core_select_without_criterion_is_refused(store: Store, two: tuple[str, str]):
    table = ConnectionSecret.__table__
    with store.read(TenantScope(two[0])) as session:
        with pytest.raises(TenantScopeMissing):
            session.execute(select(table.c.name))
        own = select(table.c.name).where(table.c.tenant_id == two[0])
        assert session.scalars(own).all() == ["mine"]
        foreign = select(table.c.name).where(table.c.tenant_id == two[1])
        with pytest.raises(TenantMismatch):
            session.execute(foreign)


def test_criteria_must_name_the_scopes_reseller(store: Store, two: tuple[str, str]):
    table = ConnectionSecret.__table__
    with store.read(TenantScope(two[0])) as session:
        for criterion in (
            table.c.tenant_id == two[1],
            table.c.tenant_id.in_(two),
        ):
            query = select(table.c.name).where(criterion, table.c.key_id != two[0])
            with pytest.raises(TenantMismatch):
                session.execute(query)
        own = table.c.tenant_id.in_([two[0]])
        assert session.scalars(select(table.c.name).where(own)).all() == ["mine"]


def test_orm_subqueries_aliases_and_unions_are_filtered(
    store: Store, two: tuple[str, str]
):
    other = aliased(ConnectionSecret)
    inner = select(ConnectionSecret.name).scalar_subquery()
    with store.read(TenantScope(two[0])) as session:
        for query in (
            select(ConnectionSecret.name).where(ConnectionSecret.name.in_(inner)),
            select(other.name),
            select(ConnectionSecret.name).join(other, other.name != "x"),
            select(ConnectionSecret.name).where(
                exists(select(1).where(other.version > 0))
            ),
            select(select(ConnectionSecret.name).subquery().c.name),
            union_all(
                select(ConnectionSecret.name),
                select(other.name).where(other.name == "none"),
            ),
        ):
            assert session.scalars(query).all() == ["mine"], str(query)


def test_engine_without_unit_is_refused(store: Store, two: tuple[str, str]):
    with store.engine.connect() as connection, pytest.raises(TenantScopeMissing):
        connection.execute(text("SELECT name FROM connection_secret"))


def test_insert_is_filled_and_foreign_insert_refused(
    store: Store, two: tuple[str, str]
):
    with store.unit(TenantScope(two[0])) as session:
        session.add(_secret(None, "filled"))
    with store.read(TenantScope(two[0])) as session:
        assert session.get(ConnectionSecret, (two[0], "con_1", "filled")) is not None
    with pytest.raises(TenantMismatch), store.unit(TenantScope(two[0])) as session:
        session.add(_secret(two[1], "foreign"))
    with pytest.raises(TenantMismatch), store.unit(TenantScope(two[0])) as session:
        session.execute(
            ConnectionSecret.__table__.insert(),
            [
                {
                    "tenant_id": two[1],
                    "connection_id": two[0],
                    "name": "n",
                    "ciphertext": "",
                    "key_id": "",
                    "version": 1,
                }
            ],
        )


def test_unit_rolls_back_on_error_and_does_not_nest(store: Store, tenant: str):
    assert not in_unit()
    with pytest.raises(ZeroDivisionError), store.unit(TenantScope(tenant)) as session:
        assert in_unit()
        session.add(_secret(None, "lost"))
        session.flush()
        with pytest.raises(NestedUnit), store.unit(TenantScope(tenant)):
            pass
        _ = 1 / 0
    assert not in_unit()
    with store.read(TenantScope(tenant)) as session:
        assert not in_unit()
        assert session.scalars(select(ConnectionSecret)).all() == []


def test_read_unit_refuses_to_write(store: Store, tenant: str):
    with store.read(TenantScope(tenant)) as session:
        session.add(_secret(None, "no"))
        with pytest.raises(DBAPIError):
            session.flush()
        session.rollback()
    with store.unit(TenantScope(tenant)) as session:
        session.add(_secret(None, "yes"))


def test_reader_does_not_wait_for_a_writer(store: Store, tenant: str):
    with store.unit(SystemScope("tests")) as writer:
        writer.get_one(Tenant, tenant).name = "Changed"
        writer.flush()
        with store.read(SystemScope("tests")) as reader:
            assert reader.get_one(Tenant, tenant).name == "Alpha"


def test_orm_objects_can_be_changed_and_refreshed(store: Store, two: tuple[str, str]):
    with store.unit(TenantScope(two[0])) as session:
        row = session.get_one(ConnectionSecret, (two[0], "con_1", "mine"))
        row.ciphertext = "changed"
        session.flush()
        session.refresh(row)
        assert row.ciphertext == "changed"
        session.expire(row)
        assert row.version == 1
