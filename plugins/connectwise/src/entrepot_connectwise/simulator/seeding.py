"""Planting a tenant that fits a vendor's state (connectwise.md §15, seed)."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from entrepot.sdk.simulator import Seed, SeedCustomer, SeedSubscription

from entrepot_connectwise.periods import ONE_DAY

from .drift import Drift, PlantedLine
from .invoicing import Invoicing, moment_of
from .parties import Parties
from .schema import Json, Row
from .setup import (
    CLOUD_PRORATE,
    CLOUD_WHOLE,
    CLOUD_YEARLY,
    MANAGED,
    OWNER,
)
from .standalone import own_seed
from .world import World

if TYPE_CHECKING:
    from .app import ConnectWiseSimulator

CENT = Decimal("0.01")
CYCLE_WORDS = {
    "monthly": "monthly",
    "annual": "yearly",
    "triennial": "3 years upfront",
    "quarterly": "quarterly",
}
_SOON = timedelta(days=30)
YEARLY = {"annual": 1, "triennial": 3}
"""Vendor cycles that are invoiced yearly here, with the years one of them covers.

The PSA knows no cycle of three years, so a third is invoiced every year."""
Product = tuple[str, str, str]
"""A catalogue key: SKU, term, billing cycle."""


@dataclass(slots=True)
class Planted:
    """What `load_seed` made, for tests and the control endpoint."""

    companies: dict[str, int] = field(default_factory=dict)
    agreements: int = 0
    lines: int = 0
    products: dict[Product, int] = field(default_factory=dict)
    ground_truth: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All of it for the control endpoint."""
        return {
            "companies": self.companies,
            "agreements": self.agreements,
            "lines": self.lines,
            "planted": self.ground_truth,
        }


def plant(simulator: ConnectWiseSimulator) -> Planted:
    """Plant what the start options ask for: a seed file's state, or our own."""
    options = simulator.options
    if options.seed_file is not None:
        seed = Seed.load(options.seed_file)
    else:
        today = simulator.clock.now().date()
        seed = own_seed(options.seed, options.customers, options.per_customer, today)
    drift = float(options.extra.get("drift", "0.08"))
    return load_seed(simulator, seed, drift=drift, rng=simulator.random)


def load_seed(
    simulator: ConnectWiseSimulator,
    seed: Seed,
    *,
    drift: float = 0.08,
    rng: random.Random | None = None,
) -> Planted:
    """Plant companies, catalogue, agreements and lines that fit a vendor's state.

    Args:
        simulator: Where.
        seed: The vendor's state.
        drift: Share of the lines that is made to differ, 0 to 1.
        rng: Source of chance; same seed and rng, same tenant.

    Returns:
        What was planted, with every planted difference; also kept as
        `simulator.planted` for the control action `ground_truth`.
    """
    with simulator.lock:
        planter = _Planter(simulator, seed, rng or random.Random(seed.seed))  # noqa: S311 - not for secrets
        planted = planter.plant(drift)
    simulator.planted = planted
    return planted


class _Planter:
    def __init__(
        self, simulator: ConnectWiseSimulator, seed: Seed, rng: random.Random
    ) -> None:
        self._world: World = simulator.world
        self._invoicing: Invoicing = simulator.invoicing
        self._seed = seed
        self._rng = rng
        self._planted = Planted()
        self._sold = [
            phase
            for one in seed.subscriptions
            if _recurs(one)
            for phase in _phases(one)
        ]
        self._unlisted = {
            (one.sku, one.term, one.billing_cycle)
            for one in seed.offers
            if one.is_legacy
        }
        self._entered = moment_of(seed.as_of - timedelta(days=30))
        self._parties = Parties(self._world, seed, rng, self._add)
        self._currencies = {
            row["currencyCode"]: row["id"] for row in self._world.rows("currencies")
        }

    def plant(self, drift: float) -> Planted:
        self._catalogue()
        self._planted.companies = self._parties.plant()
        # What only begins later differs from nothing yet.
        begun = moment_of(self._seed.as_of)
        lines = [one for one in self._lines() if one.row["effectiveDate"] <= begun]
        differences = Drift(self._world, self._rng)
        self._planted.ground_truth = differences.spread(lines, drift)
        self._planted.lines = len(self._world.tables["additions"].rows)
        self._planted.agreements = len(self._world.tables["agreements"].rows)
        self._world.forget_references()
        return self._planted

    def _add(self, table: str, **values: Json) -> Row:
        stamped = {"_updated": self._entered, "_entered": self._entered, **values}
        return self._world.insert(table, stamped, OWNER, quiet=True)

    # Catalogue --------------------------------------------------------------------

    def _catalogue(self) -> None:
        used = {(one.sku, one.term, one.billing_cycle) for one in self._sold}
        offered = {
            (one.sku, one.term, one.billing_cycle): one for one in self._seed.offers
        }
        sold = [k for k, o in offered.items() if k[2] in CYCLE_WORDS and o.unit_cost][
            :40
        ]
        wanted = sorted(used.union(sold))
        variants = Counter(sku for sku, _, _ in wanted)
        for key in wanted:
            offer = offered.get(key)
            sample = offer or self._sample(key)
            # One number must not stand for several ways to buy.
            number = key[0] if variants[key[0]] == 1 else ":".join(key)
            row = self._product(key, number, sample)
            self._planted.products[key] = row["id"]
        self._extra_products()

    def _sample(self, key: Product) -> SeedSubscription:
        return next(
            one for one in self._sold if (one.sku, one.term, one.billing_cycle) == key
        )

    def _product(self, key: Product, number: str, sample: Json) -> Row:
        _, term, cycle = key
        years = YEARLY.get(cycle, 1)
        name: str = sample.name
        suffix = f" ({term or 'open'}, {CYCLE_WORDS.get(cycle, cycle)})"
        plain = "".join(c if c.isalnum() else "-" for c in ":".join(key))
        return self._add(
            "catalog",
            identifier=plain[:75],
            description=name[: 60 - len(suffix)] + suffix,
            customerDescription=name,
            inactiveFlag=False,
            type=self._world.named("productTypes", "Service")["id"],
            category=self._world.named("categories", "Cloud")["id"],
            subcategory=self._world.named("subcategories", "Subscriptions")["id"],
            unitOfMeasure=self._world.named("unitOfMeasures", "Seat")["id"],
            productClass="Agreement",
            recurringFlag=True,
            price=(sample.unit_price / years).quantize(CENT),
            cost=(sample.unit_cost / years).quantize(CENT),
            taxableFlag=True,
            vendorSku=number[:50],
            integrationXRef=":".join(key)[:50],
        )

    def _extra_products(self) -> None:
        for identifier, kind, inactive in (
            ("BUNDLE-OFFICE", "Bundle", False),
            ("RETIRED-SKU", "Agreement", True),
            ("MS-SUPPORT", "Service", False),
        ):
            self._add(
                "catalog",
                identifier=identifier,
                description=identifier.title(),
                customerDescription=identifier.title(),
                inactiveFlag=inactive,
                type=self._world.named("productTypes", "Service")["id"],
                category=self._world.named("categories", "Managed Services")["id"],
                subcategory=self._world.named("subcategories", "Support")["id"],
                productClass=kind,
                price=Decimal("75.00"),
                cost=Decimal("40.00"),
                taxableFlag=True,
            )

    # Agreements and lines ---------------------------------------------------------

    def _lines(self) -> list[PlantedLine]:
        owned: dict[str, list[SeedSubscription]] = defaultdict(list)
        for one in self._sold:
            owned[one.customer_vendor_id].append(one)
        lines: list[PlantedLine] = []
        for customer in self._seed.customers:
            company = self._planted.companies.get(customer.vendor_id)
            if company is not None:
                lines += self._customer(customer, company, owned[customer.vendor_id])
        return lines

    def _customer(
        self, customer: SeedCustomer, company: int, owned: list[SeedSubscription]
    ) -> list[PlantedLine]:
        monthly = [one for one in owned if one.billing_cycle not in YEARLY]
        yearly = [one for one in owned if one.billing_cycle in YEARLY]
        kind = CLOUD_PRORATE if self._rng.random() < 0.8 else CLOUD_WHOLE
        lines = []
        if monthly:
            agreement = self._agreement(customer, company, kind, "Monthly", monthly)
            lines += self._additions(customer, agreement, monthly)
            self._last_invoice(agreement, lines)
        if yearly:
            agreement = self._agreement(
                customer, company, CLOUD_YEARLY, "Yearly", yearly
            )
            planted = self._additions(customer, agreement, yearly)
            self._last_invoice(agreement, planted)
            lines += planted
        self._side_agreements(company, customer)
        return lines

    def _agreement(
        self,
        customer: SeedCustomer,
        company: int,
        kind: str,
        cycle: str,
        owned: list[SeedSubscription],
    ) -> Row:
        start = min(one.start for one in owned).replace(day=1)
        arrears = cycle == "Monthly" and self._rng.random() < 0.1
        currency = owned[0].currency
        agreement = self._add(
            "agreements",
            **self._agreement_values(company, kind, cycle, start),
            name=f"{kind} {currency}",
            currency=self._currencies.get(currency),
            periodType="Current" if arrears else "Future",
        )
        self._lock(agreement, arrears=arrears)
        return agreement

    def _agreement_values(
        self, company: int, kind: str, cycle: str, start: date
    ) -> dict[str, Any]:
        setup = self._world.named("agreementTypes", kind)
        return {
            "type": setup["id"],
            "company": company,
            "contact": self._parties.first_contact.get(company),
            "startDate": moment_of(start),
            "billStartDate": moment_of(start),
            "noEndingDateFlag": True,
            "cancelledFlag": False,
            "billingCycle": self._world.named("billingCycles", cycle)["id"],
            "invoicingCycle": "ContractYear" if cycle == "Yearly" else "CalendarYear",
            "prorateFlag": setup["prorateFlag"],
            "invoiceProratedAdditionsFlag": False,
        }

    def _lock(self, agreement: Row, *, arrears: bool) -> None:
        """Everything up to today's period is invoiced (arrears: the one before)."""
        cycle = self._invoicing.cycle(agreement)
        today = cycle.containing(max(self._seed.as_of, cycle.anchor))
        first = today.first if arrears else today.last + ONE_DAY
        self._invoicing.set_next(agreement, first)

    def _additions(
        self, customer: SeedCustomer, agreement: Row, owned: list[SeedSubscription]
    ) -> list[PlantedLine]:
        grouped: dict[tuple[Product, date | None], list[SeedSubscription]]
        grouped = defaultdict(list)
        for one in owned:
            key = (one.sku, one.term, one.billing_cycle)
            later = one.start if one.start > self._seed.as_of else None
            grouped[key, later].append(one)
        through: date = agreement["_next"] - ONE_DAY
        return [
            self._addition(customer, agreement, key, group, through)
            for (key, _), group in grouped.items()
        ]

    def _last_invoice(self, agreement: Row, lines: list[PlantedLine]) -> None:
        """The invoice that made everything up to now history."""
        cycle = self._invoicing.cycle(agreement)
        first: date = agreement["_next"]
        if first <= cycle.anchor:
            return  # Nothing was ever invoiced.
        period = cycle.containing(first - ONE_DAY)
        advance = self._invoicing.in_advance(agreement)
        total = sum((one.row["_amount"] for one in lines), Decimal(0))
        invoice = self._add(
            "invoices",
            invoiceNumber=f"{agreement['id']:06d}",
            type="Agreement",
            company=agreement["company"],
            applyToType="Agreement",
            applyToId=agreement["id"],
            agreement=agreement["id"],
            currency=agreement.get("currency"),
            date=moment_of(period.first if advance else first),
            agreementAmount=total,
            subtotal=total,
            total=total,
            _period=period,
        )
        self._world.mark("agreements", agreement, _invoices=(invoice["id"],))

    def _addition(
        self,
        customer: SeedCustomer,
        agreement: Row,
        key: Product,
        group: list[SeedSubscription],
        through: date,
    ) -> PlantedLine:
        quantity = sum(one.quantity for one in group)
        start = min(one.start for one in group)
        years = YEARLY.get(key[2], 1)
        price = _weighted(group, "unit_price", quantity, years)
        row = self._add(
            "additions",
            agreementId=agreement["id"],
            product=self._planted.products[key],
            quantity=Decimal(quantity),
            unitPrice=price,
            unitCost=_weighted(group, "unit_cost", quantity, years),
            billCustomer="Billable",
            effectiveDate=moment_of(start),
            cancelledDate=self._announced(agreement, group),
            taxableFlag=True,
            _through=through if start <= through else None,
            _amount=price * quantity,
        )
        return PlantedLine(
            row=row,
            agreement=agreement,
            vendor_customer_id=customer.vendor_id,
            subscription_ids=tuple(one.vendor_id for one in group),
            sku=key[0],
            cost_told=key not in self._unlisted,
        )

    def _announced(self, agreement: Row, group: list[SeedSubscription]) -> str | None:
        """End of a line whose subscriptions all end soon, as members enter it.

        The period that began is paid for to its end.
        """
        ends = [one.end for one in group if one.end is not None and not one.renews]
        if len(ends) < len(group):
            return None
        last = max(ends)
        paid: date = agreement["_next"] - ONE_DAY
        if last > max(self._seed.as_of + _SOON, paid):
            return None
        cycle = self._invoicing.cycle(agreement)
        period = cycle.containing(max(last, cycle.anchor))
        return moment_of(period.last)

    def _side_agreements(self, company: int, customer: SeedCustomer) -> None:
        """Contracts that have nothing to do with the cloud, and an old one."""
        chance = self._rng.random()
        if chance < 0.10:
            self._managed(company, customer)
        if chance > 0.95:
            self._expired(company)

    def _managed(self, company: int, customer: SeedCustomer) -> None:
        start = self._seed.as_of.replace(day=1) - timedelta(days=400)
        agreement = self._add(
            "agreements",
            **self._agreement_values(company, MANAGED, "Monthly", start.replace(day=1)),
            name=MANAGED,
            currency=self._currencies.get(customer.currency),
            periodType="Future",
            billAmount=Decimal("250.00"),
        )
        self._lock(agreement, arrears=False)
        self._add(
            "additions",
            agreementId=agreement["id"],
            product=self._world.named("catalog", "MS-SUPPORT")["id"],
            quantity=Decimal(self._rng.randint(1, 20)),
            unitPrice=Decimal("75.00"),
            unitCost=Decimal("40.00"),
            billCustomer="Billable",
            effectiveDate=agreement["startDate"],
            _through=agreement["_next"] - ONE_DAY,
        )

    def _expired(self, company: int) -> None:
        start = date(self._seed.as_of.year - 3, 1, 1)
        values = self._agreement_values(company, CLOUD_PRORATE, "Monthly", start)
        values |= {
            "noEndingDateFlag": False,
            "endDate": moment_of(date(start.year, 12, 31)),
        }
        agreement = self._add("agreements", **values, name="Cloud Services (old)")
        self._invoicing.set_next(agreement, date(start.year + 1, 1, 1))


def _recurs(one: SeedSubscription) -> bool:
    """Whether it stands on an agreement: usage, trials and what waits do not."""
    recurring = one.billing_cycle in CYCLE_WORDS and one.unit_cost > 0
    charged = one.billed and one.status != "pending"
    return charged and one.quantity > 0 and recurring


def _phases(one: SeedSubscription) -> Iterator[SeedSubscription]:
    """What runs now, and what follows as another product."""
    coming = one.following
    if coming is None:
        yield one
        return
    yield replace(one, renews=False, following=None)
    yield replace(
        one,
        term=coming.term,
        billing_cycle=coming.billing_cycle,
        quantity=coming.quantity,
        unit_cost=coming.unit_cost,
        unit_price=coming.unit_price,
        start=coming.start,
        end=None,
        following=None,
    )


def _weighted(
    group: Iterable[SeedSubscription], name: str, quantity: int, years: int
) -> Decimal:
    total = sum((getattr(one, name) * one.quantity for one in group), Decimal(0))
    return (total / quantity / years).quantize(CENT)
