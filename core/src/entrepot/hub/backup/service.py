"""`backup`, `check` and `restore`, the same on both databases.

Keys are never part of an archive: keep them apart, or the archive is worthless to
you and its secrets are worthless to nobody.
"""

from __future__ import annotations

import os
import zipfile
from importlib.metadata import version
from pathlib import Path

from entrepot.hub.backup import postgresql, sqlite
from entrepot.hub.backup.archive import (
    ArchiveWriter,
    BackupInvalid,
    Manifest,
    check_members,
    read_manifest,
)
from entrepot.jobs.engine import migrate as migrate_engine
from entrepot.sdk.errors import ConfigInvalid
from entrepot.store import Actor, Settings, Store, SystemScope, audit
from entrepot.store.engine import WEB_ROLE, build_engine
from entrepot.store.keys import ENCRYPTION, Keyring, UnknownKey
from entrepot.store.migrations.filters import ENGINE_SCHEMA
from entrepot.store.migrations.run import (
    current_revision,
    head_revision,
    known_revisions,
    migrating,
    move_to,
    upgrade,
)


def backup(store: Store, actor: Actor, path: Path) -> Manifest:
    """Write a consistent archive of the whole hub while it goes on working.

    Args:
        store: The database.
        actor: Needs ``tenants:read`` as operator; recorded.
        path: The archive to write; replaced if it exists, and only when complete.

    Returns:
        The archive's manifest.

    Raises:
        PermissionDenied: The actor may not.
        ConfigInvalid: The database has no schema yet.
    """
    actor.require("tenants:read")
    draft = path.with_name(f".{path.name}.writing")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            manifest = _write(store, ArchiveWriter(archive), path.parent)
        draft.chmod(0o600)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    with store.unit(SystemScope("backup")) as session:
        audit(
            session,
            actor,
            action="hub.backup",
            subject=("hub", "backup"),
            after={"rows": sum(manifest.rows.values()), "revision": manifest.revision},
        )
    return manifest


def check(path: Path, keyring: Keyring | None = None) -> Manifest:
    """Prove that an archive is complete, unchanged and can be restored here.

    Args:
        path: The archive.
        keyring: If given, it must hold every key the archive's secrets need.

    Returns:
        Its manifest.

    Raises:
        BackupInvalid: It isn't; the text says why.
        UnknownKey: A key is missing.
    """
    manifest = read_manifest(path)
    check_members(path, manifest)
    if manifest.revision not in known_revisions():
        raise BackupInvalid(path, "it comes from a newer version of the hub")
    if manifest.database == "sqlite":
        sqlite.check(path, manifest, path.parent)
    if keyring is not None:
        _require_keys(manifest, keyring)
    return manifest


def restore(
    settings: Settings,
    actor: Actor,
    path: Path,
    *,
    replace: bool = False,
    keyring: Keyring | None = None,
) -> Manifest:
    """Restore an archive; outgoing writes stay paused until intents were probed.

    Nothing may work on the database meanwhile. Whether it succeeds or fails, the
    database is afterwards either as in the archive or as before.

    Args:
        settings: Names the database to fill.
        actor: Needs ``tenants:write`` as operator; recorded.
        path: The archive.
        replace: Whether data in the database may be replaced.
        keyring: If given, it must hold every key the archive's secrets need.

    Returns:
        The archive's manifest.

    Raises:
        PermissionDenied: The actor may not.
        BackupInvalid: The archive can't be used.
        Conflict: The database is in use, or holds data and `replace` is False.
        UnknownKey: A key is missing.
        ConfigInvalid: The archive is of the other kind of database.
    """
    actor.require("tenants:write")
    manifest = check(path, keyring)
    _require_kind(settings, manifest)
    target = settings.sqlite_path
    if target is not None:
        sqlite.restore(path, manifest, target, replace=replace)
    else:
        _restore_postgresql(settings, manifest, path, replace=replace)
    upgrade(settings)
    _note_restore(settings, actor, manifest)
    return manifest


def _write(store: Store, writer: ArchiveWriter, folder: Path) -> Manifest:
    revision = current_revision(store.engine)
    if revision is None:
        raise ConfigInvalid(
            "database_empty",
            "There is nothing to back up: the database has no schema.",
            remedy="Run `entrepot db upgrade` first.",
        )
    source = store.settings.sqlite_path
    numbers: dict[str, int] = {}
    if source is not None:
        written = sqlite.write(source, writer, folder)
        rows, keys = written.rows, written.keys
    else:
        rows, keys, numbers = _write_postgresql(store, writer)
    manifest = Manifest(
        database=store.dialect,
        created_at=store.clock.now().isoformat(),
        hub_version=version("entrepot"),
        revision=revision,
        rows=rows,
        members=tuple(writer.members),
        sequences=numbers,
        encryption_keys=keys,
    )
    writer.finish(manifest)
    return manifest


def _write_postgresql(
    store: Store, writer: ArchiveWriter
) -> tuple[dict[str, int], tuple[str, ...], dict[str, int]]:
    tables = postgresql.ordered_tables(store.engine)
    with postgresql.connect(store.settings.database_url) as driver:
        driver.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        rows = postgresql.write(driver, tables, writer)
        keys = postgresql.needed_keys(driver)
        numbers = postgresql.sequences(driver)
        driver.rollback()
    return rows, keys, numbers


def _restore_postgresql(
    settings: Settings, manifest: Manifest, path: Path, *, replace: bool
) -> None:
    """Move the schema to the archive's revision and fill it, in one transaction."""
    with migrating(settings) as connection:
        move_to(connection, manifest.revision)
        if _has_engine(manifest):
            # On a connection of its own: the engine knows no other way. It touches
            # its own schema only and does nothing when that is there.
            migrate_engine(settings, application_role=WEB_ROLE)
        driver = connection.connection.driver_connection
        postgresql.restore(path, manifest, driver, replace=replace)
        connection.commit()


def _has_engine(manifest: Manifest) -> bool:
    own = f"{ENGINE_SCHEMA}."
    return any(member.table.startswith(own) for member in manifest.members)


def _note_restore(settings: Settings, actor: Actor, manifest: Manifest) -> None:
    store = Store(settings, engine=build_engine(settings))
    try:
        with store.unit(SystemScope("restore")) as session:
            audit(
                session,
                actor,
                action="hub.restore",
                subject=("hub", "backup"),
                after={"created_at": manifest.created_at, "schema": head_revision()},
            )
    finally:
        store.dispose()


def _require_keys(manifest: Manifest, keyring: Keyring) -> None:
    known = {key.id for key in keyring.all(ENCRYPTION)}
    for key_id in manifest.encryption_keys:
        if key_id not in known:
            raise UnknownKey(ENCRYPTION, key_id)


def _require_kind(settings: Settings, manifest: Manifest) -> None:
    if settings.database_kind != manifest.database:
        raise ConfigInvalid(
            "backup_of_other_database",
            f"This is a backup of {manifest.database}; the hub uses "
            f"{settings.database_kind}.",
            field="database_url",
            remedy=f"Point ENTREPOT_DATABASE_URL to a {manifest.database} database.",
        )
