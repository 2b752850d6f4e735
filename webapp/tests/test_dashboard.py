"""The dashboard: honest figures, each with its rows, in the order people chose."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from entrepot.hub.reconciliation.tables import ReconIssue, ReconRun
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.store import TenantScope, new_id
from entrepot_web.charts import lines, stack
from entrepot_web.reseller.cards import CARDS, rearranged


def issue(tenant: str, books, now, kind: str, currency: str, amount: str | None):
    return ReconIssue(
        id=new_id("iss"),
        tenant_id=tenant,
        psa_connection_id=books.psa,
        fingerprint=new_id("f"),
        kind=kind,
        severity="high",
        state="open",
        is_open=True,
        value_hash="x",
        currency=currency,
        impact_recurring=None if amount is None else Decimal(amount),
        first_seen=now,
        last_seen=now,
        first_run="r",
        last_run="r",
    )


@pytest.fixture
def drifted(store, web, tenant, books):
    """Differences in two currencies and in none, three comparisons, terms that end."""
    now = web.hub.clock.now()
    with store.unit(TenantScope(tenant)) as session:
        for kind, currency, amount in (
            ("QUANTITY_UNDERBILLED", "USD", "1000.10"),
            ("QUANTITY_UNDERBILLED", "USD", "200.20"),
            ("QUANTITY_OVERBILLED", "USD", "-300.30"),
            ("QUANTITY_OVERBILLED", "EUR", "-7"),
            ("CUSTOMER_UNMAPPED", "", None),
            ("CUSTOMER_UNMAPPED", "", None),
            ("QUANTITY_UNDERBILLED", "", "5"),
        ):
            session.add(issue(tenant, books, now, kind, currency, amount))
        for days, under in ((3, "10"), (2, "20"), (1, "1200.30")):
            session.add(
                ReconRun(
                    id=f"recon:all:{days}",
                    tenant_id=tenant,
                    psa_connection_id=books.psa,
                    scope="all",
                    state="ok",
                    created_at=now - timedelta(days=days),
                    ended_at=now - timedelta(days=days),
                    totals=[{"currency": "USD", "under": under, "over": "300.30"}],
                )
            )
        rows = session.query(SubscriptionRow).order_by(SubscriptionRow.id).limit(3)
        for row, days in zip(rows, (0, 6, 8), strict=True):
            row.status, row.term_end = "active", now + timedelta(days=days, hours=1)
            row.auto_renew = days == 8
    return books


def figures(html: str) -> dict[str, str]:
    """Return what the tiles say, by their label; a label may come twice."""
    found: dict[str, str] = {}
    for tile in re.findall(r'<a class="tile".*?</a>', html, re.DOTALL):
        label, value, _foot = (
            " ".join(re.sub(r"<[^>]+>", " ", part).split())
            for part in re.findall(
                r'<span class="tile-\w+[^>]*>(.*?)</span>', tile, re.DOTALL
            )
        )
        found[label] = f"{found[label]} | {value}" if label in found else value
    return found


def test_money_is_never_netted_and_what_has_no_amount_is_counted(
    browser, drifted
) -> None:
    html = browser.get("/").text
    shown = figures(html)
    assert shown["Under-billed"] == "0.00 EUR | +1,200.30 USD"
    assert shown["Over-billed"] == "−7.00 EUR | −300.30 USD"
    assert shown["Vendor customer has no PSA company"] == "2"
    assert "Without a currency" in shown
    assert "/reconciliation?kind=CUSTOMER_UNMAPPED" in html
    cards = html.split("<main")[1].split("</main>")[0]
    for link in set(re.findall(r'<a[^>]* href="(/[^"#]*)"', cards)):
        assert browser.get(link.replace("&amp;", "&")).status_code == 200, link


def test_charts_say_in_words_and_rows_what_they_draw(browser, drifted) -> None:
    html = browser.get("/").text
    assert (
        "USD: under-billed from 10.00 to 1,200.30, over-billed from 300.30 to 300.30"
        in html
    )
    assert html.count('href="/reconciliation/runs/recon:all:') == 3
    bar = r'href="(/renewals[^"]+)"><span class="chart-bar">.*?<strong>(\d+)'
    bars = re.findall(bar, html, re.DOTALL)
    assert [int(count) for _, count in bars[:3]] == [2, 1, 0]
    for link, count in bars[:3]:
        rows = browser.get(link.replace("&amp;", "&")).text.split("<tbody>")
        listed = rows[1].count("<tr>") if len(rows) > 1 else 0
        assert listed == int(count)
    assert browser.get("/renewals?from=x&to=y").status_code == 404


def keys(html: str) -> list[str]:
    return re.findall(r'id="card-(\w+)"', html)


def test_cards_are_chosen_and_ordered_and_saved(web, browser, books, tenant) -> None:
    def press(client, do: str) -> int:
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/cards").text)
        sent = client.post("/cards", data={"csrf_token": token[1], "do": do})
        return int(sent.status_code)

    usual = [card.key for card in CARDS]
    assert keys(browser.get("/").text) == usual
    press(browser, "remove:money")
    press(browser, "down:books")
    press(browser, "up:unknown")
    assert keys(browser.get("/").text)[:3] == ["todo", "books", "connections"]
    press(browser, "order:runs,money,nonsense,runs")
    assert keys(browser.get("/").text) == ["runs", "money"]
    colleague = web.browser(web.person(tenant, role="viewer"))
    assert press(colleague, "everybody") == 403
    assert press(browser, "everybody") == 303
    assert keys(colleague.get("/").text) == ["runs", "money"]
    press(browser, "usual")
    assert keys(browser.get("/").text) == ["runs", "money"], "what holds for everybody"
    for key in ("runs", "money"):
        press(colleague, f"remove:{key}")
    assert "took every card away" in colleague.get("/").text


@pytest.mark.parametrize(
    ("action", "key", "after"),
    [
        ("up", "b", "bac"),
        ("up", "a", "abc"),
        ("down", "c", "abc"),
        ("down", "a", "bac"),
        ("add", "d", "abcd"),
        ("remove", "b", "ac"),
        ("nonsense", "b", "abc"),
    ],
)
def test_one_step_of_ordering_cards(action: str, key: str, after: str) -> None:
    assert rearranged("abc", action, key) == list(after)


def test_lines_and_stacks_stay_in_their_box() -> None:
    drawn = lines([("a", [Decimal(0), Decimal(5)]), ("b", [Decimal(10), Decimal(0)])])
    assert [one.path for one in drawn] == [
        "M0.00 40.00 L100.00 20.00",
        "M0.00 0.00 L100.00 40.00",
    ]
    assert lines([("a", [Decimal(0)])])[0].path == "M0.00 40.00 L100.00 40.00"
    assert [(part.y, part.height) for part in stack((1, 3), 8)] == [
        (87.5, 12.5),
        (50.0, 37.5),
    ]
    assert stack((0, 0), 0)[1].height == 0
