"""Books of a large reseller, loaded by sets: what the suite of lists asks about."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from entrepot.app import Hub
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.jobs import derive_piece
from entrepot.hub.customers.tables import Contact, Customer, CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.hub.reconciliation.tables import ReconIssue, ReconRun
from entrepot.hub.subscriptions.order_text import order_text
from entrepot.hub.subscriptions.skus import recount
from entrepot.hub.subscriptions.tables import SubscriptionRow, VendorOrderRow
from entrepot.hub.sync.bulk import _defaults as defaults_of
from entrepot.hub.sync.driver import insert_columns
from entrepot.hub.sync.forms import Same
from entrepot.store import TenantScope, new_id
from entrepot.store.ids import new_ids

from bench.hubs import hub_on, prepare

EACH = 10  # subscriptions of one customer
ORDERED = 3  # orders of one customer
FIRST = ("Adventure", "Alpine", "Bellows", "Cedar", "Coho", "Contoso", "Fabrikam",
         "Fourth", "Graphic", "Humongous", "Lamna", "Litware", "Margie", "Northwind",
         "Proseware", "Relecloud", "Tailspin", "Trey", "Wide", "Woodgrove")  # fmt: skip
SECOND = ("Bank", "Bikes", "Coffee", "College", "Cycles", "Design", "Health", "House",
          "Insurance", "Power", "Research", "Tours", "Toys", "Traders", "Travel",
          "Winery", "Works")  # fmt: skip
GIVEN = ("Ana", "Bo", "Cleo", "Dag", "Eva", "Finn", "Gia", "Hugo", "Ida", "Jon")
FAMILY = ("Silva", "Brandt", "Moe", "Okafor", "Rossi", "Novak", "Haas", "Lind")
LANDS = ("NO", "SE", "DK", "FI", "DE", "NL", "GB", "FR")
PLANS = ("Business", "Backup", "Compute", "Mail", "Security", "Storage", "Studio",
         "Support")  # fmt: skip
LEVELS = ("Basic", "Standard", "Premium", "Plus", "Enterprise")
CONNECTIONS = 5
PLANTED = 50_021  # of every so many customers one has the rare pair of letters
SKUS = 400
ISSUES = 20  # of every so many customers one has a difference
PSA = "con_psa"


def load(url: str, folder: str, objects: int) -> dict[str, Any]:
    """A reseller with so many subscriptions of a tenth as many customers."""
    home = Path(folder)
    tenant = prepare(url, home)
    began = time.perf_counter()
    with hub_on(url, home) as hub:
        _connections(hub, tenant)
        with hub.store.unit(TenantScope(tenant)) as session:
            _Books(session.connection(), tenant, hub.clock.now(), objects).write()
    return {"tenant": tenant, "wall": time.perf_counter() - began, "right": True}


def derive(url: str, folder: str, tenant: str, objects: int) -> dict[str, Any]:
    """What the rows of all customers say of others, by the product's own job."""
    last, derived, began = "", 0, time.perf_counter()
    with hub_on(url, Path(folder)) as hub:
        while True:
            done = derive_piece(hub.store, tenant, str(last))
            derived += int(done["count"])
            if not (last := done["last"]):
                break
        recount(hub.store, tenant)
    wall = time.perf_counter() - began
    return {"wall": wall, "right": derived == objects // EACH}


def name_of(at: int) -> str:
    """The name of a customer."""
    rare = " Qzx" if at % PLANTED == 17 else ""
    return f"{FIRST[at % 20]} {SECOND[at // 20 % 17]} {at}{rare}"


def _connections(hub: Hub, tenant: str) -> None:
    kinds = [
        (f"con_{at}", "vendor", f"Cloud {'ABCDE'[at]}") for at in range(CONNECTIONS)
    ]
    with hub.store.unit(TenantScope(tenant)) as session:
        for key, kind, name in [*kinds, (PSA, "psa", "Books")]:
            session.add(
                Connection(
                    id=key,
                    tenant_id=tenant,
                    plugin="bench" if kind == "vendor" else "benchpsa",
                    kind=kind,
                    name=name,
                    settings={},
                    state="active",
                    notification_key=new_id("ntf"),
                    created_at=hub.clock.now(),
                )
            )


class _Books:
    """Writes all tables, a column at a time."""

    def __init__(
        self, connection: Any, tenant: str, now: datetime, objects: int
    ) -> None:
        count = objects // EACH
        self._connection, self._tenant, self._now = connection, tenant, now
        self._count = count
        self._accounts = new_ids("acc", count)
        self._vendors = [
            f"{at:08x}-93ac-4377-d408-{at * 7919:012x}" for at in range(count)
        ]
        # The last connection has a handful, the others all the rest.
        self._homes = [f"con_{at % 4 if at % 9973 else 4}" for at in range(count)]
        self._names = [name_of(at) for at in range(count)]

    def write(self) -> None:
        """Everything."""
        self._customers()
        self._subscriptions()
        self._orders()
        self._psa()
        self._issues()

    def _insert(self, row: Any, prefix: str, count: int, **columns: Any) -> None:
        table = row.__table__
        every: dict[str, Any] = {
            "id": new_ids(prefix, count),
            "tenant_id": Same(self._tenant),
            **columns,
        }
        every.update(defaults_of(table, every))
        insert_columns(self._connection, table, every, count)

    def _mirror(self) -> dict[str, Any]:
        return {"row_hash": Same(1), "known_at": Same(self._now)}

    def _days(self, count: int, first: int, span: int) -> list[datetime]:
        days = [self._now + timedelta(days=first + at) for at in range(span)]
        return [days[at * 7919 % span] for at in range(count)]

    def _customers(self) -> None:
        count, keys = self._count, new_ids("cus", self._count)
        made = [self._now - timedelta(minutes=at * 7919 % count) for at in range(count)]
        self._insert(
            Customer, "cus", count, id=keys, name=self._names,
            sort_name=[one.lower() for one in self._names],
            search_text=[one.lower() for one in self._names],
            created_at=made, updated_at=made,
        )  # fmt: skip
        self._insert(
            CustomerAccount, "acc", count, id=self._accounts, name=self._names,
            connection_id=self._homes, vendor_id=self._vendors, customer_id=keys,
            domain=[f"c{at}.example" for at in range(count)],
            country=[LANDS[at % 4 * 2 + at % 2] for at in range(count)],
            status=Same("active"), **self._mirror(),
        )  # fmt: skip
        self._insert(
            Contact, "pco", count, connection_id=self._homes,
            vendor_id=[f"p{at}" for at in range(count)], owner_id=self._vendors,
            first_name=[GIVEN[at % 10] for at in range(count)],
            last_name=[FAMILY[at % 8] for at in range(count)],
            email=[f"office{at}@c{at}.example" for at in range(count)],
            is_primary=Same(True), **self._mirror(),
        )  # fmt: skip

    def _subscriptions(self) -> None:
        total = self._count * EACH
        self._insert(
            SubscriptionRow, "sub", total, connection_id=_each(self._homes, EACH),
            account_id=_each(self._accounts, EACH),
            vendor_id=[f"s{at}" for at in range(total)],
            customer_vendor_id=_each(self._vendors, EACH),
            sku=[f"SKU-{at * 31 % SKUS:04}" for at in range(total)],
            name=[_plan(at * 31 % SKUS) for at in range(total)],
            quantity=Same(Decimal(7)), unit_cost=Same(Decimal("12.5")),
            currency=Same("EUR"), billing_cycle=Same("monthly"),
            status=[_status(at) for at in range(total)],
            is_trial=[at % 97 == 5 for at in range(total)],
            auto_renew=[at % 3 > 0 for at in range(total)],
            term=Same("P1Y"), term_end=self._days(total, -5, 365),
            started_at=self._days(total, -700, 600), **self._mirror(),
        )  # fmt: skip

    def _orders(self) -> None:
        total = self._count * ORDERED
        lines = [
            [{"name": _plan(at % SKUS), "sku": f"SKU-{at % SKUS:04}", "quantity": "3"}]
            for at in range(total)
        ]
        references = [f"PO {at * 7919 % total}" for at in range(total)]
        self._insert(
            VendorOrderRow, "ord", total, connection_id=_each(self._homes, ORDERED),
            vendor_id=[f"O-{at:08}" for at in range(total)],
            customer_vendor_id=_each(self._vendors, ORDERED),
            status=["completed" if at % 50 else "pending" for at in range(total)],
            reference=references,
            ordered_at=[
                self._now - timedelta(minutes=at * 7919 % total) for at in range(total)
            ],
            lines=lines,
            search_text=[
                order_text(
                    {"vendor_id": f"O-{at:08}", "reference": references[at],
                     "lines": lines[at]}
                ) for at in range(total)
            ],
            **self._mirror(),
        )  # fmt: skip

    def _psa(self) -> None:
        count, at_psa = self._count, {"connection_id": Same(PSA), **self._mirror()}
        companies = [f"c{at}" for at in range(count)]
        self._insert(
            PsaCompany, "pcy", count, vendor_id=companies, name=self._names, **at_psa
        )
        mapped = count * 95 // 100
        self._insert(
            CustomerMap, "cma", mapped, account_id=self._accounts[:mapped],
            status=["confirmed" if at % 20 else "suggested" for at in range(mapped)],
            method=Same("name"), band=Same("preselected"),
            vendor_connection_id=self._homes[:mapped], target_name=self._names[:mapped],
            vendor_customer_id=self._vendors[:mapped], psa_connection_id=Same(PSA),
            psa_company_id=companies[:mapped],
        )  # fmt: skip
        skus = [f"SKU-{at:04}" for at in range(SKUS)]
        self._insert(
            PsaProductRow, "ppr", SKUS, vendor_id=skus, identifier=skus,
            name=[_plan(at) for at in range(SKUS)], **at_psa,
        )  # fmt: skip
        known = SKUS * 9 // 10
        self._insert(
            ProductMap, "pma", known, status=Same("confirmed"), sku=skus[:known],
            psa_connection_id=Same(PSA), psa_product_id=skus[:known],
        )  # fmt: skip

    def _issues(self) -> None:
        count, run = self._count // ISSUES, new_id("run")
        self._insert(
            ReconRun, "run", 1, id=[run], psa_connection_id=Same(PSA),
            scope=Same("all"), state=Same("ok"), created_at=Same(self._now),
            started_at=Same(self._now), ended_at=Same(self._now),
            as_of=Same(self._now), outcome=Same("differences"),
        )  # fmt: skip
        self._insert(
            ReconIssue, "iss", count, psa_connection_id=Same(PSA),
            fingerprint=[f"{at:064}" for at in range(count)],
            kind=[("QUANTITY_UNDERBILLED", "MISSING_IN_PSA", "CANCELLED_IN_PSA")[at % 3]
                  for at in range(count)],
            severity=[("error", "warn", "info")[at % 3] for at in range(count)],
            company_id=[f"c{at * ISSUES}" for at in range(count)],
            vendor_connection_id=self._homes[::ISSUES][:count],
            vendor_customer_id=self._vendors[::ISSUES][:count],
            sku=[f"SKU-{at % SKUS:04}" for at in range(count)],
            field=Same("quantity"), currency=Same("EUR"),
            impact_recurring=[Decimal(at % 400) - 200 for at in range(count)],
            state=Same("open"), is_open=Same(True), value_hash=Same("x"),
            first_seen=Same(self._now), last_seen=Same(self._now),
            first_run=Same(run), last_run=Same(run),
        )  # fmt: skip


def _each(values: list[str], times: int) -> list[str]:
    return [one for one in values for _ in range(times)]


def _plan(at: int) -> str:
    return f"{PLANS[at % 8]} {LEVELS[at // 8 % 5]} {at // 40}"


def _status(at: int) -> str:
    return "ended" if at % 31 == 7 else "suspended" if at % 53 == 3 else "active"
