"""What everything costs: one book of lines behind export, Cost Explorer and invoices.

Lines are computed from the state, so that they need no room; what was changed by
hand (a correction, a late refund) is kept beside. The open month grows with the
clock, a closed one stays (S19), and all three views add up to the same (S21).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from entrepot_aws.simulator.catalog import BY_ID, SERVICES, TAX_RATE, Service
from entrepot_aws.simulator.generate import month_after
from entrepot_aws.simulator.instalments import Instalment, instalments
from entrepot_aws.simulator.state import Account, Agreement, Book, letters

AWS = "AWS"
MARKETPLACE = "AWS Marketplace"
_CENT = Decimal("0.0000000001")
_DONE = timedelta(days=3)  # until a month's bill is final


@dataclass(frozen=True, slots=True)
class CostLine:
    """A line of the cost and usage data."""

    account: str
    account_name: str
    kind: str
    product: str
    title: str
    usage: str
    operation: str
    unit: str
    quantity: Decimal
    rate: Decimal
    cost: Decimal
    bill_type: str = "Anniversary"
    entity: str = AWS

    @property
    def key(self) -> str:
        """Names the line within its month."""
        return f"{self.account}/{self.kind}/{self.product}/{self.usage}"


@dataclass(slots=True)
class CostBook:
    """Lines by month.

    Attributes:
        factors: Corrections by month and line key.
        late: Lines that were added to a closed month, by month.
        prices: Changes of unit prices: from which month, product, factor.
        version: Grows with every change that is not the clock's.
    """

    book: Book
    epoch: datetime
    factors: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    late: dict[str, list[CostLine]] = field(default_factory=dict)
    prices: list[tuple[str, str, Decimal]] = field(default_factory=list)
    version: int = 0

    def invoice(self, month: str, now: datetime, entity: str = AWS) -> str:
        """A seller's invoice of a month; empty until the bill is final."""
        if now < self.final_at(month):
            return ""
        number = int(month.replace("-", "")) + (0 if entity == AWS else 1_000_000)
        return f"SIM{letters(self.book.seed, number, 10).upper()}"

    def final_at(self, month: str) -> datetime:
        """When a month's bill becomes final."""
        return month_after(first_of(month, self.epoch)) + _DONE

    def lines(self, month: str, now: datetime) -> Iterator[CostLine]:
        """All lines of a month as the vendor knows them now."""
        start = first_of(month, self.epoch)
        share = _share(start, now)
        if share <= 0:
            return
        for account, name, joined in self._accounts():
            if joined < month_after(start):
                yield from self._of_account(month, account, name, share)
        yield from self._bought(month, now)
        yield from self.late.get(month, ())

    def _bought(self, month: str, now: datetime) -> Iterator[CostLine]:
        """What the organization's accounts owe for agreements, once it is due."""
        for account in self.book.accounts.values():
            for number in self.book.bought.get(account.id, ()):
                found = self.book.agreements[number]
                for each in instalments(found):
                    if f"{each.at:%Y-%m}" == month and each.at <= now:
                        yield _fee(account, found, each)

    def _accounts(self) -> Iterator[tuple[str, str, datetime]]:
        for account in self.book.accounts.values():
            yield account.id, account.name, account.joined
        for transfer in self.book.transfers.values():
            if transfer.status == "ACCEPTED":
                yield transfer.account, transfer.name, transfer.start

    def _of_account(
        self, month: str, account: str, name: str, share: Decimal
    ) -> Iterator[CostLine]:
        total = Decimal(0)
        for service in SERVICES:
            line = self._usage(month, account, name, service, share)
            total += line.cost
            yield line
        yield CostLine(
            account,
            name,
            "Tax",
            "Tax",
            "Tax",
            "",
            "",
            "",
            Decimal(1),
            TAX_RATE,
            _rounded(total * TAX_RATE),
        )

    def _usage(
        self, month: str, account: str, name: str, service: Service, share: Decimal
    ) -> CostLine:
        size = int(hashlib.sha256(f"{account}{service.code}".encode()).hexdigest(), 16)
        quantity = (service.monthly * share * (size % 97 + 3) / 50).quantize(_CENT)
        rate = service.rate
        for since, product, factor in self.prices:
            if product == service.code and month >= since:
                rate *= factor
        line = CostLine(
            account,
            name,
            "Usage",
            service.code,
            service.title,
            service.usage,
            service.operation,
            service.unit,
            quantity,
            rate,
            _rounded(quantity * rate),
        )
        corrected = self.factors.get((month, line.key))
        if corrected is None:
            return line
        return replace(line, cost=_rounded(line.cost * corrected))


def _fee(account: Account, found: Agreement, due: Instalment) -> CostLine:
    return CostLine(
        account.id,
        account.name,
        "Fee",
        found.product,
        BY_ID[found.product].title,
        f"MP:{due.id}",
        "",
        "",
        Decimal(1),
        due.amount,
        _rounded(due.amount),
        bill_type="Purchase",
        entity=MARKETPLACE,
    )


def first_of(month: str, like: datetime) -> datetime:
    """First moment of a month, written ``yyyy-mm``."""
    year, number = month.split("-")
    return datetime(int(year), int(number), 1, tzinfo=like.tzinfo)


def _share(start: datetime, now: datetime) -> Decimal:
    """How much of a month is over; whole days, so that it moves but slowly."""
    end = month_after(start)
    if now >= end:
        return Decimal(1)
    days = max(0, (now - start).days + 1) if now >= start else 0
    return Decimal(days) / Decimal((end - start).days)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)
