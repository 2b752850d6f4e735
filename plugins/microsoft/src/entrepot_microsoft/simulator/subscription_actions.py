"""What happens at the vendor without the hub: control actions on subscriptions.

Customer and subscription are named by their ids; left out, the first that fits is
meant (`Reach`).
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot_microsoft.simulator import catalog, lifecycle, render, rules
from entrepot_microsoft.simulator.model import (
    Batch,
    Customer,
    NextTerm,
    Order,
    Sub,
    Wire,
    end_of,
)
from entrepot_microsoft.simulator.reach import Reach, allowed

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_NAMES = (
    "new_subscription",
    "new_trial",
    "new_legacy",
    "set_quantity",
    "suspend",
    "resume",
    "cancel",
    "renew",
    "set_auto_renew",
    "schedule_next_term",
)


class SubscriptionActions:
    """Purchases and changes that others make. Called under the simulator's lock."""

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        self._reach = Reach(vendor)
        for name in _NAMES:
            vendor.action(name, getattr(self, name))

    def new_subscription(
        self,
        customer: str | None = None,
        sku: str = "CFQ7TTC0LDPB:0001",
        quantity: int = 1,
        term: str = "P1Y",
        billing_cycle: str = "monthly",
    ) -> Wire:
        """Somebody buys new-commerce seats for the customer."""
        found = self._reach.customer(customer)
        item = catalog.SKUS[sku]
        if item.plan(term, billing_cycle) is None:
            raise ValueError(f"{sku} has no plan {term}/{billing_cycle}")
        sub = self._make(found, item, quantity, term, billing_cycle)
        return self._place(found, sub)

    def new_trial(self, customer: str | None = None, quantity: int = 25) -> Wire:
        """Somebody starts a trial that converts to a paid year."""
        found = self._reach.customer(customer)
        sku = catalog.TRIALS[0]
        sub = self._make(found, sku, quantity, "P1M", "none")
        sub.is_trial = True
        sub.term_end = sub.term_start.replace(
            hour=0, minute=0, second=0, microsecond=0
        ) + timedelta(days=30)
        paid = catalog.paid_sku(sku)
        sub.next_term = NextTerm(
            quantity=quantity, sku_key=paid.key, term="P1Y", cycle="monthly"
        )
        return self._place(found, sub)

    def new_legacy(
        self,
        customer: str | None = None,
        offer: str = "195416C1-3447-423A-B37B-EE59A99A19C4",
        quantity: int = 1,
        parent: str = "",
    ) -> Wire:
        """A subscription of the old commerce appears, or an add-on of `parent`."""
        found, now = self._reach.customer(customer), self._vendor.clock.now()
        item = catalog.LEGACY[offer]
        sub = Sub(
            id=str(uuid.uuid4()),
            item=item.offer_id,
            name=item.title,
            friendly_name=item.title,
            quantity=quantity,
            cycle="monthly",
            term="",
            created=now,
            term_start=now,
            term_end=end_of(now, "P1Y"),
            order_id=_order_id(),
            cost=catalog.convert(item.cost("monthly"), found.market),
            erp=catalog.convert(item.erp("monthly"), found.market),
            parent_id=parent,
            is_addon=bool(parent),
        )
        return self._place(found, sub)

    def set_quantity(
        self,
        quantity: int,
        customer: str | None = None,
        subscription: str | None = None,
        force: bool = False,
    ) -> Wire:
        """Seats are added or removed; `force` ignores the vendor's windows."""
        found, sub = self._reach.sub(customer, subscription)
        if force:
            sub.quantity = quantity
            sub.batches = [Batch(quantity=quantity, until=sub.term_start)]
        else:
            allowed(rules.set_quantity, sub, quantity, self._vendor.clock.now())
        return self._updated(found, sub)

    def suspend(
        self, customer: str | None = None, subscription: str | None = None
    ) -> Wire:
        """Suspend; new commerce stays billed."""
        return self._status("suspended", customer, subscription)

    def resume(
        self, customer: str | None = None, subscription: str | None = None
    ) -> Wire:
        """Resume; auto-renew stays off, as at the vendor."""
        return self._status("active", customer, subscription)

    def cancel(
        self,
        customer: str | None = None,
        subscription: str | None = None,
        force: bool = False,
    ) -> Wire:
        """Cancel inside the seven days; `force` ignores the window."""
        if not force:
            return self._status("deleted", customer, subscription)
        found, sub = self._reach.sub(customer, subscription)
        sub.status, sub.status_since = "deleted", self._vendor.clock.now()
        sub.auto_renew, sub.next_term = False, None
        return self._updated(found, sub)

    def renew(
        self, customer: str | None = None, subscription: str | None = None
    ) -> Wire:
        """The present term ends now and the next begins, as scheduled."""
        found, sub = self._reach.sub(customer, subscription)
        if sub.is_legacy or not sub.term:
            raise ValueError("only new-commerce terms can be renewed")
        prices = self._vendor.book.prices
        lifecycle.renew(sub, self._vendor.clock.now(), prices, found.market)
        return self._updated(found, sub)

    def set_auto_renew(
        self,
        on: bool,
        customer: str | None = None,
        subscription: str | None = None,
        cancel: bool = False,
    ) -> Wire:
        """Switch auto-renew; `cancel` also schedules the end of the term."""
        found, sub = self._reach.sub(customer, subscription)
        sub.auto_renew = on
        sub.next_term = sub.next_term if on else None
        action = {"scheduleType": "TermEnd", "actionType": "Cancel"}
        sub.actions = [action] if cancel and not on else []
        return self._updated(found, sub)

    def schedule_next_term(
        self,
        customer: str | None = None,
        subscription: str | None = None,
        quantity: int | None = None,
        sku: str = "",
        term: str = "",
        billing_cycle: str = "",
    ) -> Wire:
        """Schedule quantity, SKU, term or cycle for the renewal."""
        found, sub = self._reach.sub(customer, subscription)
        if sub.is_legacy:
            raise ValueError("legacy subscriptions have no scheduled changes")
        if sku and sku not in catalog.SKUS:
            raise LookupError(f"no SKU {sku}")
        sub.auto_renew = True
        sub.next_term = NextTerm(
            quantity=quantity, sku_key=sku, term=term, cycle=billing_cycle
        )
        return self._updated(found, sub)

    def _status(
        self, target: str, customer: str | None, subscription: str | None
    ) -> Wire:
        found, sub = self._reach.sub(customer, subscription)
        allowed(rules.set_status, sub, target, self._vendor.clock.now())
        return self._updated(found, sub)

    def _updated(self, found: Customer, sub: Sub) -> Wire:
        sub.touch()
        self._vendor.changed(found, sub, "update_subscription")
        now = self._vendor.clock.now()
        return {
            "customer": found.id,
            "subscription": sub.id,
            **render.subscription(found.id, sub, now),
        }

    def _make(
        self, found: Customer, sku: catalog.Sku, quantity: int, term: str, cycle: str
    ) -> Sub:
        now = self._vendor.clock.now()
        prices = self._vendor.book.prices
        cost, erp = prices.at(sku.key, term, cycle, found.market, now)
        return Sub(
            id=str(uuid.uuid4()),
            item=sku.key,
            name=sku.sku_title,
            friendly_name=sku.sku_title,
            quantity=quantity,
            cycle=cycle,
            term=term,
            created=now,
            term_start=now,
            term_end=end_of(now, term),
            order_id=_order_id(),
            cost=cost,
            erp=erp,
            availability=catalog.availability_id(sku, now.toordinal()),
            kind=sku.kind,
            is_addon=bool(sku.base),
            batches=[Batch(quantity=quantity, until=now + timedelta(days=7))],
        )

    def _place(self, found: Customer, sub: Sub) -> Wire:
        now = self._vendor.clock.now()
        later = now + self._vendor.lag if self._vendor.lag else None
        sub.hidden_until = later
        found.subs[sub.id] = sub
        found.orders[sub.order_id] = Order(
            id=sub.order_id,
            created=now,
            status="completed",
            sub_ids=[sub.id],
            currency=catalog.MARKETS[found.market][0],
            cycle=sub.cycle,
            hidden_until=later,
        )
        self._vendor.changed(found, sub, "create_order")
        return {
            "customer": found.id,
            "subscription": sub.id,
            **render.subscription(found.id, sub, now),
        }


def _order_id() -> str:
    return uuid.uuid4().hex[:12]
