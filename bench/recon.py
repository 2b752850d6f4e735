"""Books with both sides, and the product's first look at them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.psa.tables import (
    PsaAgreement,
    PsaCompany,
    PsaLine,
    PsaProductRow,
)
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.run_steps import RunInfo
from entrepot.hub.reconciliation.tables import LineLinkRow, ReconMemory
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.bulk import _defaults
from entrepot.hub.sync.driver import insert_columns
from entrepot.hub.sync.forms import Same
from entrepot.hub.sync.tables import SyncScope
from entrepot.store import FixedClock, TenantScope, new_id, system_actor
from sqlalchemy import delete, select, update

from bench import gen, hubs
from bench.measure import forget_peak, measured, resident

EVERY = 1000
"""One line in so many differs from what was bought."""

LATER = timedelta(days=5)
RECENTLY = timedelta(days=3)
"""How long before a look something changed: what is newer is looked at in detail."""

MARKUP = Decimal("1.2")
_PSA_STREAMS = ("companies", "products", "agreements", "lines")


def fill(url: str, folder: str, tenant: str, connection: str) -> dict[str, Any]:
    """Put a PSA's side and the mapping beside a synced vendor's side.

    Returns:
        ``psa``: the connection; ``differing``: how many companies differ; ``keys``:
        how many lines do.
    """
    with hubs.hub_on(url, Path(folder)) as hub:
        actor = system_actor("bench", tenant)
        psa = hub.connections.add(actor, plugin="benchpsa", name="PSA", values={}).id
        now = hub.clock.now()
        with hub.store.unit(TenantScope(tenant)) as session:
            writer = _Writer(session.connection(), tenant, psa, now)
            accounts = session.execute(
                select(CustomerAccount.id, CustomerAccount.vendor_id).order_by(
                    CustomerAccount.vendor_id
                )
            ).all()
            writer.customers([tuple(row) for row in accounts], connection)
            writer.products()
            row = SubscriptionRow
            lines = session.execute(
                select(
                    row.id, row.customer_vendor_id, row.sku, row.quantity, row.unit_cost
                ).order_by(row.vendor_id)
            ).all()
            differing, keys = writer.lines([tuple(line) for line in lines])
            for stream in _PSA_STREAMS:
                session.add(
                    SyncScope(
                        connection_id=psa,
                        stream=stream,
                        scope="",
                        tenant_id=tenant,
                        run_id="bench",
                        complete=True,
                        complete_at=now,
                        attempted_at=now,
                    )
                )
        hub.reconciliation.rules.set(
            actor,
            RuleWish(
                psa_connection_id=psa,
                kind="price",
                body={"mode": "markup", "value": "20"},
            ),
        )
    return {"psa": psa, "differing": differing, "keys": keys}


class _Writer:
    """Writes the PSA's side in bulk."""

    def __init__(self, connection: Any, tenant: str, psa: str, now: datetime) -> None:
        self._connection, self._tenant = connection, tenant
        self._psa, self._now = psa, now

    def _insert(self, row: Any, prefix: str, count: int, **columns: Any) -> None:
        table = row.__table__
        every: dict[str, Any] = {
            "id": [f"{prefix}{number:012}" for number in range(count)],
            "tenant_id": Same(self._tenant),
            **columns,
        }
        every.update(_defaults(table, every))
        insert_columns(self._connection, table, every, count)

    def _mirror(self) -> dict[str, Any]:
        return {
            "connection_id": Same(self._psa),
            "row_hash": Same(1),
            "known_at": Same(self._now),
        }

    def customers(self, accounts: list[tuple[str, str]], vendor: str) -> None:
        """A company, an agreement and a confirmed mapping for each account."""
        names = [name for _, name in accounts]
        count = len(names)
        agreements = [f"a-{name}" for name in names]
        self._insert(
            PsaCompany, "pco", count, vendor_id=names, name=names, **self._mirror()
        )
        self._insert(
            PsaAgreement, "pag", count, vendor_id=agreements, name=agreements,
            company_vendor_id=names, status=Same("active"),
            start=Same(date(2026, 1, 1)), billing_cycle=Same("monthly"),
            period_anchor=Same("calendar"),
            billing_mode=Same("advance"), currency=Same("EUR"), lock_known=Same(True),
            **self._mirror(),
        )  # fmt: skip
        self._insert(
            CustomerMap, "cma", count, status=Same("confirmed"),
            account_id=[id_ for id_, _ in accounts], vendor_connection_id=Same(vendor),
            vendor_customer_id=names, psa_connection_id=Same(self._psa),
            psa_company_id=names,
        )  # fmt: skip

    def products(self) -> None:
        """The PSA's catalogue, and a confirmed mapping of every SKU."""
        skus = [gen.sku_of(number) for number in range(gen.PRODUCTS)]
        ours = [_product(sku) for sku in skus]
        self._insert(
            PsaProductRow, "ppr", len(ours), vendor_id=ours, identifier=ours, name=ours,
            currency=Same("EUR"), **self._mirror(),
        )  # fmt: skip
        self._insert(
            ProductMap, "pma", len(ours), status=Same("confirmed"), sku=skus,
            psa_connection_id=Same(self._psa), psa_product_id=ours, taxable=Same(True),
        )  # fmt: skip

    def lines(self, bought: list[tuple[Any, ...]]) -> tuple[int, int]:
        """A line for each subscription, one in `EVERY` with another quantity."""
        count = len(bought)
        ids = [_line(number) for number in range(count)]
        companies = [row[1] for row in bought]
        agreements = [f"a-{name}" for name in companies]
        products = [_product(row[2]) for row in bought]
        wrong = range(EVERY // 2, count, EVERY)
        quantities = [row[3] for row in bought]
        for number in wrong:
            quantities[number] += 1
        self._insert(
            PsaLine, "pln", count, vendor_id=ids, agreement_vendor_id=agreements,
            company_vendor_id=companies, product_vendor_id=products,
            quantity=quantities, included_quantity=Same(Decimal(0)),
            unit_price=[row[4] * MARKUP for row in bought],
            unit_cost=[row[4] for row in bought], currency=Same("EUR"),
            bill=Same("billable"), taxable=Same(True), effective=Same(date(2026, 1, 1)),
            **self._mirror(),
        )  # fmt: skip
        self._insert(
            LineLinkRow, "lnk", count, psa_connection_id=Same(self._psa), line_id=ids,
            company_id=companies, agreement_id=agreements, product_id=products,
            subscriptions=[[row[0]] for row in bought], origin=Same("adopted"),
            state=Same("active"), verified_token=Same(""), created_at=Same(self._now),
        )  # fmt: skip
        return len({companies[number] for number in wrong}), len(wrong)


def _product(sku: str) -> str:
    return "p" + sku[4:8]


def first_look(
    url: str,
    folder: str,
    tenant: str,
    psa: str,
    *,
    differing: int,
    pg: int = 0,
    turn: int = 0,
    whole: bool = False,
) -> dict[str, Any]:
    """The product's first step of a reconciliation: what needs a closer look.

    Args:
        url: The database.
        folder: Where the hub's keys lie.
        tenant: The reseller.
        psa: The PSA connection.
        differing: How many companies must be found.
        pg: The postmaster, or 0.
        turn: Which look it is; before each one line in `EVERY` changes on both sides.
        whole: The hub remembers no look; nothing changes before it.
    """
    clock = FixedClock(datetime.now(UTC) + LATER * (turn + 2))
    result: dict[str, Any] = {}
    with hubs.hub_on(url, Path(folder), clock=clock) as hub:
        with hub.store.unit(TenantScope(tenant)) as session:
            if whole:
                _forget(session, tenant)
            else:
                changed = _change_both(session, tenant, turn, clock.now() - RECENTLY)
                result["changed"] = changed
        with hub.store.read(TenantScope(tenant)):
            pass  # A connection is open from here on.
        forget_peak()
        before = resident()
        with measured(result, pg=pg):
            run = RunInfo(new_id("run"), tenant, psa)
            found = hub.reconciliation.steps.begin(run)
    result["extra_mb"] = max(0.0, (result["rss"] - before) / 1e6)
    result["found"] = found["total"]
    result["right"] = found["total"] == differing
    return result


def _forget(session: Any, tenant: str) -> None:
    session.execute(
        delete(ReconMemory)
        .where(ReconMemory.tenant_id == tenant)
        .execution_options(synchronize_session=False)
    )


def _change_both(session: Any, tenant: str, turn: int, at: datetime) -> int:
    """One unit more of one subscription in `EVERY`, and of the line that bills it."""
    row, line = SubscriptionRow, PsaLine
    ids = session.scalars(
        select(row.id).where(row.tenant_id == tenant).order_by(row.vendor_id)
    ).all()
    places = range((7 + 13 * (turn + 1)) % (EVERY // 2), len(ids), EVERY)
    for table, column, some in (
        (row, row.id, [ids[place] for place in places]),
        (line, line.vendor_id, [_line(place) for place in places]),
    ):
        done = session.execute(
            update(table)
            .where(table.tenant_id == tenant, column.in_(some))
            .values(quantity=table.quantity + Decimal(1), known_at=at)
            .execution_options(synchronize_session=False)
        )
        if done.rowcount != len(places):
            msg = f"{done.rowcount} rows of {table.__tablename__} were changed"
            raise RuntimeError(msg)
    return len(places)


def _line(number: int) -> str:
    return f"l{number:09}"
