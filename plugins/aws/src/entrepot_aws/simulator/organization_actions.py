"""What happens to units, accounts and transfers without the hub: control actions.

Customers are named by unit or account id, accounts by their own id; left out, the
first that fits is meant.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot_aws.simulator.codec import Data
from entrepot_aws.simulator.generate import month_after
from entrepot_aws.simulator.state import ACTIVE, Account, Transfer, Unit, letters

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

_CLOSING = timedelta(hours=1)  # until a closed account shows as suspended
_KEPT = timedelta(days=90)  # until it is gone for good (§3.1)
_ACTIONS = (
    "new_customer",
    "rename_customer",
    "create_account",
    "suspend_account",
    "reopen_account",
    "close_account",
    "move_account",
    "lock_account",
    "invite_transfer",
    "accept_transfer",
    "withdraw_transfer",
    "vanish_subscription",
    "customers",
)


class OrganizationActions:
    """Events of the organization. Called under the simulator's lock."""

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        for name in _ACTIONS:
            vendor.action(name, getattr(self, name))
        happen: dict[str, Callable[[str], None]] = {
            "account_suspended": self._suspended,
            "account_gone": self._gone,
            "transfer_expires": self._expires,
        }
        vendor.happen.update(happen)

    def new_customer(self) -> Data:
        """One more customer, in the layout its number decides."""
        book = self._vendor.book
        taken = [u.company for u in book.units.values()]
        taken += [t.company for t in book.transfers.values()]
        index = max(taken, default=-1) + 1
        self._vendor.generator.customer(book, index)
        return {"customer": index}

    def rename_customer(self, name: str, customer: str = "") -> Data:
        """The company has a new name."""
        found = self._customer(customer)
        found.name = name
        return {"customer": found.id, "name": name}

    def create_account(self, customer: str = "", name: str = "New account") -> Data:
        """Somebody creates an account for the customer."""
        unit = self.unit(customer)
        account = self._vendor.generator.account(
            self._vendor.book, unit.id, name, f"new-{len(unit.accounts)}@new.example"
        )
        account.joined = self._vendor.clock.now()
        return {"customer": unit.id, "account": account.id}

    def suspend_account(self, account: str = "") -> Data:
        """AWS suspends an account."""
        return self._to("SUSPENDED", self.account(account))

    def reopen_account(self, account: str) -> Data:
        """AWS Support reopens an account."""
        return self._to(ACTIVE, self._vendor.book.accounts[account])

    def close_account(self, account: str = "") -> Data:
        """The owner closes an account: pending, suspended, after 90 days gone (S05)."""
        found = self.account(account)
        self._vendor.book.later(
            self._vendor.clock.now() + _CLOSING, "account_suspended", found.id
        )
        return self._to("PENDING_CLOSURE", found)

    def move_account(self, account: str, customer: str) -> Data:
        """The account changes to another customer's unit."""
        book = self._vendor.book
        found, target = book.accounts[account], book.units[customer]
        book.units[found.unit].accounts.remove(found.id)
        found.unit = target.id
        target.accounts.append(found.id)
        return {"account": found.id, "customer": target.id}

    def lock_account(self, account: str = "") -> Data:
        """Somebody deletes the role by which the account is entered."""
        found = self.account(account)
        self._vendor.book.locked.add(found.id)
        return {"account": found.id}

    def invite_transfer(self, name: str, account: str, email: str) -> Data:
        """We invite an organization to transfer its bill; it has not answered yet."""
        book, now = self._vendor.book, self._vendor.clock.now()
        start = month_after(now, 1 if (month_after(now) - now).days > 1 else 2)
        made = Transfer(
            f"rt-{letters(book.seed, book.number(), 10)}",
            name,
            account,
            email,
            start,
            status="REQUESTED",
        )
        book.transfers[made.id] = made
        # It must be accepted a day before it starts (S11).
        book.later(start - timedelta(days=1), "transfer_expires", made.id)
        return {"transfer": made.id, "start": start.isoformat()}

    def accept_transfer(self, transfer: str) -> Data:
        """The customer accepts."""
        found = self._vendor.book.transfers[transfer]
        if found.status != "REQUESTED":
            raise ValueError(f"the transfer is {found.status} already")
        found.status = "ACCEPTED"
        return {"transfer": found.id}

    def withdraw_transfer(self, transfer: str = "") -> Data:
        """Somebody ends a transfer; it runs until the end of the month (§3.2)."""
        book, now = self._vendor.book, self._vendor.clock.now()
        running = [t for t in book.transfers.values() if t.status == "ACCEPTED"]
        found = book.transfers[transfer] if transfer else running[0]
        found.end = month_after(now) - timedelta(seconds=1)
        return {"transfer": found.id, "end": found.end.isoformat()}

    def vanish_subscription(self, customer_id: str, subscription_id: str) -> Data:
        """An account left, or a transfer or agreement is known no more."""
        del customer_id
        book = self._vendor.book
        if subscription_id in book.accounts:
            book.drop_account(book.accounts[subscription_id])
        elif subscription_id in book.transfers:
            del book.transfers[subscription_id]
        else:
            first = subscription_id.partition("/")[0]
            for held in book.bought.values():
                held[:] = [a for a in held if book.agreements[a].first != first]
        return {"subscription": subscription_id}

    def customers(self, limit: int = 10) -> list[Data]:
        """The first customers: id and name."""
        book = self._vendor.book
        found = [{"customer": u.id, "name": u.name} for u in book.customer_units()]
        for each in book.transfers.values():
            found.append({"customer": each.account, "name": each.name})
        return found[:limit]

    # What other actions need too

    def unit(self, customer: str) -> Unit:
        """The unit of that id, else the first customer's."""
        book = self._vendor.book
        return book.units[customer] if customer else book.customer_units()[0]

    def account(self, account: str) -> Account:
        """The account of that id, else the first active one of a customer."""
        book = self._vendor.book
        if account:
            return book.accounts[account]
        for unit in book.customer_units():
            for found in book.accounts_below(unit.id):
                if found.state == ACTIVE:
                    return found
        raise LookupError("no customer has an active account")

    def _customer(self, customer: str) -> Unit | Transfer:
        for each in self._vendor.book.transfers.values():
            if customer == each.account:
                return each
        return self.unit(customer)

    def _to(self, state: str, found: Account) -> Data:
        found.state = state
        return {"account": found.id, "customer": found.unit, "state": state}

    # What time brings

    def _suspended(self, account: str) -> None:
        found = self._vendor.book.accounts.get(account)
        if found is not None and found.state == "PENDING_CLOSURE":
            found.state = "SUSPENDED"
            gone = self._vendor.clock.now() + _KEPT
            self._vendor.book.later(gone, "account_gone", account)

    def _gone(self, account: str) -> None:
        found = self._vendor.book.accounts.get(account)
        if found is not None and found.state == "SUSPENDED":
            self._vendor.book.drop_account(found)

    def _expires(self, transfer: str) -> None:
        found = self._vendor.book.transfers.get(transfer)
        if found is not None and found.status == "REQUESTED":
            found.status = "EXPIRED"
