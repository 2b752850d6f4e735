"""The vendor's books: which accounts there are, and what each one has."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from entrepot.sdk.simulator import Options

from entrepot_ibm.simulator import lifecycle
from entrepot_ibm.simulator.generate import Generator
from entrepot_ibm.simulator.metering import Ledger
from entrepot_ibm.simulator.model import Account, Instance


class Book:
    """State of the vendor. The caller holds the simulator's lock.

    Args:
        options: Start options.
        epoch: When the generated state holds.
    """

    def __init__(self, options: Options, epoch: datetime) -> None:
        self.generator = Generator(options, epoch)
        self.ledger = Ledger()
        self.prices: dict[str, Decimal] = {}
        self.price_version = 1
        self.own = self.generator.own()
        self._known: dict[str, Account] = {self.own.id: self.own}
        self._added: list[str] = []

    @property
    def positions(self) -> int:
        """Number of customers, closed ones included."""
        return self.generator.count + len(self._added)

    def at(self, position: int, now: datetime) -> Account:
        """The customer at a place of the listing."""
        if position < self.generator.count:
            found = self.find(self.generator.account_id(position), now)
        else:
            found = self.find(self._added[position - self.generator.count], now)
        if found is None:
            raise IndexError(position)
        return found

    def find(self, account_id: str, now: datetime) -> Account | None:
        """The account, settled up to now; None when there is none."""
        found = self._known.get(account_id)
        if found is None:
            index = self.generator.index_of(account_id)
            if index is None:
                return None
            found = self._known[account_id] = self.generator.account(index)
        lifecycle.settle(found, now)
        return found

    def exists(self, account_id: str) -> bool:
        """Whether the account can be signed in to."""
        known = self._known.get(account_id)
        if known is not None:
            return not known.deleted
        return self.generator.index_of(account_id) is not None

    def add(self, account: Account) -> None:
        """Take in an account that was created at the vendor."""
        self._known[account.id] = account
        self._added.append(account.id)

    def instance(self, account: Account, name: str) -> Instance | None:
        """An instance of the account by GUID or CRN; None when it has none such."""
        guid = name.split(":")[7] if name.count(":") > 7 else name
        return account.instances.get(guid)
