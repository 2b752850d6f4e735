"""Charges and usage in the API: lists, versions, completeness, starting a reading."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from entrepot.hub.charges.tables import ChargeFact, ChargeReading, ChargeRow, UsageRow
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.store import TenantScope
from sqlalchemy import select


@pytest.fixture
def charged(store, web, tenant, books) -> Any:
    """Five charges and a metered line of one subscription, two of them of nobody."""
    now = web.hub.clock.now()
    with store.unit(TenantScope(tenant)) as session:
        found = session.execute(
            select(SubscriptionRow.id, SubscriptionRow.vendor_id, CustomerAccount)
            .join(CustomerAccount, CustomerAccount.id == SubscriptionRow.account_id)
            .where(SubscriptionRow.id == books.subscriptions[0])
        ).one()
        known = {
            "tenant_id": tenant,
            "connection_id": books.vendor,
            "customer_vendor_id": found[2].vendor_id,
            "subscription_vendor_id": found[1],
            "row_hash": 1,
            "known_at": now,
        }
        for number in range(5):
            own = known | ({} if number < 3 else {"subscription_vendor_id": "other"})
            session.add(
                ChargeRow(
                    id=f"chg_{number}",
                    vendor_id=f"line {number}",
                    month="2026-03",
                    kind="recurring" if number else "credit",
                    period_start=date(2026, 3, 1),
                    period_end=date(2026, 4, 1),
                    quantity=Decimal("0.00000001"),
                    amount=Decimal(number),
                    currency="USD",
                    source=f"invoice 7, line {number}",
                    gone_at=now if number == 4 else None,
                    **own,
                )
            )
        for number, amount in enumerate(("9.00", "0.00")):
            session.add(
                ChargeFact(
                    object_id="chg_0",
                    known_at=now - timedelta(days=1 - number),
                    tenant_id=tenant,
                    connection_id=books.vendor,
                    valid_from=now,
                    run_id="run",
                    change="changed" if number else "new",
                    payload={"amount": {"amount": amount, "currency": "USD"}},
                )
            )
        session.add(
            UsageRow(
                id="usg_0",
                vendor_id="m 0",
                month="2026-03",
                starts_at=now,
                ends_at=now + timedelta(hours=1),
                quantity=Decimal("1.5"),
                unit="GB",
                **known,
            )
        )
        for kind, reason in (("charges", ""), ("usage", "the report is being written")):
            session.add(
                ChargeReading(
                    id=f"crd_{kind}",
                    tenant_id=tenant,
                    connection_id=books.vendor,
                    kind=kind,
                    month="2026-03",
                    run_id="run",
                    complete=not reason,
                    complete_at=None if reason else now,
                    attempted_at=now,
                    lines=4,
                    reason=reason,
                )
            )
    return found[0], found[2].customer_id


def test_charges_are_listed_per_subscription_and_customer(machine, charged) -> None:
    subscription, customer = charged
    own = machine("GET", f"/charges?filter[subscription_id]={subscription}").json
    assert [one["id"] for one in own["data"]] == ["chg_0", "chg_1", "chg_2"]
    first = own["data"][1]
    assert first["amount"] == {"amount": "1.00", "currency": "USD"}
    assert first["quantity"] == "0.00000001"
    assert first["source"] == "invoice 7, line 1"
    assert first["subscription_id"] == subscription
    all_of = machine("GET", f"/charges?filter[customer_id]={customer}").json["data"]
    assert [one["id"] for one in all_of] == ["chg_0", "chg_1", "chg_2", "chg_3"]
    credit = machine("GET", "/charges?filter[kind]=credit&filter[month]=2026-03").json
    assert [one["id"] for one in credit["data"]] == ["chg_0"]


def test_charges_page_in_the_order_of_their_amount(machine, charged) -> None:
    page = machine("GET", "/charges?sort=-amount&limit=3").json
    met = [one["id"] for one in page["data"]]
    cursor = page["page"]["next_cursor"]
    page = machine("GET", f"/charges?sort=-amount&limit=3&cursor={cursor}").json
    assert met + [one["id"] for one in page["data"]] == [
        "chg_3",
        "chg_2",
        "chg_1",
        "chg_0",
    ]


def test_lists_of_lines_say_how_complete_they_are(machine, charged) -> None:
    meta = machine("GET", "/charges").json["meta"]
    assert meta["complete"] is True
    assert [one["stream"] for one in meta["freshness"]] == ["charges"]
    usage = machine("GET", "/usage").json
    assert usage["meta"]["complete"] is False
    assert usage["data"][0]["cost"] is None
    readings = machine("GET", "/charge-readings?filter[complete]=false").json["data"]
    assert [one["reason"] for one in readings] == ["the report is being written"]
    one = machine("GET", f"/charge-readings/{readings[0]['id']}").json
    assert one == readings[0]


def test_lines_of_a_subscription_and_a_customer_are_exported(machine, charged) -> None:
    subscription, customer = charged
    for narrowed, rows in (
        (f"filter[subscription_id]={subscription}", 3),
        (f"filter[customer_id]={customer}", 4),
    ):
        path = f"/charges?{narrowed}"
        told = machine("GET", path, headers={"Accept": "application/x-ndjson"})
        *lines, end = [json.loads(line) for line in told.text.splitlines()]
        assert [line["id"] for line in lines] == [f"chg_{n}" for n in range(rows)]
        assert (end["meta"]["rows"], end["meta"]["complete"]) == (rows, True)
        table = machine("GET", path, headers={"Accept": "text/csv"}).text.splitlines()
        assert len(table) == rows + 2
        assert json.loads(table[-1].removeprefix("#"))["meta"]["complete"] is True


def test_the_console_exports_the_lines_that_it_shows(
    browser, charged, web, store, tenant
) -> None:
    subscription, customer = charged
    with store.unit(TenantScope(tenant)) as session:
        session.get(ChargeRow, "chg_3").name = '=HYPERLINK("http://x.example")'
        session.get(ChargeRow, "chg_2").amount = Decimal("-2.5")
    for home, names in (
        (f"/subscriptions/{subscription}", ["line 2", "line 1", "line 0"]),
        (f"/customers/{customer}", ["=HYPERLINK", "line 2", "line 1", "line 0"]),
    ):
        query = "?month=2026-03&sort=-id"
        html = browser.get(f"{home}/charges{query}").text
        shown = [html.index(name) for name in names]
        assert shown == sorted(shown)
        links = [f"{home}/charges/export.{kind}" for kind in ("csv", "xlsx", "ndjson")]
        assert all(
            f'href="{link}?month=2026-03&amp;sort=-id"' in html for link in links
        )
        table = browser.get(links[0] + query).text
        head, *rows, tail = csv.reader(io.StringIO(table))
        assert [row[0].lstrip("'")[:10] for row in rows] == [n[:10] for n in names]
        assert not [cell for row in rows for cell in row if cell.startswith("=")]
        assert f"{len(names)} rows. Complete as of" in tail[0]
        amount = head.index("Amount")
        assert "-2.50" in {row[amount] for row in rows}
        (heads, *cells), about = web.workbook(browser.get(links[1] + query))
        assert [row[amount] for row in cells] == [float(r[amount]) for r in rows]
        assert (heads, len(cells)) == (head, int(about[0][1]))
        objects = browser.get(links[2] + query).text.splitlines()
        *lines, end = [json.loads(line) for line in objects]
        assert [line["amount"] for line in lines] == [row[amount] for row in rows]
        assert (end["meta"]["rows"], end["meta"]["complete"]) == (len(names), True)
        assert browser.get(f"{home}/charges?month=2026-04").text.count("<tr") < 4
        metered = browser.get(f"{home}/charges/export.ndjson?kind=usage").text
        assert '"unit":"GB"' in metered
        assert '"complete":false' in metered
    assert browser.get("/subscriptions/sub_0/charges/export.csv").status_code == 404
    assert browser.get("/customers/cus_0/charges/export.csv").status_code == 404


def test_every_version_of_a_charge_can_be_read(machine, charged) -> None:
    found = machine("GET", "/charges/chg_0/history").json["data"]
    assert [one["change"] for one in found] == ["changed", "new"]
    assert found[1]["values"]["amount"]["amount"] == "9.00"
    assert machine("GET", "/charges/chg_9/history").status_code == 404


def test_reading_is_started_once_per_month(machine, books) -> None:
    wanted = {"connection_id": books.vendor, "period": "2026-02"}
    first = machine("POST", "/charge-readings", json=wanted)
    assert first.status_code == 202, first.text
    assert (
        machine("POST", "/charge-readings", json=wanted).json["id"]
        == (first.json["id"])
    )
    wrong = machine("POST", "/charge-readings", json=wanted | {"period": "2026-2"})
    assert wrong.status_code == 422
