"""What belongs to one open connection: discovery, setup tables, owners of lines."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid

from . import mapping, wire
from .client import Access, Codebase, ConnectWiseClient
from .hosts import Site, parse_site
from .lockbooks import LockBooks
from .settings import ConnectWiseSettings, names

OWNERS_KEPT = 200_000


@dataclass(slots=True)
class Runtime:
    """The session object of a connection; safe to share between threads.

    Attributes:
        owners: Company and currency by agreement, learnt from listings.
        reference_id: Id of our custom field on additions; 0 = looked for in vain.
        signing_keys: Keys of callbacks by their address.
    """

    site: Site
    codebase: Codebase = field(default_factory=Codebase)
    owners: dict[str, mapping.LineOwner] = field(default_factory=dict)
    rules: mapping.CompanyRules | None = None
    setup: mapping.Setup | None = None
    reference_id: int | None = None
    signing_keys: dict[str, str] = field(default_factory=dict)
    lock_books: LockBooks = field(default_factory=LockBooks)
    lock: threading.RLock = field(default_factory=threading.RLock)


def open_runtime(settings: ConnectWiseSettings) -> Runtime:
    """Make the session object; asks nobody anything yet.

    Raises:
        ConfigInvalid: The site is no host name, or the company is missing.
    """
    try:
        site = parse_site(settings.site)
    except ValueError as error:
        raise ConfigInvalid(
            "site_invalid",
            "The site is not a host name.",
            detail=str(error),
            field="site",
            remedy="Enter the host name you sign in to, such as na.myconnectwise.net.",
        ) from error
    if not settings.company.strip():
        raise ConfigInvalid(
            "company_missing",
            "The company ID is missing.",
            field="company",
            remedy="Enter the company ID of the sign-in page.",
        )
    return Runtime(site=site)


@dataclass(frozen=True, slots=True)
class Session:
    """One hook call's view: settings, shared runtime, a client with its deadline."""

    ctx: PluginContext
    settings: ConnectWiseSettings
    runtime: Runtime
    client: ConnectWiseClient

    def company_rules(self) -> mapping.CompanyRules:
        """Types and statuses of this tenant, read once per connection."""
        with self.runtime.lock:
            if self.runtime.rules is None:
                self.runtime.rules = self._read_rules()
            return self.runtime.rules

    def _read_rules(self) -> mapping.CompanyRules:
        read = self.client.everything
        return mapping.rules_for(
            read("company/companies/types", wire.NamedSetup),
            read("company/companies/statuses", wire.NamedSetup),
            non_customer=names(self.settings.non_customer_types),
            inactive=names(self.settings.inactive_statuses),
            reference_field=self.settings.reference_field,
        )

    def setup(self) -> mapping.Setup:
        """Billing cycles of this tenant, read once per connection."""
        with self.runtime.lock:
            if self.runtime.setup is None:
                rows = self.client.everything(
                    "finance/billingCycles", wire.BillingCycleSetup
                )
                cycles = {one.id: one.billing_options or "" for one in rows}
                self.runtime.setup = mapping.Setup(cycles=cycles)
            return self.runtime.setup

    def learn_owner(self, record: wire.Agreement) -> mapping.LineOwner:
        """Remember whose an agreement is, for its lines."""
        owner = mapping.LineOwner(
            agreement_id=str(record.id),
            company_id=str((record.company or wire.Reference()).id or ""),
            currency=mapping.currency(record),
        )
        with self.runtime.lock:
            if len(self.runtime.owners) >= OWNERS_KEPT:
                self.runtime.owners.clear()
            self.runtime.owners[owner.agreement_id] = owner
        return owner

    def owner(self, agreement_id: str) -> mapping.LineOwner:
        """Whose an agreement is; reads it when no listing told yet.

        Raises:
            NotFound: There is no such agreement.
        """
        known = self.runtime.owners.get(agreement_id)
        if known is not None:
            return known
        return self.learn_owner(self.agreement(agreement_id))

    def agreement(self, agreement_id: str) -> wire.Agreement:
        """One agreement, read afresh.

        Raises:
            NotFound: There is no such agreement.
        """
        path = f"finance/agreements/{number(agreement_id)}"
        return self.client.read(path, wire.Agreement)


def session(ctx: PluginContext) -> Session:
    """The view of one hook call."""
    settings: ConnectWiseSettings = ctx.settings
    runtime: Runtime = ctx.runtime
    access = Access(
        site=runtime.site,
        company=settings.company.strip(),
        public_key=settings.public_key.strip(),
        private_key=lambda: ctx.secrets.get("private_key"),
        client_id=settings.client_id,
        version=settings.api_version,
    )
    client = ConnectWiseClient(ctx.http, access, runtime.codebase, ctx.clock.monotonic)
    return Session(ctx, settings, runtime, client)


def number(vendor_id: str) -> int:
    """An id for a path.

    Raises:
        ConfigInvalid: It is not one of this PSA's ids.
    """
    if not vendor_id.isdigit():
        raise ConfigInvalid(
            "id_invalid",
            f"“{vendor_id}” is not an id of ConnectWise.",
            remedy="Read the object again before using it.",
        )
    return int(vendor_id)
