"""Adding, changing and removing connections."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError

from entrepot.hub.connections import rules, states
from entrepot.hub.connections.desk import Desk
from entrepot.hub.connections.opener import Probe
from entrepot.hub.connections.rows import REMOVED, existing, locked, name_is_taken
from entrepot.hub.connections.secrets import EnteredSecrets, OverlaidSecrets
from entrepot.hub.connections.settings_schema import (
    check_settings,
    settings_fields,
)
from entrepot.hub.connections.tables import Connection
from entrepot.hub.connections.views import ConnectionView, Removal, audit_values
from entrepot.sdk.context import Secrets
from entrepot.sdk.model import PluginInfo
from entrepot.store import Actor, TenantScope, UnitSession
from entrepot.store.ids import new_id
from entrepot.store.secrets import ConnectionSecret, SecretRef


@dataclass(slots=True, kw_only=True)
class _Edit:
    """A change that was checked and waits to be saved."""

    columns: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    cleared: frozenset[str] = frozenset()
    config: bool = False
    probe: Probe | None = None


class Editor:
    """Adds, changes and removes connections.

    Args:
        desk: What the use cases share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add(
        self,
        actor: Actor,
        *,
        plugin: str,
        name: str,
        values: Mapping[str, Any],
        quotas: Mapping[str, Any] | None = None,
        billing_zone: str = "",
        check: bool = True,
    ) -> ConnectionView:
        """Add a connection, after proving that it works.

        Args:
            actor: Who adds it.
            plugin: Which plugin speaks for it.
            name: As people call it; unique for the reseller.
            values: Settings and secrets by field name.
            quotas: Overrides of the plugin's request quotas.
            billing_zone: Zone in which its billing days begin; empty: the reseller's.
            check: False saves without asking the other side.

        Raises:
            SettingsRejected: a value does not fit; `errors` names each field.
            Conflict: the name is taken.
            EntrepotError: the check failed; nothing was saved.
        """
        actor.require("connections:write")
        info = self._desk.parts.plugins.info(plugin)
        checked = check_settings(info.settings_type, values, known_secrets=frozenset())
        row = Connection(
            id=new_id("con"),
            tenant_id=actor.tenant_id,
            plugin=plugin,
            kind=info.kind.value,
            name=rules.checked_name(name),
            settings=checked.plain,
            state=states.ACTIVE,
            quotas=rules.checked_quotas(info, quotas or {}),
            billing_zone=rules.checked_zone(billing_zone),
            notification_key=randomness.token_urlsafe(32),
            account_name="",
            account_details=[],
            account_warnings=[],
            base_currency="",
            created_at=self._desk.parts.clock.now(),
            version=1,
            config_version=1,
        )
        self._refuse_taken_name(actor, row.name)
        entered = EnteredSecrets(checked.secrets, self._desk.parts.redactor)
        probe = self._prove(row, OverlaidSecrets(entered, None)) if check else None
        if probe is not None:
            states.take_probe(row, probe, self._desk.parts.clock.now())
            row.version = 1
        return self._save_new(actor, row, entered.final())

    def update(
        self,
        actor: Actor,
        connection_id: str,
        *,
        version: int | None = None,
        name: str | None = None,
        values: Mapping[str, Any] | None = None,
        quotas: Mapping[str, Any] | None = None,
        billing_zone: str | None = None,
        check: bool = True,
    ) -> ConnectionView:
        """Change a connection; see `ConnectionService.update`."""
        actor.require("connections:write")
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            row = existing(session, connection_id)
            stored = frozenset(self._desk.names(session, row))
            session.expunge(row)
        if version is not None and row.version != version:
            raise rules.changed_meanwhile()
        info = self._desk.parts.plugins.info(row.plugin)
        edit = self._edit(info, row, stored, values or {}, check=check)
        if name is not None:
            edit.columns["name"] = rules.checked_name(name)
        if quotas is not None:
            edit.columns["quotas"] = rules.checked_quotas(info, quotas)
            edit.config = edit.config or edit.columns["quotas"] != row.quotas
        if billing_zone is not None:
            edit.columns["billing_zone"] = rules.checked_zone(billing_zone)
            edit.config = edit.config or billing_zone != row.billing_zone
        saved = self._save(actor, connection_id, row.version, edit)
        self._desk.opener.drop(connection_id)
        return saved

    def preview_removal(self, actor: Actor, connection_id: str) -> Removal:
        """What removing the connection would do; changes nothing."""
        actor.require("connections:read")
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            row = existing(session, connection_id)
            return Removal(
                connection=self._desk.view(session, row),
                consequences=self._desk.consequences(session, row),
            )

    def remove(
        self, actor: Actor, connection_id: str, *, version: int | None = None
    ) -> Removal:
        """Remove a connection: it is never used again, its secrets are deleted.

        What was read through it stays in the books and in the audit log.

        Raises:
            Conflict: another version holds.
        """
        actor.require("connections:write")
        with self._desk.parts.store.unit(TenantScope(actor.tenant_id)) as session:
            row = locked(session, connection_id)
            if version is not None and row.version != version:
                raise rules.changed_meanwhile()
            told = self._desk.consequences(session, row)
            before = audit_values(row, self._desk.names(session, row))
            self._desk.parts.secrets.remove(session, row.tenant_id, row.id)
            row.state, row.removed_at = REMOVED, self._desk.parts.clock.now()
            # The old address must stop working, and the column stays unique.
            row.notification_key = randomness.token_urlsafe(32)
            row.version += 1
            self._desk.note(session, actor, "connection.remove", row, before=before)
            removal = Removal(
                connection=self._desk.view(session, row), consequences=told
            )
            for tell in self._desk.when_removed:
                tell(session, removal.connection)
        self._desk.opener.drop(connection_id)
        return removal

    def _edit(
        self,
        info: PluginInfo,
        row: Connection,
        stored: frozenset[str],
        values: Mapping[str, Any],
        *,
        check: bool,
    ) -> _Edit:
        """Check new values and, where they matter to the other side, prove them."""
        secret = {f.name for f in settings_fields(info.settings_type) if f.info.secret}
        cleared = frozenset(k for k in secret & stored if values.get(k, "") is None)
        entered_values = {k: v for k, v in values.items() if v or k not in secret}
        checked = check_settings(
            info.settings_type,
            {**row.settings, **entered_values},
            known_secrets=stored - cleared,
        )
        edit = _Edit(columns={"settings": checked.plain}, cleared=cleared)
        edit.config = checked.plain != row.settings or bool(checked.secrets or cleared)
        entered = EnteredSecrets(checked.secrets, self._desk.parts.redactor)
        if edit.config and check:
            draft = _draft(row, checked.plain)
            kept = self._desk.opener.stored_secrets(row)
            edit.probe = self._prove(draft, OverlaidSecrets(entered, kept))
        edit.secrets = entered.final()
        return edit

    def _prove(self, row: Connection, secrets: Secrets) -> Probe | None:
        """Check before saving.

        Raises:
            EntrepotError: what the check found; nothing is to be saved then.
        """
        if not self._desk.parts.plugins.has(row.plugin, "check_connection"):
            return None
        probe = self._desk.opener.probe(row, secrets)
        if probe.error is not None:
            raise probe.error
        return probe

    def _refuse_taken_name(self, actor: Actor, name: str) -> None:
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            if name_is_taken(session, name):
                raise rules.name_taken(name)

    def _save_new(
        self, actor: Actor, row: Connection, values: Mapping[str, str]
    ) -> ConnectionView:
        name = row.name
        try:
            with self._desk.parts.store.unit(TenantScope(actor.tenant_id)) as session:
                session.add(row)
                session.flush()
                self._put_secrets(session, row, values)
                self._desk.note(session, actor, "connection.add", row)
                saved = self._desk.view(session, row)
                for tell in self._desk.when_added:
                    tell(session, saved)
                return saved
        except IntegrityError:
            raise rules.name_taken(name) from None

    def _save(
        self, actor: Actor, connection_id: str, based_on: int, edit: _Edit
    ) -> ConnectionView:
        with self._desk.parts.store.unit(TenantScope(actor.tenant_id)) as session:
            row = locked(session, connection_id)
            if row.version != based_on:
                raise rules.changed_meanwhile()
            if name_is_taken(session, edit.columns.get("name", row.name), but=row.id):
                raise rules.name_taken(edit.columns["name"])
            before = audit_values(row, self._desk.names(session, row))
            for column, value in edit.columns.items():
                setattr(row, column, value)
            row.version += 1
            row.config_version += 1 if edit.config else 0
            if edit.probe is not None:
                states.take_probe(row, edit.probe, self._desk.parts.clock.now())
            self._put_secrets(session, row, edit.secrets)
            self._clear_secrets(session, row, edit.cleared)
            changed = tuple(sorted({*edit.secrets, *edit.cleared}))
            self._desk.note(
                session, actor, "connection.update", row, before=before, changed=changed
            )
            return self._desk.view(session, row)

    def _put_secrets(
        self, session: UnitSession, row: Connection, values: Mapping[str, str]
    ) -> None:
        for name, value in sorted(values.items()):
            ref = SecretRef(row.tenant_id, row.id, name)
            self._desk.parts.secrets.put(session, ref, value)

    def _clear_secrets(
        self, session: UnitSession, row: Connection, names: frozenset[str]
    ) -> None:
        for name in sorted(names):
            found = session.get(ConnectionSecret, (row.tenant_id, row.id, name))
            if found is not None:
                session.delete(found)
        session.flush()


def _draft(row: Connection, plain: dict[str, Any]) -> Connection:
    """A copy of a row with new settings, for a check before they are saved."""
    return Connection(
        id=row.id,
        tenant_id=row.tenant_id,
        plugin=row.plugin,
        name=row.name,
        settings=plain,
        quotas=row.quotas,
        billing_zone=row.billing_zone,
        notification_key=row.notification_key,
        config_version=row.config_version,
    )
