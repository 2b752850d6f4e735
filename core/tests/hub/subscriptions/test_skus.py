"""The SKUs in use, as they are kept, are what a recount of all subscriptions finds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from entrepot.hub.subscriptions.skus import recount
from entrepot.hub.subscriptions.tables import SubscriptionRow, SubscriptionSku
from entrepot.hub.sync.bulk import BulkWriter, Incoming, Origin
from entrepot.hub.sync.endings import end_objects
from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.targets import SUBSCRIPTIONS
from entrepot.sdk.model import (
    BillingCycle,
    ScheduledChange,
    ScheduledKind,
    Subscription,
    SubscriptionStatus,
    Term,
)
from entrepot.store import TenantScope
from sqlalchemy import select, update

START = datetime(2026, 3, 1, tzinfo=UTC)
CONNECTIONS = ("con_a", "con_b")
PLANNED = (
    (),
    (ScheduledChange(kind=ScheduledKind.END),),
    (ScheduledChange(kind=ScheduledKind.NEXT_TERM, sku="S9", term=Term("P1M")),),
    (ScheduledChange(kind=ScheduledKind.NEXT_TERM, quantity=Decimal(3)),),
)


def drawn(chance: random.Random, vendor_id: str) -> Subscription:
    """Any state of a subscription."""
    sku = f"S{chance.randrange(3)}"
    return Subscription(
        vendor_id=vendor_id,
        customer_id="c1",
        sku=sku,
        name=f"{sku} {chance.choice(('one', 'two'))}",
        quantity=Decimal(chance.randrange(1, 3)),
        status=chance.choice(tuple(SubscriptionStatus)),
        billed=chance.random() < 0.7,
        term=chance.choice((None, Term("P1Y"))),
        billing_cycle=chance.choice((BillingCycle.MONTHLY, BillingCycle.ANNUAL)),
        scheduled=chance.choice(PLANNED),
    )


class Mirror:
    """Writes as sync does."""

    def __init__(self, store, tenant):
        self.store, self.tenant, self.now = store, tenant, START

    def run(self, connection):
        return RunInfo(tenant_id=self.tenant, connection_id=connection, run_id="sync:1")

    def read(self, connection, *records):
        self.now += timedelta(minutes=1)
        origin = Origin(
            tenant_id=self.tenant,
            connection_id=connection,
            run_id="sync:1",
            read_at=self.now,
        )
        batch = [Incoming(one, hash(one.quantity) + id(one)) for one in records]
        with self.store.unit(TenantScope(self.tenant)) as session:
            BulkWriter(SUBSCRIPTIONS).merge(session, batch, origin)

    def end(self, connection, *vendor_ids):
        self.now += timedelta(minutes=1)
        table = SUBSCRIPTIONS.table
        with self.store.unit(TenantScope(self.tenant)) as session:
            rows = session.execute(
                select(table.c.id).where(
                    table.c.tenant_id == self.tenant,
                    table.c.connection_id == connection,
                    table.c.vendor_id.in_(vendor_ids),
                )
            ).all()
            end_objects(session, SUBSCRIPTIONS, self.run(connection), rows, self.now)

    def kept(self):
        with self.store.read(TenantScope(self.tenant)) as session:
            rows = session.scalars(select(SubscriptionSku))
            return {
                (one.connection_id, one.name, one.term, one.billing_cycle): (
                    *(one.n_live, one.n_billed, one.n_planned),
                )
                for one in rows
            }


def test_kept_skus_equal_a_recount_after_anything(store, tenant):
    chance, mirror = random.Random(20261122), Mirror(store, tenant)
    names = [f"v{at}" for at in range(9)]
    shown = set()
    for _ in range(40):
        connection = chance.choice(CONNECTIONS)
        some = chance.sample(names, chance.randrange(1, 6))
        if chance.random() < 0.75:
            mirror.read(connection, *(drawn(chance, one) for one in some))
        else:
            mirror.end(connection, *some)
        assert recount(store, tenant) == 0
        shown.add(tuple(sorted(mirror.kept().items())))
    assert len(shown) > 20  # it was no test of an empty table


def test_planned_terms_ends_and_returns_are_counted(store, tenant):
    mirror = Mirror(store, tenant)
    plain = Subscription(
        vendor_id="v1",
        customer_id="c1",
        sku="A",
        name="A",
        quantity=Decimal(1),
        status=SubscriptionStatus.ACTIVE,
        term=Term("P1Y"),
        billing_cycle=BillingCycle.ANNUAL,
        scheduled=PLANNED[2],
    )
    mirror.read("con_a", plain)
    now, then = ("con_a", "A", "P1Y", "annual"), ("con_a", "S9", "P1M", "annual")
    assert mirror.kept() == {now: (1, 1, 0), then: (0, 0, 1)}
    mirror.end("con_a", "v1")
    mirror.end("con_a", "v1")  # twice is once
    assert mirror.kept() == {}
    mirror.read("con_a", plain)
    assert mirror.kept() == {now: (1, 1, 0), then: (0, 0, 1)}


def test_a_recount_repairs_and_writes_nothing_else(store, tenant):
    mirror, chance = Mirror(store, tenant), random.Random(7)
    mirror.read("con_a", *(drawn(chance, f"v{at}") for at in range(6)))
    right = mirror.kept()
    with store.unit(TenantScope(tenant)) as session:
        session.execute(update(SubscriptionSku).values(n_live=41))
        session.execute(
            update(SubscriptionRow)
            .where(SubscriptionRow.vendor_id == "v0")
            .values(known_at=START)
        )
    assert recount(store, tenant) == len(right)
    assert mirror.kept() == right
    assert recount(store, tenant) == 0
