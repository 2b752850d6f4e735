"""Opening connections for jobs, and telling what their failures mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from entrepot.hub.connections.files import StoredFiles
from entrepot.hub.connections.rows import existing
from entrepot.hub.connections.rules import not_usable, suspended
from entrepot.hub.connections.runtime import (
    Opening,
    Runtimes,
    effective_quotas,
    width_of,
)
from entrepot.hub.connections.secrets import StoredSecrets
from entrepot.hub.connections.settings_schema import build_settings
from entrepot.hub.connections.tables import Connection
from entrepot.hub.tenants.service import TenantService
from entrepot.jobs.budget import SharedBudget
from entrepot.jobs.quota import QuotaStore
from entrepot.jobs.slots import SharedSlots, locks_of
from entrepot.plugins import Plugins
from entrepot.sdk.context import Clock, PluginContext, Secrets
from entrepot.sdk.errors import EntrepotError
from entrepot.sdk.http import Budget, MemoryBudget, Slots
from entrepot.sdk.model import CheckResult
from entrepot.sdk.redaction import Redactor
from entrepot.store import Settings, Store, SystemScope
from entrepot.store.actor import system_actor
from entrepot.store.secrets import SecretStore

NOTIFICATION_PATH = "/notify/{key}"
"""Where a connection's notifications arrive, below the public base URL."""
RESERVED = 0.2
"""Part of a connection's request budget that only work people wait for may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a check of a connection found: a result or an error, never both."""

    result: CheckResult | None = None
    error: EntrepotError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborators:
    """What the connections need from the rest of the hub.

    Attributes:
        store: The database.
        clock: Time.
        plugins: The typed facade.
        secrets: Encrypted secrets.
        quota: Request budgets shared by all processes; None paces in this one only.
        settings: The operator's settings.
        redactor: Learns every secret that is handed out.
    """

    store: Store
    clock: Clock
    plugins: Plugins
    secrets: SecretStore
    quota: QuotaStore | None
    settings: Settings
    redactor: Redactor


class Opener:
    """Makes plugin contexts of connections.

    Args:
        parts: Collaborators.
        runtimes: The kept runtimes.
    """

    def __init__(self, parts: Collaborators, runtimes: Runtimes) -> None:
        self._parts, self._runtimes = parts, runtimes
        self._tenants = TenantService(parts.store, parts.clock)
        self._locks = locks_of(parts.store)

    def open(
        self,
        connection_id: str,
        *,
        correlation_id: str | None = None,
        deadline: float | None = None,
        idle: bool = False,
        reserved: bool = False,
    ) -> PluginContext:
        """The context of a connection; see `ConnectionService.open`."""
        with self._parts.store.read(SystemScope("connections.open")) as session:
            row = existing(session, connection_id)
            session.expunge(row)
        if row.state != "active" and not idle:
            raise not_usable(row.state, row.name, row.parked_message or "")
        if not idle and not self.is_served(row.tenant_id):
            raise suspended()
        opening = self.opening(row)
        context = self._runtimes.context(
            opening, correlation_id=correlation_id, deadline=deadline
        )
        if not reserved or self._parts.quota is None:
            return context
        budget = SharedBudget(
            self._parts.quota,
            f"{row.tenant_id}/{row.id}",
            opening.quotas,
            self._parts.clock,
            share=RESERVED,
        )
        return replace(context, http=context.http.paced_by(budget))

    def is_served(self, tenant_id: str) -> bool:
        """Whether the hub works for a reseller: it exists and isn't suspended."""
        return self._tenants.is_active(tenant_id)

    def opening(self, row: Connection, secrets: Secrets | None = None) -> Opening:
        """What is needed to open a connection.

        Raises:
            ConfigInvalid: its plugin is missing or its settings do not fit.
        """
        info = self._parts.plugins.info(row.plugin)
        quotas = effective_quotas(info, row.quotas)
        budget: Budget
        slots: Slots | None = None
        if self._parts.quota is None or secrets is not None:
            budget = MemoryBudget(quotas, self._parts.clock)
        else:
            prefix = f"{row.tenant_id}/{row.id}"
            budget = SharedBudget(self._parts.quota, prefix, quotas, self._parts.clock)
            slots = SharedSlots(
                self._locks, prefix, width_of(quotas), self._parts.clock
            )
        return Opening(
            connection_id=row.id,
            tenant_id=row.tenant_id,
            plugin=row.plugin,
            config_version=row.config_version,
            settings=build_settings(info.settings_type, row.settings),
            secrets=secrets or self.stored_secrets(row),
            budget=budget,
            quotas=quotas,
            slots=slots,
            notification_url=self.notification_url(row),
            billing_zone=row.billing_zone or self._zone_of(row.tenant_id),
            files=StoredFiles(self._parts.store, row.tenant_id, row.id),
        )

    def stored_secrets(self, row: Connection) -> StoredSecrets:
        """The saved secrets of a connection."""
        parts = self._parts
        return StoredSecrets(
            parts.store, parts.secrets, parts.redactor, row.tenant_id, row.id
        )

    def notification_url(self, row: Connection) -> str:
        """The public address for notifications; empty without a public hub."""
        base = self._parts.settings.public_base_url.rstrip("/")
        path = NOTIFICATION_PATH.format(key=row.notification_key)
        return f"{base}{path}" if base else ""

    def probe(self, row: Connection, secrets: Secrets | None = None) -> Probe:
        """Open afresh, ask the plugin to prove that it works, and close again.

        Never raises the errors of the border; they are what a probe finds.
        """
        try:
            context = self._runtimes.open_anew(self.opening(row, secrets))
        except EntrepotError as error:
            return Probe(error=error)
        try:
            called = self._runtimes.for_call(context, None, None)
            return Probe(result=self._parts.plugins.check_connection(called))
        except EntrepotError as error:
            return Probe(error=error)
        finally:
            self._runtimes.close(context)

    def drop(self, connection_id: str) -> None:
        """Close the kept runtime of a connection."""
        self._runtimes.drop(connection_id)

    def close(self) -> None:
        """Close all kept runtimes."""
        self._runtimes.close_all()
        self._locks.close()

    def _zone_of(self, tenant_id: str) -> str:
        actor = system_actor("connections", tenant_id)
        return self._tenants.get(actor, tenant_id).billing_zone


def details(result: CheckResult) -> dict[str, Any]:
    """A check's result as the columns of a connection."""
    return {
        "account_name": result.account_name,
        "account_details": [list(pair) for pair in result.details],
        "account_warnings": list(result.warnings),
        "base_currency": result.base_currency,
    }
