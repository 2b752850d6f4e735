from __future__ import annotations

import psycopg
import pytest
from entrepot.hub.tenants.tables import Tenant
from entrepot.store import Store, SystemScope, TenantScope, audit, system_actor
from entrepot.store.audit_tables import AuditEntry
from entrepot.store.engine import WEB_ROLE
from entrepot.store.erasure import ErasurePermit
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError


@pytest.fixture
def database_kind() -> str:
    """Row-level security exists on PostgreSQL only."""
    return "postgresql"


@pytest.fixture
def raw(settings, store: Store, tenant: str, other_tenant: str):
    """A driver connection in the web's role: past our own guard."""
    for owner in (tenant, other_tenant):
        with store.unit(TenantScope(owner)) as session:
            actor = system_actor("tests", owner)
            audit(session, actor, action="a.b", subject=("a", owner))
    url = settings.database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SET ROLE {WEB_ROLE}")
        yield connection


def _names(raw) -> set[str]:
    return {row[0] for row in raw.execute("SELECT subject_id FROM audit_entry")}


def test_raw_sql_without_reseller_sees_nothing(raw):
    assert _names(raw) == set()
    assert raw.execute("SELECT count(*) FROM tenant").fetchone() == (0,)
    assert raw.execute("UPDATE tenant SET name = 'x'").rowcount == 0


def test_raw_sql_sees_and_writes_its_own_reseller_only(raw, tenant, other_tenant):
    raw.execute("SELECT set_config('entrepot.tenant', %s, false)", (tenant,))
    assert _names(raw) == {tenant}
    own = "INSERT INTO audit_head VALUES (%s, 9, 'x')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(own, (other_tenant,))
    moved = "UPDATE tenant SET id = %s WHERE id = %s"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(moved, ("ten_x", tenant))


def test_web_role_cannot_lift_the_append_only_rule(raw, tenant):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute("INSERT INTO erasure_permit VALUES ('erp_1', 'because')")
    raw.execute("SELECT set_config('entrepot.tenant', %s, false)", (tenant,))
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        raw.execute("DELETE FROM audit_entry")


def test_web_role_cannot_log_in_or_bypass(raw):
    query = "SELECT rolcanlogin, rolbypassrls, rolsuper FROM pg_roles WHERE rolname=%s"
    assert raw.execute(query, (WEB_ROLE,)).fetchone() == (False, False, False)


def test_web_units_work_under_the_role(web_store: Store, raw, tenant, other_tenant):
    with web_store.unit(TenantScope(tenant)) as session:
        assert session.scalar(text("SELECT current_user")) == WEB_ROLE
        cursor = session.connection().connection.cursor()
        cursor.execute("SELECT subject_id FROM audit_entry")
        assert cursor.fetchall() == [(tenant,)]
        actor = system_actor("web", tenant)
        audit(session, actor, action="c.d", subject=("c", "1"))
    with web_store.read(TenantScope(other_tenant)) as session:
        assert session.scalars(select(AuditEntry.subject_id)).all() == [other_tenant]


def test_web_system_scope_is_the_owner_for_its_transaction_only(
    web_store: Store, raw, tenant, other_tenant
):
    with web_store.unit(SystemScope("sign-in")) as session:
        assert session.scalar(text("SELECT current_user")) != WEB_ROLE
        assert set(session.scalars(select(Tenant.id))) == {tenant, other_tenant}
    with web_store.engine.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == WEB_ROLE
        cursor = connection.connection.cursor()
        cursor.execute("SELECT count(*) FROM audit_entry")
        assert cursor.fetchone() == (0,)


def test_nothing_of_a_unit_survives_in_the_pool(web_store: Store, raw, tenant):
    with web_store.unit(TenantScope(tenant)):
        pass
    with web_store.engine.connect() as connection:
        query = text("SELECT current_setting('entrepot.tenant', true)")
        assert connection.scalar(query) in (None, "")


def test_web_role_reads_the_shared_tables(web_store: Store, tenant):
    with web_store.read(TenantScope(tenant)) as session:
        assert session.scalars(select(ErasurePermit)).all() == []
        assert session.scalar(text("SELECT count(*) FROM hub_state")) >= 2
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        web_store.unit(TenantScope(tenant)) as session,
    ):
        session.execute(text("DELETE FROM alembic_version"))
