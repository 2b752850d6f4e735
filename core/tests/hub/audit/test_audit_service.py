from __future__ import annotations

import pytest
from entrepot.hub.audit.service import AuditQuery, AuditService
from entrepot.sdk.errors import Rejected
from entrepot.store import (
    ALL_PERMISSIONS,
    Actor,
    PermissionDenied,
    Store,
    TenantScope,
    audit,
    operator_actor,
)
from entrepot.store.audit_log import Subject


@pytest.fixture
def service(store: Store) -> AuditService:
    return AuditService(store, store.clock)


@pytest.fixture
def admin(tenant: str) -> Actor:
    return Actor("usr_1", "user", tenant, "Ada Admin", ALL_PERMISSIONS)


@pytest.fixture
def filled(store: Store, admin: Actor) -> Actor:
    for number in range(7):
        with store.unit(TenantScope(admin.tenant_id)) as session:
            audit(
                session,
                admin,
                action="contact.change" if number % 2 else "contact.create",
                subject=Subject("contact", f"c{number}", person=f"p{number % 2}"),
                why=f"reason {number}",
                after={"mail": f"person{number}@example.com"},
                plugin="fake 1.0",
            )
    return admin


def test_pages_are_newest_first_and_complete(service: AuditService, filled: Actor):
    seen, cursor = [], None
    while True:
        page = service.list(filled, AuditQuery(limit=3, cursor=cursor))
        seen += [entry.seq for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    last = service.list(filled, AuditQuery(limit=1)).entries[0]
    assert last.actor_name == "Ada Admin"
    assert last.after == {"mail": "person6@example.com"}
    assert (last.plugin, last.why) == ("fake 1.0", "reason 6")


def test_filters_restrict(service: AuditService, filled: Actor):
    changes = service.list(filled, AuditQuery(action="contact.change")).entries
    assert [entry.seq for entry in changes] == [6, 4, 2]
    one = AuditQuery(subject_kind="contact", subject_id="c3", actor_id="usr_1")
    assert [entry.seq for entry in service.list(filled, one).entries] == [4]
    with pytest.raises(Rejected) as wrong:
        service.list(filled, AuditQuery(cursor="abc"))
    assert wrong.value.info.field == "cursor"


def test_other_resellers_see_nothing(service: AuditService, filled, other_tenant):
    foreign = Actor("usr_2", "user", other_tenant, "Eve", ALL_PERMISSIONS)
    assert service.list(foreign).entries == ()
    reports = service.verify(foreign)
    assert [(r.tenant_id, r.entries) for r in reports] == [(other_tenant, 0)]


def test_erasing_a_person_keeps_the_chain_valid(
    service: AuditService, filled: Actor, store: Store
):
    assert service.erase_payload(filled, "p1", "request 12") == 3
    assert service.erase_payload(filled, "p1", "again") == 0
    report = service.verify(filled)[0]
    assert (report.broken, report.entries) == (None, 9)
    entries = {e.seq: e for e in service.list(filled).entries}
    assert entries[2].after is None
    assert entries[2].actor_name is None
    assert entries[2].why is None
    assert entries[2].erased_at == store.clock.now()
    assert entries[1].after == {"mail": "person0@example.com"}
    assert entries[8].action == "audit.erase"
    assert len(entries[8].after["erased"]) == 3


def test_permissions_are_asked_for(service: AuditService, tenant: str):
    reader = Actor("usr_3", "user", tenant, "Reader", frozenset({"audit:read"}))
    nobody = Actor("usr_4", "user", tenant, "Nobody")
    assert service.list(reader).entries == ()
    for call in (service.list, service.verify):
        with pytest.raises(PermissionDenied, match="audit:read"):
            call(nobody)
    with pytest.raises(PermissionDenied, match="audit:write"):
        service.erase_payload(reader, "p", "x")
    with pytest.raises(PermissionDenied):
        service.erase_payload(operator_actor(), "p", "x")
