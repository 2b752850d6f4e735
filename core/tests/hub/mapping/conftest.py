"""One vendor, one PSA, and rows as sync would have written them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.catalog.tables import Offer
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.hub.mapping.service import MappingService
from entrepot.hub.psa.tables import PsaCompany, PsaLine, PsaProductRow
from entrepot.hub.subscriptions.skus import recount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.model import MatchingVocabulary
from entrepot.store import Actor, Store, TenantScope, new_id, system_actor
from entrepot.store.search import fold

KNOWN = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Words:
    """What plugins would say."""

    given: dict[str, MatchingVocabulary] = field(default_factory=dict)

    def vocabularies(self) -> dict[str, MatchingVocabulary]:
        return self.given


@dataclass
class Books:
    """Short ways to write what the matcher reads."""

    store: Store
    tenant: str
    service: MappingService
    actor: Actor
    words: Words
    vendor: str = ""
    psa: str = ""

    def add(self, *rows: Any) -> None:
        with self.store.unit(TenantScope(self.tenant)) as session:
            session.add_all(rows)

    def connection(self, name: str, kind: str) -> str:
        made = Connection(
            id=new_id("con"),
            tenant_id=self.tenant,
            plugin="fake",
            kind=kind,
            name=name,
            notification_key=new_id("key"),
            created_at=KNOWN,
        )
        self.add(made)
        return made.id

    def account(self, name: str, vendor_id: str = "", **more: Any) -> str:
        customer = Customer(
            id=new_id("cus"),
            tenant_id=self.tenant,
            name=name,
            sort_name=name.casefold(),
            search_text=fold(name),
            created_at=KNOWN,
            updated_at=KNOWN,
        )
        values = {"connection_id": self.vendor, "status": "active", **more}
        account = CustomerAccount(
            id=new_id("acc"),
            tenant_id=self.tenant,
            vendor_id=vendor_id or new_id("vend"),
            customer_id=customer.id,
            name=name,
            row_hash=1,
            known_at=KNOWN,
            **values,
        )
        with self.store.unit(TenantScope(self.tenant)) as session:
            session.add(customer)
            session.flush()
            session.add(account)
        return account.id

    def company(self, name: str, vendor_id: str, **more: Any) -> None:
        self.add(
            PsaCompany(
                id=new_id("pco"),
                tenant_id=self.tenant,
                connection_id=self.psa,
                vendor_id=vendor_id,
                name=name,
                row_hash=1,
                known_at=KNOWN,
                **more,
            )
        )

    def product(self, name: str, vendor_id: str, **more: Any) -> None:
        self.add(
            PsaProductRow(
                id=new_id("ppr"),
                tenant_id=self.tenant,
                connection_id=self.psa,
                vendor_id=vendor_id,
                name=name,
                row_hash=1,
                known_at=KNOWN,
                **{"identifier": vendor_id, **more},
            )
        )

    def subscription(self, account_id: str, sku: str, **more: Any) -> None:
        values = {
            "connection_id": self.vendor,
            "name": sku,
            "quantity": Decimal(10),
            "status": "active",
            "billing_cycle": "monthly",
            "unit_cost": Decimal("8.00"),
            "currency": "EUR",
            **more,
        }
        self.add(
            SubscriptionRow(
                id=new_id("sub"),
                tenant_id=self.tenant,
                vendor_id=new_id("vsub"),
                account_id=account_id,
                customer_vendor_id="",
                sku=sku,
                row_hash=1,
                known_at=KNOWN,
                **values,
            )
        )
        recount(self.store, self.tenant)

    def offer(self, key: str, **more: Any) -> None:
        self.add(
            Offer(
                id=new_id("off"),
                tenant_id=self.tenant,
                connection_id=self.vendor,
                vendor_id=key,
                product_id=key,
                sku=key,
                name=key,
                billing_cycle="monthly",
                min_quantity=Decimal(1),
                row_hash=1,
                known_at=KNOWN,
                **more,
            )
        )

    def line(self, company_id: str, product_id: str) -> None:
        self.add(
            PsaLine(
                id=new_id("pli"),
                tenant_id=self.tenant,
                connection_id=self.psa,
                vendor_id=new_id("line"),
                agreement_vendor_id=f"agr-{company_id}",
                company_vendor_id=company_id,
                product_vendor_id=product_id,
                quantity=Decimal(10),
                included_quantity=Decimal(0),
                bill="billable",
                row_hash=1,
                known_at=KNOWN,
            )
        )

    def contact(self, company_id: str, email: str) -> None:
        self.add(
            Contact(
                id=new_id("ctc"),
                tenant_id=self.tenant,
                connection_id=self.psa,
                vendor_id=new_id("person"),
                owner_id=company_id,
                email=email,
                row_hash=1,
                known_at=KNOWN,
            )
        )


@pytest.fixture
def books(store: Store, tenant: str) -> Books:
    words = Words()
    service = MappingService(store, store.clock, words)
    made = Books(store, tenant, service, system_actor("anna", tenant), words)
    made.vendor = made.connection("Vendor", "vendor")
    made.psa = made.connection("PSA", "psa")
    return made
