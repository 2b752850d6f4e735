"""What happens to costs, prices and mark-ups without the hub: control actions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from entrepot_aws.simulator.catalog import SERVICES
from entrepot_aws.simulator.codec import Data
from entrepot_aws.simulator.state import Group

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

_ACTIONS = ("restate_costs", "late_refund", "change_price", "set_markup")


class BillingActions:
    """Corrections and changes. Called under the simulator's lock."""

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        for name in _ACTIONS:
            vendor.action(name, getattr(self, name))

    def restate_costs(
        self,
        month: str,
        account: str = "",
        product: str = SERVICES[0].code,
        factor: str = "0.9",
    ) -> Data:
        """The export comes again with a corrected amount of one line."""
        costs = self._vendor.costs
        for line in costs.lines(month, self._vendor.clock.now()):
            if line.product == product and account in ("", line.account):
                costs.factors[month, line.key] = Decimal(factor)
                costs.version += 1
                return {"month": month, "account": line.account, "product": product}
        raise LookupError(
            f"{month} has no line of {product} for {account or 'anybody'}"
        )

    def late_refund(self, month: str, account: str, amount: str = "25.00") -> Data:
        """A refund appears in a month whose bill is final already (S19)."""
        costs = self._vendor.costs
        now = self._vendor.clock.now()
        found = next(
            line for line in costs.lines(month, now) if line.account == account
        )
        refund = replace(
            found,
            kind="Refund",
            quantity=Decimal(1),
            unit="",
            cost=-Decimal(amount),
            bill_type="Refund",
        )
        costs.late.setdefault(month, []).append(refund)
        costs.version += 1
        return {"month": month, "account": account, "amount": f"-{amount}"}

    def change_price(
        self, product: str = SERVICES[0].code, factor: str = "1.05"
    ) -> Data:
        """A service costs another price from the present month on."""
        month = f"{self._vendor.clock.now():%Y-%m}"
        self._vendor.costs.prices.append((month, product, Decimal(factor)))
        self._vendor.costs.version += 1
        return {"product": product, "since": month, "factor": factor}

    def set_markup(self, percent: str, customer: str = "") -> Data:
        """The mark-up of a customer's billing group changes."""
        groups = self._vendor.book.groups
        found = (
            groups[self._owner(customer)] if customer else next(iter(groups.values()))
        )
        found.percent = Decimal(percent)
        return {"group": found.name, "percent": percent, "customer": _who(found)}

    def _owner(self, customer: str) -> str:
        for transfer in self._vendor.book.transfers.values():
            if transfer.account == customer:
                return transfer.id
        return customer


def _who(group: Group) -> str:
    return group.primary if group.transfer else group.owner
