"""Accounts, instances and commitments made from a seed, one account at a time."""

from __future__ import annotations

import hashlib
import random
import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from entrepot.sdk.model.time import add_months
from entrepot.sdk.simulator import CompanyFacts, Options, company

from entrepot_ibm.simulator import catalog
from entrepot_ibm.simulator.catalog import Plan
from entrepot_ibm.simulator.model import (
    Account,
    Instance,
    LastOperation,
    Licence,
    Option,
)

_SCRAMBLE: Final = 0x9E3779B1  # odd, so that multiplying modulo 2**32 can be undone
_UNSCRAMBLE: Final = pow(_SCRAMBLE, -1, 2**32)
_WEIGHTS: Final = [plan.weight for plan in catalog.SOLD]
_RECLAIM: Final = timedelta(days=7)


class Generator:
    """Makes the accounts of one seed.

    Args:
        options: Seed, number of customers, scale.
        epoch: The moment at which the generated state holds.
    """

    def __init__(self, options: Options, epoch: datetime) -> None:
        self._seed, self._mean = options.seed, options.per_customer
        self._country = options.extra.get("country", "US")
        self.epoch, self.count = epoch, options.customers
        self.enterprise_id = self.digest("enterprise")
        self.own_account = self.digest("own-account")
        self.partner_id = self.digest("partner")
        self.distributor_id = self.digest("distributor")
        self.billing_unit = self.digest("billing-unit")

    def digest(self, what: str) -> str:
        """An id of 32 hexadecimal digits."""
        text = f"ibm:{self._seed}:{what}".encode()
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    def account_id(self, index: int) -> str:
        """The account id of the customer of that number."""
        head = (index * _SCRAMBLE + self._seed) % 2**32
        return f"{head:08x}{self.digest(f'account:{index}')[8:]}"

    def index_of(self, account_id: str) -> int | None:
        """The number an account id was made from, or None when it is not ours."""
        try:
            head = int(account_id[:8], 16)
        except ValueError:
            return None
        index = (head - self._seed) * _UNSCRAMBLE % 2**32
        known = index < self.count and self.account_id(index) == account_id
        return index if known else None

    def facts(self, index: int) -> CompanyFacts:
        """The company of that number."""
        country = None if self._country == "mixed" else self._country
        return company(index, self._seed, country)

    def size_of(self, index: int) -> int:
        """How many subscriptions the account starts with; the sum is exact."""
        mean = self._mean
        fair = int((index + 1) * mean) - int(index * mean)
        pair = index // 2
        if pair * 2 + 1 >= self.count or mean < 2:
            return fair
        spread = self._rng("spread", pair).randint(0, int(mean) - 1)
        return fair + spread if index % 2 == 0 else fair - spread

    def account(self, index: int) -> Account:
        """The account of that number with all it has."""
        facts = self.facts(index)
        account_id = self.account_id(index)
        rng = self._rng("account", index)
        created = self.epoch - timedelta(days=rng.randint(200, 1500))
        made = Account(
            id=account_id,
            index=index,
            name=facts.name,
            market=catalog.MARKET_OF.get(facts.country, "USA"),
            make_facts=partial(self.facts, index),
            created=created,
            updated=created,
            group_id=self.digest(f"group:{index}"),
            parent=f"enterprise:{self.enterprise_id}",
            owner_iam_id=f"IBMid-{rng.getrandbits(40):010X}",
            owner_email=facts.contacts[0].email,
        )
        _Shelf(rng, made, self.epoch).fill(self.size_of(index))
        return made

    def own(self) -> Account:
        """The reseller's own account, with the enterprise's commitment."""
        rng = self._rng("own", 0)
        created = self.epoch - timedelta(days=2000)
        made = Account(
            id=self.own_account,
            index=-1,
            name="Northwind Cloud Services",
            make_facts=partial(self.facts, 0),
            created=created,
            updated=created,
            group_id=self.digest("own-group"),
            parent=f"enterprise:{self.enterprise_id}",
            owner_iam_id="IBMid-0000000001",
            owner_email="cloud@reseller.example",
        )
        shelf = _Shelf(rng, made, self.epoch)
        shelf.commitment(catalog.PARTS[1])
        shelf.instance(catalog.SOLD[0])
        return made

    def _rng(self, what: str, number: int) -> random.Random:
        text = f"{what}:{self._seed}:{number}".encode()
        digest = hashlib.blake2b(text, digest_size=8).digest()
        return random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - not for secrets


class _Shelf:
    """Fills one account's shelf."""

    def __init__(self, rng: random.Random, account: Account, epoch: datetime) -> None:
        self._rng, self._account, self._epoch = rng, account, epoch

    def fill(self, count: int) -> None:
        """Exactly so many commitments, licences and instances."""
        room = count
        if room > 2 and self._rng.random() < 0.4:
            self.commitment(self._rng.choice(catalog.PARTS[:2]))
            room -= 1
            if self._rng.random() < 0.3:
                self.commitment(catalog.PARTS[2])
                room -= 1
        if room > 1 and self._rng.random() < 0.2:
            self._licence()
            room -= 1
        for _ in range(room):
            self._varied(self._rng.choices(catalog.SOLD, _WEIGHTS)[0])

    def commitment(self, part: catalog.Part) -> None:
        """A commitment that runs at the epoch."""
        first = self._epoch.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        start = _months(first, -self._rng.randint(0, part.months - 1))
        self._account.options.append(
            Option(
                id=f"CFL_{self._rng.getrandbits(40):010x}",
                start=start,
                end=_months(start, part.months) - timedelta(milliseconds=1),
                months=part.months,
                monthly=part.monthly,
                part=part.number,
                category=part.category,
                order_id=f"{self._rng.getrandbits(32):010d}",
                po_number=f"PO-{self._rng.randint(1000, 9999)}",
                updated=start,
            )
        )

    def instance(self, plan: Plan) -> Instance:
        """A healthy instance of a plan."""
        service = catalog.SERVICE_OF[plan.id]
        created = self._epoch - timedelta(
            days=self._rng.randint(1, 700), seconds=self._rng.randint(0, 80_000)
        )
        guid = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        seats = {plan.seats: self._seats(plan)} if plan.seats else {}
        made = Instance(
            guid=guid,
            account_id=self._account.id,
            name=f"{service.name}-{self._rng.getrandbits(16):04x}",
            plan_id=plan.id,
            region=self._rng.choice(service.regions),
            group_id=self._account.group_id,
            created=created,
            updated=created,
            since=created,
            parameters=dict(seats),
            extensions={**seats, "endpoint": f"https://{guid[:8]}.example"},
            plans=[(plan.id, created)],
        )
        self._account.instances[guid] = made
        return made

    def _seats(self, plan: Plan) -> int:
        typical = plan.metrics[0].typical
        return max(1, int(typical * self._rng.uniform(0.2, 1.6)))

    def _varied(self, plan: Plan) -> None:
        """Some are suspended, failed, leaving or gone: the states lists hide."""
        found, chance = self.instance(plan), self._rng.random()
        moment = self._epoch - timedelta(days=self._rng.randint(1, 6))
        moment = max(moment, found.created)
        if chance < 0.04:
            _turn(found, "inactive", moment, "disable", "IBMCLOUD_ACCT_SUSPEND")
        elif chance < 0.06:
            _turn(found, "removed", moment, "delete")
            found.deleted = moment
        elif chance < 0.08 and plan.reclaimable:
            _turn(found, "pending_reclamation", moment, "reclamation")
            found.reclaim_at, found.reclamation_state = moment + _RECLAIM, "SCHEDULED"
            found.reclamation_id = f"rec-{found.guid[:13]}"
        elif chance < 0.09:
            _turn(found, "failed", found.created, "create")
            found.operation.state = "failed"
            found.operation.description = "The broker could not create the instance."

    def _licence(self) -> None:
        start = self._epoch.replace(hour=0, minute=0, second=0, microsecond=0)
        start -= timedelta(days=self._rng.randint(1, 300))
        self._account.licences.append(
            Licence(
                part=catalog.PARTS[3].number,
                quantity=self._rng.randint(5, 120),
                start=start,
                end=_months(start, 12),
                order_id=f"{self._rng.getrandbits(32):010d}",
                agreement=f"CA{self._rng.getrandbits(24):08d}",
            )
        )


def _turn(
    found: Instance, state: str, moment: datetime, operation: str, reason: str = ""
) -> None:
    found.state, found.since, found.updated = state, moment, moment
    found.operation = LastOperation(type=operation, reason_code=reason)


def _months(moment: datetime, months: int) -> datetime:
    day = add_months(moment.date(), months)
    return moment.replace(year=day.year, month=day.month, day=day.day)
