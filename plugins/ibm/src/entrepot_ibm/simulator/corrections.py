"""What vanishes, changes its id or is corrected afterwards: control actions."""

from __future__ import annotations

import uuid
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING

from entrepot_ibm.simulator import lifecycle
from entrepot_ibm.simulator.model import Account, LastOperation, Option, Wire

if TYPE_CHECKING:
    from entrepot_ibm.simulator.app import IbmSimulator

_FACTOR = Decimal("1.07")


class Corrections:
    """Actions under the words of the conformance kit."""

    def __init__(self, vendor: IbmSimulator) -> None:
        self._vendor = vendor
        vendor.action("vanish_subscription", self.vanish_subscription)
        vendor.action("rekey_subscription", self.rekey_subscription)
        vendor.action("restate_charge", self.restate_charge)

    def vanish_subscription(self, customer_id: str, subscription_id: str) -> Wire:
        """A commitment leaves the reports; an instance is removed."""
        account = self._account(customer_id)
        option = _option(account, subscription_id)
        if option is not None:
            account.options.remove(option)
            return {"subscription_id": subscription_id}
        found = account.instances.get(subscription_id)
        if found is None:
            raise LookupError(f"{customer_id} has no {subscription_id}")
        lifecycle.remove(found, self._vendor.clock.now())
        found.operation = LastOperation(type="delete")
        return {"subscription_id": subscription_id}

    def rekey_subscription(self, customer_id: str, subscription_id: str) -> Wire:
        """A commitment gets a new id, as at an import (T17); an instance is remade."""
        account = self._account(customer_id)
        option = _option(account, subscription_id)
        if option is not None:
            option.id = f"CFL_{uuid.uuid4().hex[:10]}"
            return {"subscription_id": option.id}
        found = account.instances.get(subscription_id)
        if found is None:
            raise LookupError(f"{customer_id} has no {subscription_id}")
        made = deepcopy(found)
        made.guid = str(uuid.uuid4())
        account.instances[made.guid] = made
        lifecycle.remove(found, self._vendor.clock.now())
        return {"subscription_id": made.guid}

    def restate_charge(self, charge_id: str, customer_id: str) -> Wire:
        """The cost of one plan, or of one commitment, in one month is corrected."""
        account = self._account(customer_id)
        _, month, what, name = charge_id.split("/")[:4]
        if what == "credit":
            raise ValueError("credits follow usage; correct the usage instead")
        if what == "commitment":
            option = _option(account, name)
            if option is None:
                raise LookupError(f"{customer_id} has no {name}")
            option.restated[month] = option.amount(month) * _FACTOR
        else:
            known = account.restated.get((month, name), Decimal(1))
            account.restated[month, name] = known * _FACTOR
        self._vendor.book.ledger.forget(account.id, month)
        return {"charge_id": charge_id}

    def _account(self, customer: str) -> Account:
        found = self._vendor.book.find(customer, self._vendor.clock.now())
        if found is None:
            raise LookupError(f"no customer {customer}")
        return found


def _option(account: Account, option_id: str) -> Option | None:
    return next((o for o in account.options if o.id == option_id), None)
