"""Customers and subscriptions made from a seed, one customer at a time.

Nothing is generated before somebody asks for it, and asking twice gives the same
answer, so that a tenant of a hundred thousand customers starts at once.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from entrepot.sdk.model.time import add_months
from entrepot.sdk.simulator import CompanyFacts, Options, company

from entrepot_microsoft.simulator import catalog
from entrepot_microsoft.simulator.catalog import Sku
from entrepot_microsoft.simulator.model import (
    Batch,
    Customer,
    NextTerm,
    Order,
    Sub,
    end_of,
)

_SCRAMBLE: Final = 0x9E3779B1  # odd, so that multiplying modulo 2**32 can be undone
_UNSCRAMBLE: Final = pow(_SCRAMBLE, -1, 2**32)
_PLAN_WEIGHTS: Final = {
    ("P1M", "monthly"): 30,
    ("P1Y", "monthly"): 48,
    ("P1Y", "annual"): 15,
    ("P3Y", "monthly"): 3,
    ("P3Y", "annual"): 2,
    ("P3Y", "triennial"): 2,
}
_WEIGHTS_OF: Final = {
    sku.key: [_PLAN_WEIGHTS[(p.term, p.cycle)] for p in sku.plans]
    for sku in catalog.BASES
}


class Generator:
    """Makes the customers of one seed.

    Args:
        options: Seed, number of customers, scale.
        epoch: The moment at which the generated state holds.
    """

    def __init__(self, options: Options, epoch: datetime) -> None:
        self._seed = options.seed
        self._per_customer = options.per_customer
        self._country = options.extra.get("country", "US")
        self.epoch = epoch
        self.count = options.customers

    def customer_id(self, index: int) -> str:
        """The tenant id of the customer of that number."""
        head = (index * _SCRAMBLE + self._seed) % 2**32
        digest = hashlib.blake2b(
            f"tenant:{self._seed}:{index}".encode(), digest_size=16
        ).digest()
        return str(uuid.UUID(bytes=head.to_bytes(4, "big") + digest[4:], version=4))

    def index_of(self, customer_id: str) -> int | None:
        """The number a tenant id was made from, or ``None`` when it is not ours."""
        try:
            head = uuid.UUID(customer_id).int >> 96
        except ValueError:
            return None
        index = (head - self._seed) * _UNSCRAMBLE % 2**32
        if index < self.count and self.customer_id(index) == customer_id.lower():
            return index
        return None

    def facts(self, index: int) -> CompanyFacts:
        """The company of that number."""
        country = None if self._country == "mixed" else self._country
        return company(index, self._seed, country)

    @property
    def total(self) -> int:
        """Subscriptions of all customers together at the start."""
        return int(self.count * self._per_customer)

    def size_of(self, index: int) -> int:
        """How many subscriptions the customer of that number starts with.

        Neighbours differ by opposite amounts, so that the total is exact.
        """
        mean = self._per_customer
        fair = int((index + 1) * mean) - int(index * mean)
        pair = index // 2
        if pair * 2 + 1 >= self.count or mean < 2:
            return fair
        spread = _rng(self._seed, "spread", pair).randint(0, int(mean) - 1)
        return fair + spread if index % 2 == 0 else fair - spread

    def customer(self, index: int) -> Customer:
        """The customer of that number with its subscriptions and orders."""
        fixed = self._country != "mixed"
        made = Customer(
            id=self.customer_id(index),
            index=index,
            make_facts=partial(self.facts, index),
            market=self._country if fixed else self.facts(index).country,
            etag=5_920_358_838_484_612_121 - index,
        )
        rng = _rng(self._seed, "subs", index)
        maker = _Shelf(rng, made, self.epoch)
        maker.fill(self.size_of(index))
        return made


class _Shelf:
    """Fills one customer's shelf."""

    def __init__(self, rng: random.Random, customer: Customer, epoch: datetime) -> None:
        self._rng = rng
        self._customer = customer
        self._epoch = epoch

    def fill(self, count: int) -> None:
        taken: set[str] = set()
        while len(self._customer.subs) < count:
            room = count - len(self._customer.subs)
            kind = self._rng.random()
            if kind < 0.05 and room >= 2:
                self._legacy_pair()
            elif kind < 0.10:
                self._legacy()
            elif kind < 0.13:
                self._trial()
            else:
                self._seats(taken, room)

    def _legacy(self, offer_id: str = "", parent: Sub | None = None) -> Sub:
        offers = [o for o in catalog.LEGACY.values() if not o.base]
        offer = catalog.LEGACY[offer_id] if offer_id else self._rng.choice(offers)
        own = self._rng.choice(("monthly", "monthly", "annual"))
        cycle = parent.cycle if parent else own
        start = self._start(365)
        sub = Sub(
            id=self._guid(),
            item=offer.offer_id,
            name=offer.title,
            friendly_name=offer.title,
            quantity=parent.quantity if parent else self._quantity(),
            cycle=cycle,
            term="",
            created=_years_back(start, self._rng.randint(0, 4)),
            term_start=start,
            term_end=end_of(start, "P1Y"),
            order_id="",
            cost=catalog.convert(offer.cost(cycle), self._customer.market),
            erp=catalog.convert(offer.erp(cycle), self._customer.market),
            is_addon=parent is not None,
            parent_id=parent.id if parent else "",
        )
        if parent is None and self._rng.random() < 0.05:
            sub.status, sub.auto_renew = "suspended", False
            sub.status_since = self._epoch - timedelta(days=self._rng.randint(1, 60))
        elif parent is not None and parent.status == "suspended":
            sub.status, sub.auto_renew = "suspended", False
            sub.status_since = parent.status_since
        return self._shelve(sub)

    def _legacy_pair(self) -> None:
        addon = next(o for o in catalog.LEGACY.values() if o.base)
        base = self._legacy(addon.base)
        self._legacy(addon.offer_id, base)

    def _trial(self) -> None:
        sku = self._rng.choice(catalog.TRIALS)
        start = self._start(28)
        plan = sku.plans[0]
        sub = self._sub(sku, plan.term, plan.cycle, start, self._rng.randint(5, 25))
        sub.is_trial = True
        sub.created = start
        sub.term_end = start.replace(
            hour=0, minute=0, second=0, microsecond=0
        ) + timedelta(days=30)
        paid = catalog.paid_sku(sku)
        sub.next_term = NextTerm(
            quantity=sub.quantity, sku_key=paid.key, term="P1Y", cycle="monthly"
        )
        sub.auto_renew = self._rng.random() < 0.6
        sub.batches = []
        self._shelve(sub)

    def _seats(self, taken: set[str], room: int) -> None:
        sku = self._pick(taken)
        taken.add(sku.key)
        if not sku.plans:
            self._shelve(self._azure(sku))
            return
        plan = self._rng.choices(sku.plans, _WEIGHTS_OF[sku.key])[0]
        days = {"P1M": 27, "P1Y": 364, "P3Y": 1094}[plan.term]
        sub = self._sub(sku, plan.term, plan.cycle, self._start(days), self._quantity())
        if plan.term == "P1M":
            sub.created = _months_back(sub.term_start, self._rng.randint(0, 30))
        elif plan.term == "P1Y":
            sub.created = _years_back(sub.term_start, self._rng.randint(0, 3))
        self._vary(sub, sku)
        self._shelve(sub)
        addons = [a for a in catalog.ADDONS if a.base == sku.key]
        if addons and room > 1 and sub.status == "active" and self._rng.random() < 0.5:
            addon = self._rng.choice(addons)
            quantity = max(1, sub.quantity * self._rng.randint(3, 10) // 10)
            extra = self._sub(addon, "P1Y", "monthly", sub.term_start, quantity)
            extra.created = sub.term_start
            extra.is_addon = True
            self._shelve(extra)

    def _pick(self, taken: set[str]) -> Sku:
        free = [s for s in catalog.BASES if s.key not in taken]
        if not free:
            taken.clear()
            free = list(catalog.BASES)
        return self._rng.choices(free, [s.weight for s in free])[0]

    def _azure(self, sku: Sku) -> Sub:
        start = self._start(900)
        sub = self._sub(sku, "", "monthly", start, 1)
        sub.created, sub.term_end, sub.batches = start, None, []
        return sub

    def _sub(
        self, sku: Sku, term: str, cycle: str, start: datetime, quantity: int
    ) -> Sub:
        plan = sku.plan(term, cycle)
        market = self._customer.market
        zero = catalog.convert(Decimal(0), market)
        sub = Sub(
            id=self._guid(),
            item=sku.key,
            name=sku.sku_title,
            friendly_name=sku.sku_title,
            quantity=min(quantity, sku.maximum),
            cycle=cycle,
            term=term,
            created=start,
            term_start=start,
            term_end=end_of(start, term),
            order_id="",
            cost=catalog.convert(plan.cost, market) if plan else zero,
            erp=catalog.convert(plan.erp, market) if plan else zero,
            availability=catalog.availability_id(sku),
            kind=sku.kind,
            spelling=self._rng.choices((0, 1, 2, 3), (85, 5, 5, 5))[0],
        )
        until = start + timedelta(days=7)
        sub.batches = [Batch(quantity=sub.quantity, until=until)]
        return sub

    def _vary(self, sub: Sub, sku: Sku) -> None:
        chance = self._rng.random()
        if chance < 0.03:
            sub.status, sub.auto_renew = "suspended", False
            sub.status_since = self._epoch - timedelta(days=self._rng.randint(1, 20))
        elif chance < 0.05:
            sub.status, sub.auto_renew = "deleted", False
            sub.status_since = sub.term_start + timedelta(days=self._rng.randint(1, 6))
            sub.status_since = min(sub.status_since, self._epoch)
        elif chance < 0.06:
            self._expire(sub)
        elif chance < 0.16:
            sub.next_term = self._schedule(sub, sku)
        elif chance < 0.22:
            sub.auto_renew = False
            if chance < 0.19:
                sub.actions = [{"scheduleType": "TermEnd", "actionType": "Cancel"}]

    def _expire(self, sub: Sub) -> None:
        end = self._epoch - timedelta(days=self._rng.randint(2, 25))
        sub.term_end = end.replace(hour=0, minute=0, second=0, microsecond=0)
        months = -12 if sub.term == "P1Y" else -1 if sub.term == "P1M" else -36
        begin = add_months(sub.term_end.date(), months)
        sub.term_start = sub.term_end.replace(
            year=begin.year, month=begin.month, day=begin.day
        )
        sub.created = sub.term_start
        sub.status, sub.auto_renew, sub.status_since = "expired", False, sub.term_end

    def _schedule(self, sub: Sub, sku: Sku) -> NextTerm:
        choice = self._rng.random()
        if choice < 0.7:
            less = max(1, sub.quantity - self._rng.randint(1, 5))
            return NextTerm(quantity=less, sku_key=sku.key)
        plan = self._rng.choices(sku.plans, _WEIGHTS_OF[sku.key])[0]
        return NextTerm(
            quantity=sub.quantity, sku_key=sku.key, term=plan.term, cycle=plan.cycle
        )

    def _quantity(self) -> int:
        size = max(3, min(2000, int(self._rng.lognormvariate(3.0, 1.0))))
        return max(1, min(300, int(size * self._rng.uniform(0.1, 1.1))))

    def _start(self, days: int) -> datetime:
        back = timedelta(
            days=self._rng.randint(0, days - 1),
            seconds=self._rng.randint(60, 80_000),
            microseconds=self._rng.randint(0, 999_999),
        )
        return self._epoch - back

    def _shelve(self, sub: Sub) -> Sub:
        order = Order(
            id=f"{self._rng.getrandbits(48):012x}",
            created=sub.created,
            status="completed",
            sub_ids=[sub.id],
            currency=catalog.MARKETS[self._customer.market][0],
            cycle=sub.cycle,
        )
        sub.order_id = order.id
        self._customer.orders[order.id] = order
        self._customer.subs[sub.id] = sub
        return sub

    def _guid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))


def _rng(seed: int, what: str, number: int) -> random.Random:
    digest = hashlib.blake2b(f"{what}:{seed}:{number}".encode(), digest_size=8)
    return random.Random(int.from_bytes(digest.digest(), "big"))  # noqa: S311 - not for secrets


def _months_back(moment: datetime, months: int) -> datetime:
    day = add_months(moment.date(), -months)
    return moment.replace(year=day.year, month=day.month, day=day.day)


def _years_back(moment: datetime, years: int) -> datetime:
    return _months_back(moment, 12 * years)
