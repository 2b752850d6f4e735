"""A handful of customers with accounts, people and purchases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.rows import customer_row
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.hub.customers.upkeep import derive
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.store import TenantScope, new_id
from entrepot.store.actor import ALL_PERMISSIONS, Actor

NAMES = ("Ärzte Küche", "Contoso Ltd", "Fourth Coffee", "100% Fish_and", "Qz")


@pytest.fixture
def owner(tenant: str) -> Actor:
    """A person who may do everything."""
    return Actor("usr_1", "user", tenant, "Ana", ALL_PERMISSIONS)


@pytest.fixture
def customers(store: Any, clock: Any, tenant: str) -> list[str]:
    """Five customers at one connection, the second with two live subscriptions."""
    now, found = clock.now(), []
    common = {"tenant_id": tenant, "row_hash": 1, "known_at": now}
    with store.unit(TenantScope(tenant)) as session:
        connection = Connection(
            id="con_1", tenant_id=tenant, plugin="cloud", kind="vendor",
            name="Cumulus West", settings={}, state="active",
            notification_key=new_id("ntf"), created_at=now,
        )  # fmt: skip
        session.add(connection)
        for at, name in enumerate(NAMES):
            row = Customer(**customer_row(name, tenant, now))
            session.add(row)
            session.flush()
            found.append(row.id)
            account = CustomerAccount(
                id=new_id("acc"), connection_id="con_1", vendor_id=f"tenant-{at:04d}",
                customer_id=row.id, name=name, domain=f"d{at}.example",
                status="active", country="NO" if at else "SE", **common,
            )  # fmt: skip
            person = Contact(
                id=new_id("pco"), connection_id="con_1", vendor_id=f"p{at}",
                owner_id=account.vendor_id, first_name="Renée", last_name=f"Name{at}",
                email=f"renee{at}@example.com", is_primary=True, **common,
            )  # fmt: skip
            session.add_all([account, person])
            for number in range(2 if at == 1 else 0):
                session.add(
                    SubscriptionRow(
                        id=new_id("sub"), connection_id="con_1",
                        vendor_id=f"s{number}", account_id=account.id,
                        customer_vendor_id=account.vendor_id, sku="A", name="A",
                        quantity=Decimal(1), status="active", billing_cycle="monthly",
                        **common,
                    )
                )  # fmt: skip
        session.flush()
        derive(session, tenant, found)
    return found
