"""The hub, built once from settings and handed around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrepot.hub import tables
from entrepot.hub.audit.service import AuditService
from entrepot.hub.backup import jobs as backup_jobs
from entrepot.hub.backup.writes import OutgoingWrites
from entrepot.hub.catalog.service import CatalogService
from entrepot.hub.charges import jobs as charge_jobs
from entrepot.hub.charges.files import ChargeFiles
from entrepot.hub.charges.service import ChargeService
from entrepot.hub.charges.steps import ChargeSteps
from entrepot.hub.connections import jobs as connection_jobs
from entrepot.hub.connections.links import ConsoleLinks
from entrepot.hub.connections.notifications import Notifications
from entrepot.hub.connections.service import ConnectionService
from entrepot.hub.connections.upkeep import ConnectionUpkeep
from entrepot.hub.customers import jobs as customer_jobs
from entrepot.hub.customers.service import CustomerService
from entrepot.hub.customers.upkeep import CustomerUpkeep, derive
from entrepot.hub.mail import Mailer
from entrepot.hub.mapping import jobs as mapping_jobs
from entrepot.hub.mapping.consequences import consequences
from entrepot.hub.mapping.reading import psa_connections
from entrepot.hub.mapping.service import MappingService
from entrepot.hub.notifications import jobs as notification_jobs
from entrepot.hub.notifications.service import CustomerNotifications
from entrepot.hub.notifications.steps import NotificationSteps
from entrepot.hub.psa.service import PsaService
from entrepot.hub.reconciliation import jobs as reconciliation_jobs
from entrepot.hub.reconciliation.service import ReconciliationService
from entrepot.hub.scores.service import PluginScores
from entrepot.hub.subscriptions import jobs as subscription_jobs
from entrepot.hub.subscriptions.service import SubscriptionService
from entrepot.hub.subscriptions.vendor_record import VendorRecords
from entrepot.hub.sync import jobs as sync_jobs
from entrepot.hub.sync.ahead import AfterRun, ReadAhead
from entrepot.hub.sync.follow import AfterSync
from entrepot.hub.sync.service import SyncService
from entrepot.hub.sync.steps import SyncSteps
from entrepot.hub.tenants.service import TenantService
from entrepot.hub.users.credentials import CredentialsService
from entrepot.hub.users.factors import FactorsService
from entrepot.hub.users.service import UsersService
from entrepot.hub.users.sessions import SessionsService
from entrepot.jobs.facade import Jobs
from entrepot.jobs.registry import JobRegistry
from entrepot.plugins import Plugins
from entrepot.plugins.manager import load_plugins
from entrepot.sdk.context import Clock, SystemClock
from entrepot.sdk.redaction import Redactor
from entrepot.store import Settings, Store
from entrepot.store.keys import Keyring, load_keyring
from entrepot.store.secrets import SecretStore

__all__ = ["Hub", "build_hub", "tables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Everything a process needs, wired. Nothing else is looked up anywhere.

    Attributes:
        settings: The operator's decisions.
        clock: Time.
        store: The database.
        keyring: Keys for encryption, sessions, tokens, webhooks.
        redactor: Knows every secret that was handed out.
        plugins: The typed facade over all plugins.
        jobs: Durable work.
        connections, links, customers, catalog, subscriptions, records, charges, psa,
            sync, mapping, reconciliation, notifications, customer_notifications,
            writes, audit, tenants, users, sessions, factors, credentials, scores: The
            capabilities' services.
    """

    settings: Settings
    clock: Clock
    store: Store
    keyring: Keyring
    redactor: Redactor
    plugins: Plugins
    jobs: Jobs
    connections: ConnectionService
    links: ConsoleLinks
    customers: CustomerService
    catalog: CatalogService
    subscriptions: SubscriptionService
    records: VendorRecords
    charges: ChargeService
    psa: PsaService
    sync: SyncService
    mapping: MappingService
    reconciliation: ReconciliationService
    notifications: Notifications
    customer_notifications: CustomerNotifications
    writes: OutgoingWrites
    audit: AuditService
    tenants: TenantService
    users: UsersService
    sessions: SessionsService
    factors: FactorsService
    credentials: CredentialsService
    scores: PluginScores

    def close(self) -> None:
        """Let go of connections to databases and vendors."""
        self.connections.close()
        self.jobs.close()
        self.store.dispose()


def build_hub(
    settings: Settings,
    *,
    clock: Clock | None = None,
    web: bool = False,
    plugins: Mapping[str, object] | None = None,
) -> Hub:
    """Wire a hub.

    Args:
        settings: The operator's decisions.
        clock: Time; the machine's when None.
        web: Whether this is a web process (row-level security on PostgreSQL).
        plugins: Plugin objects in the place of the installed ones, for tests.

    Returns:
        The hub; close it when the process ends.

    Raises:
        SettingsInvalid: A setting or a key is missing; says which and what to do.
    """
    clock = clock or SystemClock()
    redactor = Redactor()
    store = Store(settings, clock, web=web, redactor=redactor)
    keyring = load_keyring(settings)
    facade = _plugins(settings, plugins)
    registry = JobRegistry()
    jobs = Jobs(store, registry, clock)
    connections = ConnectionService(
        store,
        clock,
        plugins=facade,
        secrets=SecretStore(keyring),
        settings=settings,
        quota=jobs.quota,
        redactor=redactor,
    )
    steps = SyncSteps(store, facade, connections)
    ahead = ReadAhead(store, jobs, steps, derive)
    sync = SyncService(store, clock, jobs, steps, ahead)
    reconciliation = ReconciliationService(
        store, clock, jobs, plugins=facade, connections=connections, sync=steps
    )
    steps.after.append(
        AfterSync(
            jobs, psa_connections, reconciliation.submit_after_sync, mapping_jobs.JOB
        )
    )
    steps.after.append(CustomerUpkeep(jobs))
    steps.after.append(AfterRun(jobs, facade))
    steps.after.append(notification_jobs.AfterReading(jobs))
    reconciliation.steps.after.append(notification_jobs.AfterComparison(jobs))
    connection_jobs.register_jobs(registry)
    upkeep = ConnectionUpkeep(jobs, facade, public=bool(settings.public_base_url))
    connections.tell_consequences(consequences)
    connections.observe(added=upkeep.added, removed=upkeep.removed)
    connections.observe(added=sync.added, removed=sync.removed)
    charges = ChargeService(
        store,
        jobs,
        connections,
        ChargeSteps(store, facade, connections, settings.charge_months),
        ChargeFiles(store, facade, connections),
    )
    connections.observe(added=charges.added, removed=charges.removed)
    for capability in (
        customer_jobs,
        sync_jobs,
        charge_jobs,
        subscription_jobs,
        mapping_jobs,
        reconciliation_jobs,
        notification_jobs,
        backup_jobs,
    ):
        capability.register(registry)
    return Hub(
        settings=settings,
        clock=clock,
        store=store,
        keyring=keyring,
        redactor=redactor,
        plugins=facade,
        jobs=jobs,
        connections=connections,
        links=ConsoleLinks(facade, connections),
        customers=CustomerService(store, clock, jobs),
        catalog=CatalogService(store),
        subscriptions=SubscriptionService(store),
        records=VendorRecords(store, facade, connections, redactor),
        charges=charges,
        psa=PsaService(store),
        sync=sync,
        mapping=MappingService(store, clock, facade),
        reconciliation=reconciliation,
        notifications=Notifications(store, clock, facade, connections, sync),
        customer_notifications=CustomerNotifications(
            store,
            clock,
            jobs,
            NotificationSteps(
                store, Mailer(settings), jobs.intents, settings.public_base_url
            ),
        ),
        writes=OutgoingWrites(store, clock, reconciliation.writer),
        audit=AuditService(store, clock),
        tenants=TenantService(store, clock),
        users=UsersService(store, clock),
        sessions=SessionsService(store, clock),
        factors=FactorsService(store, clock, SecretStore(keyring)),
        credentials=CredentialsService(store, clock),
        scores=PluginScores(store, clock, facade),
    )


def _plugins(settings: Settings, explicit: Mapping[str, object] | None) -> Plugins:
    if explicit is not None:
        return Plugins(load_plugins(explicit=explicit, installed=()))
    return Plugins(load_plugins(set(settings.plugins) or None))
