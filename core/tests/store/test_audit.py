from __future__ import annotations

import threading

import pytest
from entrepot.sdk.redaction import Redactor
from entrepot.store import (
    Store,
    SystemScope,
    TenantScope,
    audit,
    operator_actor,
    system_actor,
)
from entrepot.store.audit_chain import verify_chain
from entrepot.store.audit_log import Subject, write_pending
from entrepot.store.audit_tables import AuditEntry, AuditHead, AuditPayload
from entrepot.store.erasure import ErasurePermit, erasing
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError


def _write(store: Store, tenant: str, count: int = 3) -> None:
    for number in range(count):
        with store.unit(TenantScope(tenant)) as session:
            audit(
                session,
                system_actor("sync", tenant),
                action="mapping.confirm",
                subject=Subject("mapping", f"map_{number}", person="per_1"),
                why="because",
                before={"state": "open"},
                after={"state": "done", "password": "hunter2"},
            )


def _broken(store: Store, tenant: str):
    with store.read(TenantScope(tenant)) as session:
        return verify_chain(session, tenant)


def test_chain_holds_and_starts_for_each_reseller(
    store: Store, tenant: str, other_tenant: str
):
    _write(store, tenant)
    _write(store, other_tenant, 1)
    assert _broken(store, tenant) is None
    with store.read(TenantScope(tenant)) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
        assert [entry.seq for entry in entries] == [1, 2, 3]
        assert entries[1].prev_hash == entries[0].hash
        assert entries[0].at == store.clock.now()
        assert entries[0].actor_kind == "system"
    assert _broken(store, other_tenant) is None
    assert _broken(store, "ten_nobody") is None


def test_secrets_are_not_recorded(store: Store, tenant: str):
    _write(store, tenant, 1)
    with store.read(TenantScope(tenant)) as session:
        payload = session.scalars(select(AuditPayload)).one()
    assert payload.document["after"] == {"password": "[redacted]", "state": "done"}
    assert payload.document["before"] == {"state": "open"}
    assert payload.document["why"] == "because"


def test_known_secret_values_are_not_recorded_anywhere(store: Store, tenant: str):
    store.redactor = Redactor(["s3cr3t-value"])
    with store.unit(TenantScope(tenant)) as session:
        actor = system_actor("x", tenant)
        why = "the vendor said: s3cr3t-value is wrong"
        after = {"note": ["a s3cr3t-value b"]}
        audit(session, actor, action="a.b", subject=("a", "1"), why=why, after=after)
    with store.read(TenantScope(tenant)) as session:
        payload = session.scalars(select(AuditPayload)).one()
    assert "s3cr3t" not in str(payload.document)
    assert payload.document["after"] == {"note": ["a [redacted] b"]}


def test_documents_are_sealed_as_they_will_be_read(store: Store, tenant: str):
    with store.unit(TenantScope(tenant)) as session:
        after = {2: "two", 10: ("ten", 1.5, "\u0000 ü 😀")}
        actor = system_actor("x", tenant)
        audit(session, actor, action="a.b", subject=("a", "r" * 200), after=after)
        with pytest.raises(TypeError):
            audit(
                session, actor, action="a.b", subject=("a", "1"), after={"x": object()}
            )
    assert _broken(store, tenant) is None


def test_entry_belongs_to_its_unit(store: Store, tenant: str):
    with pytest.raises(ZeroDivisionError), store.unit(TenantScope(tenant)) as session:
        audit(session, system_actor("x", tenant), action="a.b", subject=("a", "1"))
        _ = 1 / 0
    with store.unit(TenantScope(tenant)) as session:
        actor = system_actor("x", tenant)
        audit(session, actor, action="a.b", subject=("a", "1"))
        assert session.scalars(select(AuditEntry)).all() == []
        write_pending(session)
        assert len(session.scalars(select(AuditEntry)).all()) == 1
        audit(session, actor, action="a.c", subject=("a", "1"))
    with store.read(TenantScope(tenant)) as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq))
        assert actions.all() == ["a.b", "a.c"]
    assert _broken(store, tenant) is None


_TAMPERING = {
    "action": (update(AuditEntry).where(AuditEntry.seq == 2).values(action="x"), 2),
    "hash": (update(AuditEntry).where(AuditEntry.seq == 2).values(hash="0" * 64), 2),
    "removed": (delete(AuditEntry).where(AuditEntry.seq == 2), 2),
    "cut off": (delete(AuditEntry).where(AuditEntry.seq == 3), 3),
    "payload": (update(AuditPayload).values(document={"after": "other"}), 1),
    "no payload": (delete(AuditPayload), 1),
    "head": (update(AuditHead).values(seq=9), 4),
}


@pytest.mark.parametrize("name", _TAMPERING)
def test_tampering_is_found(store: Store, tenant: str, name: str):
    _write(store, tenant)
    statement, seq = _TAMPERING[name]
    with store.unit(SystemScope("tests")) as session, erasing(session, "tests"):
        owned = statement.table.c.tenant_id == tenant
        session.execute(statement.where(owned))
    found = _broken(store, tenant)
    assert found is not None
    assert found.seq == seq
    assert found.problem


def test_entries_cannot_be_changed_by_hand(store: Store, tenant: str):
    _write(store, tenant, 1)
    for statement in (
        "UPDATE audit_entry SET action = 'x' WHERE tenant_id = :t",
        "DELETE FROM audit_entry WHERE tenant_id = :t",
    ):
        with (
            pytest.raises(DBAPIError, match="append-only"),
            store.unit(SystemScope("tests")) as session,
        ):
            session.execute(text(statement), {"t": tenant})
    assert _broken(store, tenant) is None


def test_permit_ends_with_its_block(store: Store, tenant: str):
    _write(store, tenant, 1)
    with store.unit(SystemScope("tests")) as session:
        with pytest.raises(ValueError, match="oops"), erasing(session, "tests"):
            raise ValueError("oops")
        assert session.scalars(select(ErasurePermit)).all() == []
    with pytest.raises(DBAPIError), store.unit(SystemScope("tests")) as session:
        with erasing(session, "tests"):
            pass
        session.execute(text("DELETE FROM audit_entry"))
    with (
        pytest.raises(PermissionError),
        store.unit(TenantScope(tenant)) as session,
        erasing(session, "tests"),
    ):
        pass


def test_concurrent_writers_do_not_fork_the_chain(store: Store, tenant: str):
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _write(store, tenant, 10)
        except BaseException as error:  # noqa: BLE001 - reported by the assertion
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _broken(store, tenant) is None
    with store.read(TenantScope(tenant)) as session:
        assert session.get_one(AuditHead, tenant).seq == 40


def test_system_work_is_recorded_in_the_hubs_own_chain(store: Store, tenant: str):
    with store.unit(SystemScope("recount")) as session:
        session.execute(text("UPDATE tenant SET name = 'X'"))
        audit(session, operator_actor("anna"), action="o.p", subject=("o", "1"))
    with store.read(SystemScope("tests")) as session:
        query = (
            select(AuditEntry, AuditPayload)
            .join(AuditPayload, AuditPayload.id == AuditEntry.payload_id)
            .where(AuditEntry.tenant_id == "system")
            .order_by(AuditEntry.seq.desc())
            .limit(2)
        )
        (last, what), (before, _) = session.execute(query).all()
        assert verify_chain(session, "system") is None
    assert (before.action, before.actor_id) == ("o.p", "anna")
    assert (last.action, last.subject_id) == ("system.work", "recount")
    assert what.document["after"] == {"statements": {"tenant": 1}}


def test_system_reading_is_not_recorded(store: Store, tenant: str):
    with store.unit(SystemScope("look")) as session:
        session.execute(text("SELECT * FROM tenant"))
    with store.read(SystemScope("tests")) as session:
        names = session.scalars(select(AuditEntry.subject_id)).all()
    assert "look" not in names
