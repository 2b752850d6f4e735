from __future__ import annotations

import fcntl
import json
import shutil
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from entrepot.hub.audit.service import AuditService
from entrepot.hub.backup import postgresql, service, sqlite
from entrepot.hub.backup.archive import BackupInvalid, read_manifest
from entrepot.hub.backup.service import backup, check, restore
from entrepot.hub.tenants.tables import Tenant
from entrepot.jobs.engine import migrate
from entrepot.sdk.errors import ConfigInvalid, Conflict
from entrepot.store import (
    Actor,
    PermissionDenied,
    Settings,
    Store,
    SystemScope,
    TenantScope,
    audit,
    operator_actor,
    system_actor,
)
from entrepot.store.engine import WEB_ROLE
from entrepot.store.keys import Keyring, UnknownKey, load_keyring, new_keys
from entrepot.store.secrets import SecretRef, SecretStore
from entrepot.store.state import get_state, set_state, writes_paused
from sqlalchemy import select, text

OPERATOR = operator_actor()


@pytest.fixture
def filled(store: Store, tenant: str) -> str:
    secrets = SecretStore(load_keyring(store.settings))
    with store.unit(TenantScope(tenant)) as session:
        secrets.put(session, SecretRef(tenant, "con_1", "password"), "geheim\n\t\\N")
        audit(
            session,
            system_actor("tests", tenant),
            action="x.y",
            subject=("x", "1"),
            after={"text": "Zeile\nzwei\tdrei \\. Größe"},
        )
    return tenant


@pytest.fixture
def fresh(empty_database_url: str, settings: Settings, tmp_path: Path) -> Settings:
    """Settings of another, empty database with the same keys."""
    return replace(settings, database_url=empty_database_url, data_dir=tmp_path / "new")


def _assert_same(settings: Settings, tenant: str) -> None:
    restored = Store(settings)
    try:
        assert restored.schema_is_current()
        secrets = SecretStore(load_keyring(settings))
        with restored.read(TenantScope(tenant)) as session:
            ref = SecretRef(tenant, "con_1", "password")
            assert secrets.get(session, ref) == "geheim\n\t\\N"
        with restored.read(SystemScope("tests")) as session:
            assert session.scalars(select(Tenant.id)).all() == [tenant]
            assert writes_paused(session) == "restored"
        log = AuditService(restored, restored.clock)
        reports = log.verify(OPERATOR)
        assert [r.tenant_id for r in reports] == ["system", tenant]
        assert [r.broken for r in reports] == [None, None]
        actions = [entry.action for entry in log.list(OPERATOR).entries]
        assert actions[0] == "hub.restore"
    finally:
        restored.dispose()


def test_backup_and_restore_into_an_empty_database(
    store: Store, filled: str, fresh: Settings, tmp_path: Path
):
    archive = tmp_path / "hub.zip"
    manifest = backup(store, OPERATOR, archive)
    assert check(archive, load_keyring(store.settings)) == manifest
    assert archive.stat().st_mode & 0o077 == 0
    restore(fresh, OPERATOR, archive)
    _assert_same(fresh, filled)


def test_restore_over_a_changed_database(store: Store, filled: str, tmp_path: Path):
    archive = tmp_path / "hub.zip"
    backup(store, OPERATOR, archive)
    with store.unit(SystemScope("tests")) as session:
        session.get_one(Tenant, filled).name = "Later"
    store.dispose()
    with pytest.raises(Conflict) as refused:
        restore(store.settings, OPERATOR, archive)
    assert "--replace" in str(refused.value.info.remedy)
    with store.read(SystemScope("tests")) as session:
        assert session.get_one(Tenant, filled).name == "Later"
        assert writes_paused(session) is None
    store.dispose()
    restore(store.settings, OPERATOR, archive, replace=True)
    _assert_same(store.settings, filled)
    with store.read(SystemScope("tests")) as session:
        assert session.get_one(Tenant, filled).name == "Alpha"


def test_backup_keeps_runs_of_the_engine(
    store: Store, filled: str, fresh: Settings, tmp_path: Path
):
    role = WEB_ROLE if store.dialect == "postgresql" else None
    migrate(store.settings, application_role=role)
    schema = "dbos." if store.dialect == "postgresql" else ""
    with store.engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO {schema}workflow_status "
                "(workflow_uuid, status, name, created_at, updated_at) "
                "VALUES ('order:1', 'PENDING', 'place', 1, 1)"
            )
        )
    archive = tmp_path / "hub.zip"
    backup(store, OPERATOR, archive)
    restore(fresh, OPERATOR, archive)
    restored = Store(fresh)
    with restored.engine.connect() as connection:
        query = f"SELECT workflow_uuid, status FROM {schema}workflow_status"
        assert [tuple(row) for row in connection.execute(text(query))] == [
            ("order:1", "PENDING")
        ]
    restored.dispose()


def test_backup_is_one_moment_of_a_busy_hub(
    store: Store, tenant: str, other_tenant: str, fresh: Settings, tmp_path: Path
):
    """Two rows always carry the same number; a backup must not see them differ."""
    with store.unit(SystemScope("tests")) as session:
        session.execute(text("UPDATE tenant SET name = '0'"))
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                with store.unit(SystemScope("tests")) as session:
                    for identifier in (tenant, other_tenant):
                        session.get_one(Tenant, identifier).name = str(number)
                        session.flush()
        except BaseException as error:  # noqa: BLE001 - reported by the assertion
            failures.append(error)

    writer = threading.Thread(target=work)
    writer.start()
    archives = [tmp_path / f"{number}.zip" for number in range(3)]
    for archive in archives:
        backup(store, OPERATOR, archive)
    stop.set()
    writer.join()
    assert failures == []
    for archive in archives:
        restore(fresh, OPERATOR, archive, replace=True)
        restored = Store(fresh)
        with restored.read(SystemScope("tests")) as session:
            names = set(session.scalars(select(Tenant.name)))
            audited = AuditService(restored, restored.clock).verify(OPERATOR)
        restored.dispose()
        assert len(names) == 1
        assert names <= {str(number) for number in range(100_000)}
        assert [report.broken for report in audited] == [None]


def test_failed_restore_leaves_the_database_as_it_was(
    store: Store, filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive = tmp_path / "hub.zip"
    backup(store, OPERATOR, archive)
    with store.unit(SystemScope("tests")) as session:
        session.get_one(Tenant, filled).name = "Later"
    store.dispose()

    def lost(*_args: object) -> None:
        raise BackupInvalid(archive, "rows got lost")

    monkeypatch.setattr(service, "check", lambda path, _keys: read_manifest(path))
    monkeypatch.setattr(sqlite, "_verify", lost)
    monkeypatch.setattr(postgresql, "_verify", lost)
    with pytest.raises(BackupInvalid, match="rows got lost"):
        restore(store.settings, OPERATOR, archive, replace=True)
    with store.read(SystemScope("tests")) as session:
        assert session.get_one(Tenant, filled).name == "Later"
        assert writes_paused(session) is None


def test_restore_refuses_while_a_worker_holds_the_database(
    store: Store, filled: str, tmp_path: Path
):
    path = store.settings.sqlite_path
    if path is None:
        return
    archive = tmp_path / "hub.zip"
    backup(store, OPERATOR, archive)
    store.dispose()
    with path.with_name(path.name + ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(Conflict, match="A hub is working"):
            restore(store.settings, OPERATOR, archive, replace=True)


def test_damaged_archive_is_refused(store: Store, filled: str, tmp_path: Path):
    archive, broken = tmp_path / "hub.zip", tmp_path / "broken.zip"
    backup(store, OPERATOR, archive)
    with (
        zipfile.ZipFile(archive) as source,
        zipfile.ZipFile(broken, "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if b"Alpha" in content:
                content = content.replace(b"Alpha", b"Omega")
            target.writestr(name, content)
    with pytest.raises(BackupInvalid, match="was changed"):
        check(broken)
    shutil.copy(archive, broken)
    broken.write_bytes(broken.read_bytes()[:-2000])
    with pytest.raises(BackupInvalid):
        check(broken)


def test_archive_of_a_newer_hub_is_refused(store: Store, filled: str, tmp_path: Path):
    archive, newer = tmp_path / "hub.zip", tmp_path / "newer.zip"
    backup(store, OPERATOR, archive)
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(newer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "manifest.json":
                changed = json.loads(content) | {"revision": "9999"}
                content = json.dumps(changed).encode()
            target.writestr(name, content)
    with pytest.raises(BackupInvalid, match="newer version"):
        check(newer)


def test_missing_key_is_named_before_anything_is_restored(
    store: Store, filled: str, fresh: Settings, tmp_path: Path
):
    archive = tmp_path / "hub.zip"
    manifest = backup(store, OPERATOR, archive)
    with pytest.raises(UnknownKey) as missing:
        restore(fresh, OPERATOR, archive, keyring=Keyring(new_keys()))
    assert missing.value.key_id == manifest.encryption_keys[0]
    assert b"geheim" not in archive.read_bytes()


def test_backup_needs_permission(store: Store, tenant: str, tmp_path: Path):
    nobody = Actor("usr_1", "user", tenant, "Nobody")
    with pytest.raises(PermissionDenied):
        backup(store, nobody, tmp_path / "hub.zip")
    assert not (tmp_path / "hub.zip").exists()


def test_backup_of_the_other_database_is_refused(
    store: Store, filled: str, tmp_path: Path
):
    archive = tmp_path / "hub.zip"
    backup(store, OPERATOR, archive)
    other = (
        "postgresql://nobody@127.0.0.1:1/none"
        if store.dialect == "sqlite"
        else f"sqlite:///{tmp_path / 'other.db'}"
    )
    with pytest.raises(ConfigInvalid, match="This is a backup of"):
        restore(replace(store.settings, database_url=other), OPERATOR, archive)


def test_hub_state_holds_keys_and_values(store: Store):
    with store.unit(SystemScope("tests")) as session:
        assert get_state(session, "colour") is None
        set_state(session, "colour", "red")
        set_state(session, "colour", "blue")
    with store.unit(SystemScope("tests")) as session:
        assert get_state(session, "colour") == "blue"
        set_state(session, "colour", None)
        set_state(session, "never", None)
        assert get_state(session, "colour") is None
