"""What happens to agreements and Savings Plans without the hub: control actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from entrepot_aws.simulator.catalog import BY_ID, OFFERINGS, PRODUCTS
from entrepot_aws.simulator.codec import Data
from entrepot_aws.simulator.generate import month_after
from entrepot_aws.simulator.state import ACTIVE, Agreement, Plan, letters

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

_ACTIONS = (
    "buy_agreement",
    "renew_agreement",
    "replace_agreement",
    "cancel_agreement",
    "set_agreement_quantity",
    "buy_savings_plan",
)


class AgreementActions:
    """Purchases and changes that others make. Called under the simulator's lock.

    Agreements are named by their id; left out, the first active one is meant.
    """

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        for name in _ACTIONS:
            vendor.action(name, getattr(self, name))
        vendor.happen["agreement_ends"] = self._ends

    def buy_agreement(
        self,
        account: str,
        product: str = PRODUCTS[0].id,
        selector: str = "P12M",
        quantity: int = 10,
        sold: bool = False,
        parts: int = 1,
    ) -> Data:
        """The customer buys a product in the Marketplace, or accepts our offer."""
        now, book = self._vendor.clock.now(), self._vendor.book
        agreement_id = f"agmt-{letters(book.seed, book.number(), 20)}"
        key = BY_ID[product].dimensions[0].key
        made = Agreement(
            agreement_id,
            agreement_id,
            account,
            product,
            selector,
            {key: quantity},
            now,
            _end(now, selector),
            proposer=book.management if sold else "",
            parts=parts,
        )
        book.add_agreement(made)
        return _shown(made)

    def renew_agreement(self, agreement: str = "", increase: str = "0") -> Data:
        """The term ends now: a new agreement follows the old one (S26)."""
        old, now = self._agreement(agreement), self._vendor.clock.now()
        old.status, old.end, old.updated = "RENEWED", now, now
        return _shown(self._successor(old, now, Decimal(increase)))

    def replace_agreement(
        self, agreement: str = "", quantity: int = 25, increase: str = "0"
    ) -> Data:
        """The agreement is replaced by another one with other quantities (T06)."""
        old, now = self._agreement(agreement), self._vendor.clock.now()
        old.status, old.end, old.updated = "REPLACED", now, now
        made = self._successor(old, now, Decimal(increase))
        made.quantities = dict.fromkeys(made.quantities, quantity)
        return _shown(made)

    def cancel_agreement(self, agreement: str = "") -> Data:
        """The buyer ends the agreement."""
        found, now = self._agreement(agreement), self._vendor.clock.now()
        found.status, found.end, found.updated = "CANCELLED", now, now
        return _shown(found)

    def set_agreement_quantity(self, quantity: int, agreement: str = "") -> Data:
        """The buyer amends the agreement to another quantity."""
        found = self._agreement(agreement)
        found.quantities = dict.fromkeys(found.quantities, quantity)
        found.updated = self._vendor.clock.now()
        return _shown(found)

    def buy_savings_plan(self, account: str, commitment: str = "1.5") -> Data:
        """The customer commits to an amount per hour for a year."""
        now, book = self._vendor.clock.now(), self._vendor.book
        made = Plan(
            f"sp-{letters(book.seed, book.number(), 10)}",
            account,
            0,
            Decimal(commitment),
            now,
            now + timedelta(days=365 * OFFERINGS[0].years),
        )
        book.plans.setdefault(account, []).append(made)
        return {"account": account, "plan": made.id}

    def _agreement(self, agreement: str) -> Agreement:
        every = self._vendor.book.agreements
        if agreement:
            return every[agreement]
        for found in every.values():
            if found.status == ACTIVE:
                return found
        raise LookupError("there is no active agreement")

    def _ends(self, agreement: str) -> None:
        """The end date is there: renewed or over; a changed end is another one."""
        found = self._vendor.book.agreements[agreement]
        now = self._vendor.clock.now()
        if found.status != ACTIVE or found.end > now:
            return
        found.updated = found.end
        if found.renews:
            found.status = "RENEWED"
            self._successor(found, found.end, Decimal(0))
        else:
            found.status = "EXPIRED"

    def _successor(
        self, old: Agreement, start: datetime, increase: Decimal
    ) -> Agreement:
        book = self._vendor.book
        made = replace(
            old,
            id=f"agmt-{letters(book.seed, book.number(), 20)}",
            start=start,
            end=_end(start, old.selector),
            status=ACTIVE,
            updated=start,
            price=old.price * (1 + increase / 100),
            quantities=dict(old.quantities),
        )
        return book.add_agreement(made)


def _end(start: datetime, selector: str) -> datetime:
    months = 1 if selector == "P1M" else 12
    day = min(start.day, 28)
    return month_after(start, months).replace(
        day=day, hour=start.hour, minute=start.minute, second=start.second
    )


def _shown(found: Agreement) -> Data:
    return {
        "agreement": found.id,
        "initial": found.first,
        "account": found.account,
        "status": found.status,
    }
