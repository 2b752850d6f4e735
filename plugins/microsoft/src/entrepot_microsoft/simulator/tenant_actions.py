"""What happens at the vendor without the hub: control actions on the tenant.

Every action names the customer by ``customer`` (tenant id); left out, the first
one is meant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from entrepot.sdk.simulator import company

from entrepot_microsoft.simulator import catalog, render
from entrepot_microsoft.simulator.model import Customer, Wire
from entrepot_microsoft.simulator.reach import Reach

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_NAMES = (
    "credentials",
    "revoke_consent",
    "consent",
    "set_switch",
    "add_customer",
    "remove_customer",
    "restore_customer",
    "forbid_customer",
    "rename_customer",
    "customers",
    "subscriptions",
    "change_price",
    "retire_product",
    "deliver_webhooks",
    "webhook_root",
    "export_seed",
)


class TenantActions:
    """Actions on credentials, customers, catalogue and notifications.

    Called under the simulator's lock.
    """

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        self._reach = Reach(vendor)
        for name in _NAMES:
            vendor.action(name, getattr(self, name))

    # Credentials and rights

    def credentials(self) -> Wire:
        """What a connection needs to sign in."""
        authority = self._vendor.authority
        return {
            "tenant_id": authority.tenant_id,
            "client_id": authority.client_id,
            "client_secret": authority.client_secret,
            "refresh_token": next(iter(authority.refresh_tokens), ""),
        }

    def revoke_consent(self) -> Wire:
        """The user's consent is withdrawn; refresh tokens die."""
        self._vendor.authority.revoke()
        return {"revoked": True}

    def consent(self) -> Wire:
        """The user consents again; the answer has the new refresh token."""
        return {"refresh_token": self._vendor.authority.consent_again()}

    def set_switch(
        self,
        role: str | None = None,
        mfa: bool | None = None,
        lifetime: int | None = None,
        client_secret: str | None = None,
    ) -> Wire:
        """Change the caller's role, MFA claim, token lifetime or secret."""
        authority = self._vendor.authority
        authority.role = authority.role if role is None else role
        authority.mfa = authority.mfa if mfa is None else mfa
        authority.lifetime = authority.lifetime if lifetime is None else lifetime
        authority.client_secret = client_secret or authority.client_secret
        return {"role": authority.role, "mfa": authority.mfa}

    # Customers

    def add_customer(self, index: int | None = None, country: str = "US") -> Wire:
        """A company accepts the relationship; `index` picks a generated company."""
        book = self._vendor.book
        number = book.positions if index is None else index
        facts = company(number, self._vendor.options.seed, country)
        made = book.add(facts, self._vendor.clock.now())
        self._note_customer(made, "add_customer")
        self._vendor.webhooks.announce(
            "reseller-relationship-accepted-by-customer",
            f"/v1/customers/{made.id}",
            "customer",
        )
        return {"customer": made.id, "name": made.facts.name}

    def remove_customer(self, customer: str | None = None) -> Wire:
        """The reseller relationship ends; the customer leaves the listing."""
        found = self._reach.customer(customer)
        self._vendor.book.remove(found, self._vendor.clock.now())
        self._note_customer(found, "remove_partner_customer_relationship")
        return {"customer": found.id}

    def restore_customer(self, customer: str) -> Wire:
        """Undo `remove_customer` and `forbid_customer`."""
        found = self._vendor.book.restore(customer, self._vendor.clock.now())
        return {"customer": found.id}

    def forbid_customer(
        self, customer: str | None = None, code: str = "900308"
    ) -> Wire:
        """Every call about this customer answers 403 with `code`."""
        found = self._reach.customer(customer)
        found.forbidden = code
        self._vendor.book.keep(found, self._vendor.clock.now())
        return {"customer": found.id, "code": code}

    def rename_customer(self, name: str, customer: str | None = None) -> Wire:
        """The company has a new name."""
        found = self._reach.customer(customer)
        found.known_facts = replace(found.facts, name=name)
        self._vendor.book.keep(found, self._vendor.clock.now())
        self._vendor.book.renamed()
        self._note_customer(found, "update_customer_billing_profile")
        return {"customer": found.id, "name": name}

    def customers(self, limit: int = 10) -> list[Wire]:
        """The first customers: id and name."""
        ids = self._vendor.book.every_customer_id()[:limit]
        found = [self._reach.customer(customer_id) for customer_id in ids]
        return [{"customer": c.id, "name": c.facts.name} for c in found]

    def subscriptions(self, customer: str | None = None) -> list[Wire]:
        """A customer's subscriptions as the vendor's API shows them by id."""
        found, now = self._reach.customer(customer), self._vendor.clock.now()
        return [
            render.subscription(found.id, sub, now, by_id=True)
            for sub in found.subs.values()
        ]

    # Catalogue

    def change_price(
        self,
        sku: str,
        factor: str,
        term: str = "P1Y",
        billing_cycle: str = "monthly",
        in_days: int = 0,
    ) -> Wire:
        """A plan costs `factor` times its first price, from `in_days` on."""
        if sku not in catalog.SKUS:
            raise LookupError(f"no SKU {sku}")
        since = self._vendor.clock.now() + timedelta(days=in_days)
        key = (sku, term, billing_cycle)
        self._vendor.book.prices.change(key, since, Decimal(factor))
        self._vendor.book.repriced()
        return {"sku": sku, "since": since.isoformat(), "factor": factor}

    def retire_product(self, product: str) -> Wire:
        """The catalogue answers 200 with code 400072 for this product."""
        self._vendor.gone_product = product
        return {"product": product}

    # Notifications and seeds

    def deliver_webhooks(self, times: int = 1, forge: str = "") -> list[Wire]:
        """Send what is due; `times=2` duplicates, `forge` spoils the signature."""
        return self._vendor.webhooks.deliver(times=times, forge=forge)

    def webhook_root(self) -> Wire:
        """The authority that signs notification certificates, as PEM."""
        return {"pem": self._vendor.webhooks.signer.root_pem}

    def export_seed(self) -> Wire:
        """The present state in neutral words."""
        seed: Wire = msgspec.json.decode(self._vendor.export_seed().to_json())
        return seed

    def _note_customer(self, customer: Customer, operation: str) -> None:
        self._vendor.audit.note(
            self._vendor.clock.now(),
            customer.id,
            customer.facts.name,
            "customer",
            operation,
            customer.id,
        )
