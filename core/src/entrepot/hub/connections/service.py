"""Use cases around connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from entrepot.hub.connections import rules, states
from entrepot.hub.connections.budgets import budgets
from entrepot.hub.connections.desk import ConsequenceSource, Desk, Observer
from entrepot.hub.connections.editing import Editor
from entrepot.hub.connections.failures import Parking, parking_of
from entrepot.hub.connections.opener import Collaborators, Opener
from entrepot.hub.connections.rows import REMOVED, existing, find, locked
from entrepot.hub.connections.runtime import Runtimes
from entrepot.hub.connections.settings_schema import SettingField, settings_fields
from entrepot.hub.connections.tables import Connection
from entrepot.hub.connections.views import (
    BudgetView,
    ConnectionName,
    ConnectionView,
    Removal,
    error_values,
)
from entrepot.jobs.quota import QuotaStore
from entrepot.plugins import Plugins
from entrepot.sdk.context import Clock, PluginContext
from entrepot.sdk.egress import Resolver, resolve_with_system
from entrepot.sdk.errors import EntrepotError, ErrorInfo
from entrepot.sdk.model import CheckResult
from entrepot.sdk.redaction import Redactor
from entrepot.store import Actor, Settings, Store, SystemScope, TenantScope
from entrepot.store.actor import system_actor
from entrepot.store.secrets import SecretStore


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What a check found.

    Attributes:
        connection: The connection afterwards.
        result: The plugin's findings, or None when the check failed.
        error: Why it failed, or None.
    """

    connection: ConnectionView
    result: CheckResult | None = None
    error: ErrorInfo | None = None


class ConnectionService:
    """Adds, checks, changes and opens connections.

    Args:
        store: The database.
        clock: Time.
        plugins: The typed facade.
        secrets: Encrypted secrets.
        settings: The operator's settings.
        quota: Request budgets shared by all processes; None paces in this one only.
        redactor: Learns every secret that is handed out.
        resolver: Turns names into addresses; replaced in tests.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        plugins: Plugins,
        secrets: SecretStore,
        settings: Settings,
        quota: QuotaStore | None = None,
        redactor: Redactor | None = None,
        resolver: Resolver = resolve_with_system,
    ) -> None:
        parts = Collaborators(
            store=store,
            clock=clock,
            plugins=plugins,
            secrets=secrets,
            quota=quota,
            settings=settings,
            redactor=redactor or Redactor(),
        )
        runtimes = Runtimes(
            plugins,
            clock,
            parts.redactor,
            allow_private=settings.allow_private_targets,
            resolver=resolver,
        )
        self._desk = Desk(parts, Opener(parts, runtimes))
        self._editor = Editor(self._desk)

    def tell_consequences(self, source: ConsequenceSource) -> None:
        """Add a capability's sentences to what removing a connection means."""
        self._desk.consequence_sources.append(source)

    def observe(
        self, *, added: Observer | None = None, removed: Observer | None = None
    ) -> None:
        """Be told of new and removed connections, inside the same unit of work."""
        if added is not None:
            self._desk.when_added.append(added)
        if removed is not None:
            self._desk.when_removed.append(removed)

    # Looking

    def settings_schema(self, plugin: str) -> tuple[SettingField, ...]:
        """The settings of a plugin as data, for forms and questions.

        Raises:
            ConfigInvalid: the plugin is not loaded.
        """
        return settings_fields(self._desk.parts.plugins.info(plugin).settings_type)

    def list(
        self, actor: Actor, *, kind: str | None = None, removed: bool = False
    ) -> tuple[ConnectionView, ...]:
        """The reseller's connections by name.

        Args:
            actor: Who asks.
            kind: ``vendor`` or ``psa``; None for both.
            removed: Whether to show removed ones as well.
        """
        actor.require("connections:read")
        query = select(Connection).order_by(Connection.name, Connection.id)
        if kind is not None:
            query = query.where(Connection.kind == kind)
        if not removed:
            query = query.where(Connection.state != REMOVED)
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            rows = session.scalars(query).all()
            return self._desk.views(session, actor.tenant_id, rows)

    def names(self, actor: Actor) -> tuple[ConnectionName, ...]:
        """What the reseller's connections are called, removed ones too, by name.

        Every page shows it; that costs one statement, without secrets or settings.
        """
        actor.require("connections:read")
        query = select(
            Connection.id,
            Connection.name,
            Connection.plugin,
            Connection.kind,
            Connection.state,
        ).order_by(Connection.name, Connection.id)
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            return tuple(ConnectionName(*row) for row in session.execute(query))

    def get(self, actor: Actor, connection_id: str) -> ConnectionView:
        """One connection, a removed one included.

        Raises:
            NotFound: there is none of that id for this reseller.
        """
        actor.require("connections:read")
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            row = find(session, connection_id)
            if row is None:
                raise rules.unknown_connection(connection_id)
            return self._desk.view(session, row)

    def budgets(self, actor: Actor, connection_id: str) -> tuple[BudgetView, ...]:
        """How much of each request budget of a connection is used.

        Returns:
            One entry per quota that the plugin declares; none when it isn't loaded.

        Raises:
            NotFound: there is none of that id for this reseller.
        """
        actor.require("connections:read")
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            row = existing(session, connection_id)
            session.expunge(row)
        if row.plugin not in self._desk.parts.plugins.names():
            return ()
        return tuple(budgets(self._desk.parts, row))

    def notification_url(self, actor: Actor, connection_id: str) -> str:
        """Address for notifications; empty when the hub has no public address.

        It works like a password, hence the right to write is asked for.
        """
        actor.require("connections:write")
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            return self._desk.opener.notification_url(existing(session, connection_id))

    def find_by_notification_key(self, key: str) -> ConnectionView | None:
        """The connection a notification is for; None for an unknown key."""
        query = select(Connection).where(
            Connection.notification_key == key, Connection.state != REMOVED
        )
        with self._desk.parts.store.read(SystemScope("connections.notify")) as session:
            row = session.scalars(query).one_or_none()
            return None if row is None else self._desk.view(session, row)

    # Changing

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
        return self._editor.add(
            actor,
            plugin=plugin,
            name=name,
            values=values,
            quotas=quotas,
            billing_zone=billing_zone,
            check=check,
        )

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
        """Change a connection; what is left out stays.

        Changed settings or secrets are proved before they are saved. A secret that is
        left out or empty stays; None clears it.

        Args:
            actor: Who changes it.
            connection_id: Which.
            version: The version the change is based on (If-Match); None: any.
            name: New name.
            values: Settings and secrets to change, by field name.
            quotas: Replaces all quota overrides.
            billing_zone: Zone; empty: the reseller's.
            check: False saves without asking the other side.

        Raises:
            Conflict: another version holds, or the name is taken.
            SettingsRejected: a value does not fit.
            EntrepotError: the check failed; nothing was saved.
        """
        return self._editor.update(
            actor,
            connection_id,
            version=version,
            name=name,
            values=values,
            quotas=quotas,
            billing_zone=billing_zone,
            check=check,
        )

    def pause(self, actor: Actor, connection_id: str, why: str = "") -> ConnectionView:
        """Stop all work of a connection until somebody resumes it."""
        actor.require("connections:write")
        return self._desk.move(actor, connection_id, "connection.pause", why, _pause)

    def resume(self, actor: Actor, connection_id: str, why: str = "") -> ConnectionView:
        """Let a paused or parked connection work again, without a check."""
        actor.require("connections:write")
        return self._desk.move(
            actor, connection_id, "connection.resume", why, states.activate
        )

    def park(
        self, actor: Actor, connection_id: str, parking: Parking
    ) -> ConnectionView:
        """Stop all work of a connection because something must be mended."""
        actor.require("connections:write")
        now = self._desk.parts.clock.now()
        return self._desk.move(
            actor,
            connection_id,
            "connection.park",
            parking.message,
            lambda row: states.park(row, parking, now),
        )

    def preview_removal(self, actor: Actor, connection_id: str) -> Removal:
        """What removing the connection would do; changes nothing."""
        return self._editor.preview_removal(actor, connection_id)

    def remove(
        self, actor: Actor, connection_id: str, *, version: int | None = None
    ) -> Removal:
        """Remove a connection: it is never used again, its secrets are deleted.

        What was read through it stays in the books and in the audit log.

        Raises:
            Conflict: another version holds.
        """
        return self._editor.remove(actor, connection_id, version=version)

    # Working

    def open(
        self,
        connection_id: str,
        *,
        correlation_id: str | None = None,
        deadline: float | None = None,
        idle: bool = False,
        reserved: bool = False,
    ) -> PluginContext:
        """The context to call the connection's plugin with.

        The plugin's runtime is kept for the next call and made anew when settings or
        entered credentials changed. Call it outside of units of work.

        Args:
            connection_id: Which.
            correlation_id: Id of the work; a fresh one when None.
            deadline: `clock.monotonic()` value after which the answer is of no use.
            idle: Open it even while it is paused or parked (notifications, links).
            reserved: Use the reserved share of the request budget, so that nothing
                waits behind a long reading.

        Raises:
            NotFound: there is none, or it is removed.
            Conflict: it is paused or parked, or its reseller is suspended.
            ConfigInvalid: its plugin is missing or its settings do not fit.
        """
        return self._desk.opener.open(
            connection_id,
            correlation_id=correlation_id,
            deadline=deadline,
            idle=idle,
            reserved=reserved,
        )

    def is_served(self, tenant_id: str) -> bool:
        """Whether the hub works for a reseller: it exists and isn't suspended."""
        return self._desk.opener.is_served(tenant_id)

    def check(self, actor: Actor, connection_id: str) -> CheckReport:
        """Prove that a connection works; park it or take it up again accordingly.

        A failed check is a finding, not an exception.

        Raises:
            NotFound: there is none of that id for this reseller.
        """
        actor.require("connections:write")
        with self._desk.parts.store.read(TenantScope(actor.tenant_id)) as session:
            row = existing(session, connection_id)
            session.expunge(row)
        probe = self._desk.opener.probe(row)
        with self._desk.parts.store.unit(TenantScope(actor.tenant_id)) as session:
            row = locked(session, connection_id)
            before = row.state
            if states.take_probe(row, probe, self._desk.parts.clock.now()):
                action = f"connection.{'park' if row.state == 'parked' else 'resume'}"
                why = row.parked_message or "The check succeeded."
                self._desk.note_state(session, actor, action, row, before, why)
            return CheckReport(
                connection=self._desk.view(session, row),
                result=probe.result,
                error=probe.error.info if probe.error else None,
            )

    def authorize_failure(self, connection_id: str, error: EntrepotError) -> bool:
        """Tell that work on a connection failed; parks it where a person must act.

        Call it with every border error that ends a job, outside of units of work.

        Returns:
            True when the connection is parked now.
        """
        with self._desk.parts.store.read(SystemScope("connections.failure")) as session:
            tenant_id = existing(session, connection_id).tenant_id
        actor, now = (
            system_actor("connections", tenant_id),
            self._desk.parts.clock.now(),
        )
        parking = parking_of(error)
        with self._desk.parts.store.unit(TenantScope(tenant_id)) as session:
            row = locked(session, connection_id)
            before, row.last_error = row.state, error_values(error, now)
            if parking is not None and row.state != states.PAUSED:
                states.park(row, parking, now)
                if before != row.state:
                    self._desk.note_state(
                        session, actor, "connection.park", row, before, parking.message
                    )
            return row.state == states.PARKED

    def note_success(self, connection_id: str) -> None:
        """Tell that work on a connection succeeded: its health is good again."""
        with self._desk.parts.store.read(SystemScope("connections.success")) as session:
            tenant_id = existing(session, connection_id).tenant_id
        with self._desk.parts.store.unit(TenantScope(tenant_id)) as session:
            row = locked(session, connection_id)
            row.last_ok_at, row.last_error = self._desk.parts.clock.now(), None

    def note_registration(self, connection_id: str, state: Mapping[str, Any]) -> None:
        """Write down how our registration for notifications went."""
        with self._desk.parts.store.read(
            SystemScope("connections.registration")
        ) as session:
            tenant_id = existing(session, connection_id).tenant_id
        with self._desk.parts.store.unit(TenantScope(tenant_id)) as session:
            locked(session, connection_id).notifications = dict(state)

    def close(self) -> None:
        """Close all kept runtimes; for the end of the process."""
        self._desk.opener.close()


def _pause(row: Connection) -> None:
    if row.state != states.PAUSED:
        row.state = states.PAUSED
        row.version += 1
