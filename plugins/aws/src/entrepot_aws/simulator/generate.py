"""An organization made from a seed: units, accounts, transfers."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from entrepot.sdk.simulator import CompanyFacts, Options, Seed, company

from entrepot_aws.simulator.catalog import OFFERINGS, PRODUCTS
from entrepot_aws.simulator.state import (
    Account,
    Agreement,
    Book,
    Group,
    Plan,
    Relationship,
    Transfer,
    Unit,
    letters,
    twelve,
)

Facts = Callable[[int], CompanyFacts]
_PURPOSES = ("production", "staging", "development", "data", "security", "sandbox")
_BOUGHT = 0.35  # share of subscriptions that are agreements and plans
_TRANSFER_EVERY = 4  # each fourth customer has an organization of its own


def month_start(moment: datetime) -> datetime:
    """The first moment of its month."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(moment: datetime, months: int = 1) -> datetime:
    """The first moment of a later (or earlier) month."""
    index = moment.year * 12 + moment.month - 1 + months
    return month_start(moment).replace(year=index // 12, month=index % 12 + 1)


def companies(options: Options) -> Facts:
    """Companies by number: those of the seed file where it has one, else our own."""
    if options.seed_file is None:
        return lambda index: company(index, options.seed)
    planted = Seed.load(options.seed_file)

    def found(index: int) -> CompanyFacts:
        if index < len(planted.customers):
            return company(planted.customers[index].index, planted.seed)
        return company(index, planted.seed)

    return found


class Generator:
    """Fills a book.

    Args:
        options: Start options.
        now: When the generated state holds.
    """

    def __init__(self, options: Options, now: datetime) -> None:
        self._options, self._now = options, now
        self._random = random.Random(f"aws {options.seed}")  # noqa: S311 - not for secrets
        self.facts = companies(options)

    def book(self) -> Book:
        """The organization with all customers."""
        seed = self._options.seed
        root = f"r-{letters(seed, 1, 4)}"
        parent = self._unit_id(root, 1)
        book = Book(
            seed=seed,
            management=twelve(seed, 0),
            organization=f"o-{letters(seed, 2, 10)}",
            root=root,
            customers_parent=parent,
            email="billing@reseller.example",
            numbers=1000,
        )
        book.add_unit(Unit(root, "Root", ""))
        book.add_unit(Unit(parent, "Customers", root))
        inside = book.add_unit(Unit(self._unit_id(root, 2), "Internal", root))
        self.account(book, root, "Reseller", book.email, book.management)
        self.account(book, inside.id, "Shared services", "it@reseller.example")
        for index in range(self._options.customers):
            self.customer(book, index)
        self._partner(book)
        return book

    def _partner(self, book: Book) -> None:
        """What we sold by private offers, and who is registered with the programme.

        Every transferred organization is; one customer bought from us and is nothing
        else, one is registered and has not begun, one is a seller below us.
        """
        chance = random.Random(f"aws sold {self._options.seed}")  # noqa: S311 - not for secrets
        known = [(t.account, t.name) for t in book.transfers.values()]
        stranger, waiting, seller = (twelve(book.seed, book.number()) for _ in range(3))
        for number, account in enumerate([*(a for a, _ in known), stranger]):
            since = self._now - timedelta(days=chance.randint(1, 300))
            self._sells(book, account, number, since, chance.randint(1, 60))
        registered = [(a, name, "END_CUSTOMER") for a, name in known]
        registered.append((waiting, "Waiting for the start", "END_CUSTOMER"))
        registered.append((seller, "Reseller below us", "DOWNSTREAM_SELLER"))
        for account, name, kind in registered:
            start = self._now + timedelta(days=20 if account == waiting else -200)
            made = f"rs-{letters(book.seed, book.number(), 13)}"
            book.relationships.append(Relationship(made, account, name, kind, start))

    def _sells(
        self, book: Book, account: str, number: int, since: datetime, count: int
    ) -> None:
        product = PRODUCTS[number % len(PRODUCTS)]
        agreement = f"agmt-{letters(book.seed, book.number(), 20)}"
        book.add_agreement(
            Agreement(
                agreement,
                agreement,
                account,
                product.id,
                "P12M",
                {product.dimensions[0].key: count},
                since,
                month_after(since, 12),
                proposer=book.management,
                parts=4 if number % 2 else 1,
            )
        )

    def customer(self, book: Book, index: int) -> None:
        """One more customer, in the layout its number decides."""
        if index % _TRANSFER_EVERY == _TRANSFER_EVERY - 1:
            self._transfer(book, index)
        else:
            self._unit(book, index)

    def _unit(self, book: Book, index: int) -> None:
        facts = self.facts(index)
        unit = book.add_unit(
            Unit(
                self._unit_id(book.root, 100 + index),
                facts.name,
                book.customers_parent,
                company=index,
                tags={"domain": facts.domain} if index % 3 == 0 else {},
            )
        )
        wanted = self._wanted()
        bought = int(wanted * _BOUGHT)
        accounts = []
        for number in range(max(1, wanted - bought)):
            purpose = _PURPOSES[number % len(_PURPOSES)]
            serial = f"-{number // len(_PURPOSES)}" if number >= len(_PURPOSES) else ""
            name = f"{facts.short_name} {purpose}{serial}"[:50]
            email = f"aws-{purpose}{serial}@{facts.domain}"
            accounts.append(self.account(book, unit.id, name, email))
        for number in range(bought):
            self._buys(book, accounts[number % len(accounts)], number)
        group = f"cust-{index}"
        self._group(book, group, unit.id, accounts[0].id)

    def _buys(self, book: Book, account: Account, number: int) -> None:
        """Every fifth purchase is a Savings Plan, the others are agreements."""
        since = self._now - timedelta(days=self._random.randint(1, 300))
        if number % 5 == 4:
            kind = self._random.randrange(len(OFFERINGS))
            made = Plan(
                f"sp-{letters(book.seed, book.number(), 10)}",
                account.id,
                kind,
                Decimal(self._random.randint(1, 400)) / 100,
                since,
                since + timedelta(days=365 * OFFERINGS[kind].years),
            )
            book.plans.setdefault(account.id, []).append(made)
            return
        product = PRODUCTS[number % len(PRODUCTS)]
        key = product.dimensions[0].key
        agreement = f"agmt-{letters(book.seed, book.number(), 20)}"
        book.add_agreement(
            Agreement(
                agreement,
                agreement,
                account.id,
                product.id,
                "P12M",
                {key: self._random.randint(1, 120)},
                since,
                month_after(since, 12),
                renews=self._random.random() < 0.8,
            )
        )

    def _group(
        self, book: Book, name: str, owner: str, primary: str, transfer: str = ""
    ) -> None:
        percent = Decimal(self._random.randint(0, 40)) / 2
        suffix = letters(book.seed, book.number(), 10)
        book.groups[owner] = Group(suffix, name, primary, owner, transfer, percent)

    def _wanted(self) -> int:
        """So many that the mean over all customers is the wanted one."""
        mean = self._options.per_customer
        share = (_TRANSFER_EVERY - 1) / _TRANSFER_EVERY
        wanted = (mean - (1 - share)) / share
        spread = self._random.uniform(0.5, 1.5)
        return max(1, int(wanted * spread + self._random.random()))

    def account(
        self, book: Book, unit: str, name: str, email: str, given: str = ""
    ) -> Account:
        """One more account of a unit, of some age."""
        age = timedelta(days=self._random.randint(20, 1500))
        made = Account(
            given or twelve(book.seed, book.number()),
            name,
            email,
            self._now - age,
            unit,
            method=self._random.choice(("CREATED", "CREATED", "INVITED")),
        )
        return book.add_account(made)

    def _transfer(self, book: Book, index: int) -> None:
        facts = self.facts(index)
        back = self._random.randint(1, 20)
        made = Transfer(
            f"rt-{letters(book.seed, 500 + index, 10)}",
            facts.name,
            twelve(book.seed, book.number()),
            f"cloud@{facts.domain}",
            month_after(self._now, -back),
            company=index,
        )
        book.transfers[made.id] = made
        self._group(book, f"transfer-{index}", made.id, made.account, made.id)

    def _unit_id(self, root: str, number: int) -> str:
        return f"ou-{root[2:]}-{letters(self._options.seed, number, 8)}"
