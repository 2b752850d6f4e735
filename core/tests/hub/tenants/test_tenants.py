from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from entrepot.hub.audit.service import AuditService
from entrepot.hub.tenants.export import owned_tables
from entrepot.hub.tenants.service import TenantService, slugify
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store import (
    ALL_PERMISSIONS,
    Actor,
    PermissionDenied,
    Store,
    SystemScope,
    TenantScope,
    audit,
    operator_actor,
    system_actor,
)
from entrepot.store.keys import load_keyring
from entrepot.store.secrets import SecretRef, SecretStore
from sqlalchemy import func, select

OPERATOR = operator_actor("anna")


@pytest.fixture
def service(store: Store) -> TenantService:
    return TenantService(store, store.clock)


def _fill(store: Store, tenant: str) -> None:
    secrets = SecretStore(load_keyring(store.settings))
    with store.unit(TenantScope(tenant)) as session:
        secrets.put(session, SecretRef(tenant, "con_1", "password"), "geheim")
        actor = system_actor("tests", tenant)
        audit(session, actor, action="a.b", subject=("a", "1"), after={"n": "Größe"})


def _rows(store: Store, tenant: str) -> dict[str, int]:
    with store.read(SystemScope("tests")) as session:
        return {
            table.name: session.scalar(
                select(func.count()).select_from(table).where(table.c[column] == tenant)
            )
            for table, column in owned_tables()
        }


def test_reseller_is_created_and_found(service: TenantService, store: Store):
    made = service.create(OPERATOR, " Müller & Söhne ", billing_zone="Europe/Berlin")
    assert made.slug == "muller-sohne"
    assert made.name == "Müller & Söhne"
    assert made.created_at == store.clock.now()
    assert service.get(OPERATOR, "muller-sohne") == made
    assert service.list(OPERATOR) == (made,)
    assert service.only() == made
    entry = AuditService(store, store.clock).list(OPERATOR).entries[-2]
    assert {
        e.action for e in AuditService(store, store.clock).list(OPERATOR).entries
    } == {
        "tenant.create",
        "system.work",
    }
    assert entry.actor_name in {"anna", "tenants"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "A", "slug": "Not Good"}, "slug"),
        ({"name": "A", "slug": "system"}, "slug"),
        ({"name": "漢字"}, "slug"),
        ({"name": "A", "billing_zone": "Mars/Olympus"}, "billing_zone"),
        ({"name": "A", "billing_zone": "../etc/passwd"}, "billing_zone"),
    ],
)
def test_unusable_values_name_the_field(service: TenantService, values, field):
    with pytest.raises(Rejected) as wrong:
        service.create(OPERATOR, **values)
    assert wrong.value.info.field == field
    assert wrong.value.info.remedy
    assert service.list(OPERATOR) == ()


def test_slug_is_unique(service: TenantService):
    service.create(OPERATOR, "Alpha")
    with pytest.raises(Conflict) as taken:
        service.create(OPERATOR, "alpha")
    assert taken.value.info.field == "slug"


def test_only_names_the_choice(service: TenantService):
    with pytest.raises(NotFound, match="no reseller yet"):
        service.only()
    service.create(OPERATOR, "Alpha")
    service.create(OPERATOR, "Beta")
    with pytest.raises(Rejected, match="alpha, beta"):
        service.only()


def test_reseller_sees_itself_and_manages_nothing(service: TenantService):
    alpha = service.create(OPERATOR, "Alpha")
    beta = service.create(OPERATOR, "Beta")
    admin = Actor("usr_1", "user", alpha.id, "Admin", ALL_PERMISSIONS)
    assert service.get(admin, alpha.id) == alpha
    with pytest.raises(NotFound):
        service.get(admin, beta.slug)
    with pytest.raises(PermissionDenied):
        service.list(admin)
    with pytest.raises(PermissionDenied):
        service.create(admin, "Gamma")
    with pytest.raises(PermissionDenied):
        service.suspend(admin, alpha.id, "because")
    clerk = Actor("opr", "operator", "system", "Clerk", frozenset({"tenants:read"}))
    assert len(service.list(clerk)) == 2
    with pytest.raises(PermissionDenied, match="tenants:write"):
        service.delete(clerk, alpha.id, "because")


def test_suspend_and_resume_are_recorded_once(service: TenantService, store: Store):
    alpha = service.create(OPERATOR, "Alpha")
    for _ in range(2):
        assert service.suspend(OPERATOR, "alpha", "unpaid").status == "suspended"
    assert not service.is_active(alpha.id)
    assert service.resume(OPERATOR, alpha.id, "paid").status == "active"
    assert service.is_active(alpha.id)
    assert not service.is_active("ten_nobody")
    entries = AuditService(store, store.clock).list(OPERATOR).entries
    told = [(e.action, e.why) for e in entries if e.subject_id == alpha.id]
    assert told == [
        ("tenant.resume", "paid"),
        ("tenant.suspend", "unpaid"),
        ("tenant.create", ""),
    ]
    with pytest.raises(NotFound):
        service.suspend(OPERATOR, "nobody", "x")


def test_export_holds_everything_but_secrets(
    service: TenantService, store: Store, tmp_path: Path, tenant, other_tenant
):
    _fill(store, tenant)
    _fill(store, other_tenant)
    path = tmp_path / "alpha.zip"
    counts = service.export(OPERATOR, "alpha", path)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        content = {n: archive.read(n).decode() for n in names}
    assert names == {f"{t}.ndjson" for t in counts} | {"manifest.json"}
    assert "connection_secret.ndjson" not in names
    assert json.loads(content["manifest.json"])["rows"] == counts
    rows = [json.loads(line) for line in content["audit_entry.ndjson"].splitlines()]
    assert len(rows) == counts["audit_entry"] == 1
    assert "Größe" in content["audit_payload.ndjson"]
    assert other_tenant not in "".join(content.values())
    assert json.loads(content["tenant.ndjson"])["created_at"].endswith("+00:00")
    assert set(counts) == {
        t.name for t, _ in owned_tables() if t.info.get("export") is not False
    }


def test_delete_refuses_unless_suspended_and_leaves_nothing(
    service: TenantService, store: Store, tenant, other_tenant
):
    _fill(store, tenant)
    _fill(store, other_tenant)
    kept = _rows(store, other_tenant)
    with pytest.raises(Conflict, match="only a suspended") as refused:
        service.delete(OPERATOR, "alpha", "contract ended")
    assert "entrepot tenants suspend alpha" in str(refused.value.info.remedy)
    service.suspend(OPERATOR, "alpha", "contract ended")
    counts = service.delete(OPERATOR, "alpha", "contract ended")
    assert counts["connection_secret"] == 1
    assert counts["tenant"] == 1
    assert set(_rows(store, tenant).values()) == {0}
    assert _rows(store, other_tenant) == kept
    log = AuditService(store, store.clock)
    assert [report.broken for report in log.verify(OPERATOR)] == [None, None]
    entry = next(e for e in log.list(OPERATOR).entries if e.action == "tenant.delete")
    assert (entry.subject_id, entry.why) == (tenant, "contract ended")


def test_slugify():
    assert slugify("  Größe & Co. KG ") == "groe-co-kg"
    assert len(slugify("x" * 100)) == 60
