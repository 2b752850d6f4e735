"""Customers and entitlements made from a seed, one customer at a time.

Nothing is generated before somebody asks for it, and asking twice gives the same
answer, so that a partner of a hundred thousand customers starts at once.
"""

from __future__ import annotations

import hashlib
import random
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from entrepot.sdk.model.time import add_months
from entrepot.sdk.simulator import CompanyFacts, Options, Seed, company

from entrepot_google.simulator.catalog import EDITIONS, SKUS, Catalog, Offer, Sku
from entrepot_google.simulator.model import (
    ACTIVE,
    BY_RESELLER,
    NOT_RENEWED,
    OPEN_TERMS,
    Change,
    Customer,
    Entitlement,
    PartnerLink,
    Renewal,
)

_SCRAMBLE: Final = 0x9E3779B1  # odd, so that multiplying modulo 2**32 can be undone
_UNSCRAMBLE: Final = pow(_SCRAMBLE, -1, 2**32)
_PLANS: Final = {"commit_month": 50, "commit_year": 20, "flexible": 30}
_ADDONS: Final = tuple(s for s in SKUS.values() if s.addon)
_OTHERS: Final = tuple(
    s for s in SKUS.values() if not s.addon and s.product != "Google-Apps"
)


class Generator:
    """Makes the customers of one seed.

    Args:
        options: Seed, number of customers, scale; ``extra``: ``country`` (a code or
            ``mixed``) and ``first`` (number of the first company).
        catalog: What they may have bought.
        epoch: The moment at which the generated state holds.
    """

    def __init__(self, options: Options, catalog: Catalog, epoch: datetime) -> None:
        self._seed = self.seed = options.seed
        self._catalog = catalog
        self._per_customer = options.per_customer
        self._country = options.extra.get("country", "US")
        self._first = int(options.extra.get("first", "0"))
        self._partners = int(options.extra.get("partners", "0"))
        self._planted: tuple[int, ...] | None = None
        self.epoch = epoch
        self.count = options.customers
        if options.seed_file is not None:
            seed = Seed.load(options.seed_file)
            self._seed = self.seed = seed.seed
            self._planted = tuple(each.index for each in seed.customers)
            self.count = len(self._planted)

    def customer_id(self, number: int) -> str:
        """The id of the customer of that number."""
        return f"S{(number * _SCRAMBLE + self._seed) % 2**32:08x}"

    def identity(self, number: int) -> str:
        """Its Cloud Identity id."""
        return f"C0{(number * _SCRAMBLE + self._seed + 77) % 2**32:08x}"

    def number_of(self, text: str) -> int | None:
        """The number an id was made from, or ``None`` when it is not ours."""
        offset = 77 if text.startswith("C0") else 0
        try:
            scrambled = int(text[2:] if offset else text[1:], 16)
        except ValueError:
            return None
        number = (scrambled - self._seed - offset) * _UNSCRAMBLE % 2**32
        made = self.identity(number) if offset else self.customer_id(number)
        return number if number < self.count and made == text else None

    def partner_of(self, number: int) -> str:
        """Id of the partner that customer belongs to; empty for our own."""
        place = number % (self._partners + 1)
        return self.link_id(place) if place and number < self.count else ""

    def link_id(self, place: int) -> str:
        """Id of the partner of that place, from 1 on."""
        return f"L{(place * _SCRAMBLE + self._seed + 5) % 2**32:08x}"

    def links(self) -> list[PartnerLink]:
        """Partners with customers, and one that is invited only."""
        if not self._partners:
            return []
        return [
            PartnerLink(
                id=self.link_id(place),
                identity=self.identity(2**30 + place),
                public_id=f"P{place:06d}",
                created=self.epoch - timedelta(days=500 + place),
                state=ACTIVE if place <= self._partners else "INVITED",
            )
            for place in range(1, self._partners + 2)
        ]

    def facts(self, number: int) -> CompanyFacts:
        """The company of that number."""
        country = None if self._country == "mixed" else self._country
        index = number + self._first
        if self._planted is not None:
            index = self._planted[number]
        return company(index, self._seed, country)

    @property
    def total(self) -> int:
        """Entitlements of all customers together at the start."""
        return int(self.count * self._per_customer)

    def size_of(self, number: int) -> int:
        """How many entitlements the customer of that number starts with."""
        mean = self._per_customer
        return int((number + 1) * mean) - int(number * mean)

    def customer(self, number: int) -> Customer:
        """The customer of that number with its entitlements and their history."""
        rng = _rng(self._seed, "entitlements", number)
        created = self.epoch - timedelta(days=rng.randint(400, 1500), seconds=number)
        made = Customer(
            id=self.customer_id(number),
            index=number,
            identity=self.identity(number),
            make_facts=partial(self.facts, number),
            partner=self.partner_of(number),
            created=created,
            updated=created,
        )
        _Shelf(rng, made, self._catalog, self.epoch).fill(self.size_of(number))
        return made


class _Shelf:
    """Fills one customer's shelf."""

    def __init__(
        self, rng: random.Random, customer: Customer, catalog: Catalog, epoch: datetime
    ) -> None:
        self._rng, self._customer = rng, customer
        self._catalog, self._epoch = catalog, epoch

    def fill(self, count: int) -> None:
        """Buy so many things; a customer may hold a SKU more than once at scale."""
        if count <= 0:
            return
        edition = self._pick(EDITIONS)
        base = self._buy(edition, self._plan_of(edition))
        self._vary(base)
        for _ in range(count - 1):
            sku = self._pick((*_ADDONS, *_OTHERS))
            plan = "trial" if self._rng.random() < 0.03 else self._plan_of(sku)
            made = self._buy(sku, plan if plan in sku.plans else self._plan_of(sku))
            made.base = base.id if sku.addon else ""
            self._vary(made)

    def _pick(self, skus: tuple[Sku, ...]) -> Sku:
        return self._rng.choices(skus, [sku.weight for sku in skus])[0]

    def _plan_of(self, sku: Sku) -> str:
        paid = [plan for plan in sku.plans if plan in _PLANS]
        if not paid:
            return sku.plans[0]
        return self._rng.choices(paid, [_PLANS[plan] for plan in paid])[0]

    def _buy(self, sku: Sku, plan: str) -> Entitlement:
        offer = self._catalog.offer(sku.code, plan, self._customer.facts.country)
        since = self._epoch - timedelta(
            days=self._rng.randint(3, 1000), seconds=self._rng.randint(60, 80_000)
        )
        seats = self._seats(sku)
        made = Entitlement(
            id=f"S{self._rng.getrandbits(52):013x}",
            offer=offer,
            seats=seats,
            assigned=max(1, seats * self._rng.randint(6, 10) // 10),
            created=since,
            updated=since,
            provisioning_id=str(self._rng.randint(10**8, 10**9)),
        )
        self._committed(made, offer)
        if plan == "trial":
            made.created = self._epoch - timedelta(days=self._rng.randint(1, 25))
            made.trial_end = made.created + timedelta(days=30)
            made.seats = made.assigned = min(made.seats, 10)
        if plan == "usage":
            made.display_name = f"billing {self._customer.facts.short_name}"
            made.projects = self._rng.randint(0, 2)
        if self._rng.random() < 0.3 and plan != "usage":
            made.purchase_order = f"PO-{self._rng.randint(10_000, 99_999)}"
        self._customer.entitlements[made.id] = made
        self._note(made, "CREATED", made.created)
        return made

    def _committed(self, made: Entitlement, offer: Offer) -> None:
        if not offer.is_commitment:
            return
        made.start = made.created
        made.end = year_after(made.created)
        while made.end <= self._epoch:
            made.start, made.end = made.end, year_after(made.end)
            self._note(made, "RENEWED", made.start)
        made.updated = made.start
        made.renewal = Renewal(
            months=offer.cycle_months, resize=self._rng.random() < 0.2
        )

    def _seats(self, sku: Sku) -> int:
        size = max(1, min(sku.most, int(self._customer.facts.size)))
        return max(1, int(size * self._rng.uniform(0.1, 1.0)))

    def _vary(self, made: Entitlement) -> None:
        chance = self._rng.random()
        paid = made.offer.plan in _PLANS
        if chance < 0.03 and paid:
            made.reasons = [BY_RESELLER]
            made.suspended_at = self._epoch - timedelta(days=self._rng.randint(1, 40))
            made.updated = made.suspended_at
            self._note(made, "SUSPENDED", made.suspended_at, BY_RESELLER)
        elif chance < 0.05 and paid:
            made.reasons = [OPEN_TERMS]
        elif chance < 0.13 and made.renewal is not None:
            made.renewal.enable = False
        elif chance < 0.15 and made.renewal is not None:
            self._run_out(made)
        elif chance < 0.20 and made.renewal is not None:
            made.renewal.plan, made.renewal.months = "FLEXIBLE", 1

    def _run_out(self, made: Entitlement) -> None:
        end = self._epoch - timedelta(days=self._rng.randint(1, 30))
        day = add_months(end.date(), -12)
        made.start = end.replace(year=day.year, month=day.month, day=day.day)
        made.created, made.end, made.updated = made.start, end, end
        if made.renewal is not None:
            made.renewal.enable = False
        made.reasons = [NOT_RENEWED]
        self._customer.changes = [
            c for c in self._customer.changes if c.entitlement != made.id
        ]
        self._note(made, "CREATED", made.created)
        self._note(made, "SUSPENDED", end, NOT_RENEWED)

    def _note(
        self, made: Entitlement, kind: str, at: datetime, reason: str = ""
    ) -> None:
        self._customer.changes.append(
            Change(
                entitlement=made.id,
                offer=made.offer,
                kind=kind,
                at=at,
                seats=made.seats,
                reason=("suspensionReason", reason) if reason else ("", ""),
            )
        )


def year_after(start: datetime) -> datetime:
    """The same moment a year later; the last of February where there is no 29th."""
    day = add_months(start.date(), 12)
    return start.replace(year=day.year, month=day.month, day=day.day)


def _rng(seed: int, what: str, number: int) -> random.Random:
    digest = hashlib.blake2b(f"{what}:{seed}:{number}".encode(), digest_size=8)
    return random.Random(int.from_bytes(digest.digest(), "big"))  # noqa: S311 - not for secrets
