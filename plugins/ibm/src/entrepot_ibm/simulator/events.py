"""What can be made to happen "at the vendor": the control actions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from entrepot.sdk.model.time import add_months

from entrepot_ibm.simulator import catalog, lifecycle, render, seeding
from entrepot_ibm.simulator.model import Account, Instance, LastOperation, Option, Wire

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_RECLAIM = timedelta(days=7)


class Events:
    """Quantity and plan changes, suspension, removal, renewal, prices, closing.

    Customer and instance may be left out: then the first customer, and its first
    active instance (with a bought quantity, where that matters), is meant.
    """

    def __init__(self, vendor: IbmSimulator) -> None:
        self._vendor, self._book = vendor, vendor.book
        offered: tuple[Callable[..., Any], ...] = (
            self.set_quantity,
            self.change_plan,
            self.create_instance,
            self.delete_instance,
            self.restore_instance,
            self.suspend_account,
            self.reactivate_account,
            self.close_account,
            self.forbid_customer,
            self.restore_customer,
            self.renew_commitment,
            self.cancel_commitment,
            self.order_commitment,
            self.change_price,
            self.revoke_key,
            self.accept_account,
            self.list_instances,
            self.credentials,
            self.export_seed,
        )
        for function in offered:
            vendor.action(function.__name__, function)

    # Instances

    def set_quantity(
        self, quantity: int, customer: str = "", instance: str = ""
    ) -> Wire:
        """Change the bought quantity of an instance."""
        found = self._instance(customer, instance, seats=True)
        seats = catalog.PLANS[found.plan_id].seats
        found.parameters[seats] = found.extensions[seats] = int(quantity)
        return self._changed(found, "update")

    def change_plan(self, plan: str, customer: str = "", instance: str = "") -> Wire:
        """Move an instance to another plan (id) of its service."""
        found = self._instance(customer, instance, seats=False)
        if plan not in catalog.PLANS:
            raise LookupError(f"no plan {plan}; there are {sorted(catalog.PLANS)}")
        lifecycle.change_plan(found, plan, self._vendor.clock.now())
        return self._changed(found, "update")

    def create_instance(
        self, customer: str = "", plan: str = "", quantity: int = 10
    ) -> Wire:
        """A customer makes a new instance by itself."""
        account = self._account(customer)
        chosen = catalog.PLANS[plan] if plan else catalog.SOLD[-1]
        now, guid = self._vendor.clock.now(), str(uuid.uuid4())
        seats = {chosen.seats: quantity} if chosen.seats else {}
        made = Instance(
            guid=guid,
            account_id=account.id,
            name=f"made-{guid[:4]}",
            plan_id=chosen.id,
            region=catalog.SERVICE_OF[chosen.id].regions[0],
            group_id=account.group_id,
            created=now,
            updated=now,
            since=now,
            parameters=dict(seats),
            extensions=dict(seats),
            plans=[(chosen.id, now)],
        )
        account.instances[guid] = made
        return render.instance(made)

    def delete_instance(self, customer: str = "", instance: str = "") -> Wire:
        """Delete: removed, or pending reclamation where the plan can (T10)."""
        found, now = self._instance(customer, instance), self._vendor.clock.now()
        if not catalog.PLANS[found.plan_id].reclaimable:
            lifecycle.remove(found, now)
            return self._changed(found, "delete")
        lifecycle.turn(found, "pending_reclamation", now)
        found.reclaim_at, found.reclamation_state = now + _RECLAIM, "SCHEDULED"
        found.reclamation_id = str(uuid.uuid4())
        return self._changed(found, "reclamation")

    def restore_instance(self, customer: str, instance: str) -> Wire:
        """Bring an instance back out of its reclamation, under the same GUID."""
        found = self._instance(customer, instance)
        if found.state != "pending_reclamation":
            raise ValueError(f"the instance is {found.state}")
        now = self._vendor.clock.now()
        lifecycle.turn(found, "active", now)
        found.restored, found.reclaim_at = now, None
        found.reclamation_id = found.reclamation_state = ""
        return self._changed(found, "reclamation_restore")

    def list_instances(self, customer: str = "") -> list[Wire]:
        """All instances of a customer, in every state."""
        account = self._account(customer)
        return [render.instance(one) for one in account.instances.values()]

    # Accounts

    def suspend_account(self, customer: str = "") -> Wire:
        """Suspend an account with all it runs."""
        found = self._account(customer)
        lifecycle.suspend(found, self._vendor.clock.now())
        return {"customer": found.id, "state": found.state}

    def reactivate_account(self, customer: str = "") -> Wire:
        """Let a suspended account run again."""
        found = self._account(customer)
        lifecycle.reactivate(found, self._vendor.clock.now())
        return {"customer": found.id, "state": found.state}

    def close_account(self, customer: str = "") -> Wire:
        """Close an account for good; it leaves every list."""
        found, now = self._account(customer), self._vendor.clock.now()
        for one in found.instances.values():
            if one.state != "removed":
                lifecycle.remove(one, now)
        found.deleted, found.state = True, "CANCELED"
        return {"customer": found.id, "state": found.state}

    def forbid_customer(self, customer: str = "") -> Wire:
        """A customer takes our access to its account away."""
        found = self._account(customer)
        found.forbidden = True
        return {"customer": found.id}

    def restore_customer(self, customer: str) -> Wire:
        """The customer gives the access back."""
        found = self._account(customer)
        found.forbidden = False
        return {"customer": found.id}

    def accept_account(self, customer: str) -> Wire:
        """The owner of a new account confirms its registration (B04)."""
        found = self._account(customer)
        found.state = "ACTIVE"
        return {"customer": found.id, "state": found.state}

    # Commitments and prices

    def order_commitment(self, customer: str = "", part: str = "") -> Wire:
        """The distributor places an order and its code is redeemed."""
        found = self._account(customer)
        chosen = catalog.PART[part] if part else catalog.PARTS[0]
        start = self._vendor.clock.now().replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        made = self._option(chosen, start)
        found.options.append(made)
        return {"customer": found.id, "option": made.id}

    def renew_commitment(self, customer: str = "", option: str = "") -> Wire:
        """A new billing option follows the old one, under a new id (T17)."""
        account, found = self._commitment(customer, option)
        begin = (found.end + timedelta(days=1)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        made = self._option(catalog.PART[found.part], begin)
        made.order_id, made.po_number = found.order_id, found.po_number
        account.options.append(made)
        return {"customer": account.id, "option": made.id}

    def cancel_commitment(self, customer: str = "", option: str = "") -> Wire:
        """IBM ends a commitment early."""
        account, found = self._commitment(customer, option)
        found.state, found.updated = "CANCELED", self._vendor.clock.now()
        return {"customer": account.id, "option": found.id, "state": found.state}

    def change_price(self, plan: str = "", factor: str = "1.1") -> Wire:
        """Catalogue prices of a plan change; the first paid one when none is named."""
        chosen = plan or catalog.SOLD[0].id
        known = self._book.prices.get(chosen, Decimal(1))
        self._book.prices[chosen] = known * Decimal(factor)
        self._book.price_version += 1
        return {"plan": chosen, "factor": str(self._book.prices[chosen])}

    # Credentials and state

    def revoke_key(self, customer: str = "") -> Wire:
        """Delete our own API key, or a customer's; its tokens live on (B01)."""
        authority = self._vendor.authority
        key = authority.customer_key(customer) if customer else authority.api_key
        authority.delete_key(key)
        return {"revoked": customer or "own"}

    def credentials(self, customer: str = "") -> Wire:
        """Ids and keys, of the reseller or of one customer's account."""
        authority = self._vendor.authority
        if customer:
            return {"customer": customer, "api_key": authority.customer_key(customer)}
        generator = self._book.generator
        return {
            "api_key": authority.api_key,
            "partner_id": generator.partner_id,
            "enterprise_id": generator.enterprise_id,
            "trusted_profile": authority.profile,
        }

    def export_seed(self) -> Any:  # noqa: ANN401 - a record of the seed
        """The whole state in neutral words, for a PSA simulator to plant."""
        return msgspec.json.decode(seeding.export_seed(self._vendor).to_json())

    # Helpers

    def _account(self, customer: str) -> Account:
        now = self._vendor.clock.now()
        found = self._book.find(customer, now) if customer else self._book.at(0, now)
        if found is None:
            raise LookupError(f"no customer {customer}")
        return found

    def _instance(
        self, customer: str, instance: str, seats: bool | None = None
    ) -> Instance:
        account = self._account(customer)
        if instance:
            found = self._book.instance(account, instance)
            if found is None:
                raise LookupError(f"no instance {instance} of {account.id}")
            return found
        for one in account.instances.values():
            fits = seats is None or bool(catalog.PLANS[one.plan_id].seats) is seats
            if one.state == "active" and fits:
                return one
        raise LookupError(f"{account.id} has no such active instance")

    def _commitment(self, customer: str, option: str) -> tuple[Account, Option]:
        account = self._account(customer)
        for found in account.options:
            if not option or found.id == option:
                return account, found
        raise LookupError(f"{account.id} has no such commitment")

    def _option(self, part: catalog.Part, begin: datetime) -> Option:
        day = add_months(begin.date(), part.months)
        end = begin.replace(year=day.year, month=day.month, day=day.day)
        return Option(
            id=f"CFL_{uuid.uuid4().hex[:10]}",
            start=begin,
            end=end - timedelta(milliseconds=1),
            months=part.months,
            monthly=part.monthly,
            part=part.number,
            category=part.category,
            order_id=uuid.uuid4().hex[:10],
            po_number="PO-9000",
            updated=self._vendor.clock.now(),
        )

    def _changed(self, found: Instance, operation: str) -> Wire:
        found.updated = self._vendor.clock.now()
        found.operation = LastOperation(type=operation)
        return render.instance(found)
