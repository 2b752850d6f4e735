"""One customer on its pages, and one subscription as it was."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from entrepot.hub.catalog.tables import Offer
from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.records import CustomerDetail, PriceBook
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.subscriptions.tables import SubscriptionRow, VendorOrderRow
from entrepot.hub.sync.tables import SyncAhead, SyncScope
from entrepot.store import TenantScope, new_id
from entrepot_web.reseller import customer_activity, profile
from entrepot_web.reseller.pages import list_view
from sqlalchemy import select


@pytest.fixture
def home(books) -> str:
    """Address of a customer with several subscriptions."""
    return f"/customers/{books.customers[4]}"


def send(client, web, path: str, **fields):
    token = web.csrf_token(client.get(path).text)
    return client.post(path, data={"csrf_token": token, **fields})


def test_every_tab_has_its_own_address(browser, books, home) -> None:
    for tab in ("", "/inventory", "/orders", "/activity"):
        html = browser.get(home + tab).text
        name = tab.removeprefix("/") or "inventory"
        assert f'href="{home}/{name}" aria-current="page"' in html, tab
    for entry in ("information", "contacts", "accounts", "charges"):
        html = browser.get(f"{home}/{entry}").text
        assert f'href="{home}/{entry}" aria-current="page"' in html, entry
    assert "lena@c4.example" in browser.get(f"{home}/contacts").text


def test_overview_counts_and_warns(browser, books, web, tenant, home) -> None:
    now = web.hub.clock.now()
    rows = books.subscriptions[10:15]
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for one, (renews, days) in zip(rows, ((True, 5), (False, 9)), strict=False):
            row = session.get(SubscriptionRow, one)
            row.status, row.auto_renew = "active", renews
            row.term_end = now + timedelta(days=days)
    html = browser.get(home).text
    assert tile(html, "Renewing in 30 days") == "1"
    assert "ends in 9 d" in html
    assert "ends in 5 d" not in html


def tile(html: str, label: str) -> str:
    """What a tile of the overview says, its foot left out."""
    body = html.partition(f"{label}</span>")[2].partition("tile-foot")[0]
    return " ".join(re.sub("<[^>]*>", " ", body.rpartition("<")[0]).split())


def test_overview_tells_costs_by_currency_and_what_has_no_price(
    browser, books, web, tenant, home
) -> None:
    prices = [
        ("EUR", "monthly", "10.005", "3"),
        ("EUR", "annual", "120", "2"),
        ("USD", "triennial", "36", "100"),
        ("EUR", "monthly", None, "5"),
    ]
    with web.hub.store.unit(TenantScope(tenant)) as session:
        account = session.get(SubscriptionRow, books.subscriptions[10]).account_id
        rows = session.scalars(
            select(SubscriptionRow).where(SubscriptionRow.account_id == account)
        ).all()
        for row in rows:
            row.billed, row.assigned = False, None
        for row, (currency, cycle, price, units) in zip(rows, prices, strict=False):
            row.billed, row.status = True, "active"
            row.currency, row.billing_cycle = currency, cycle
            row.unit_cost = Decimal(price) if price else None
            row.quantity = Decimal(units)
        rows[0].assigned = Decimal(1)
        listed = {"currency": "EUR", "unit_cost": Decimal("2.5"), "min_quantity": 1}
        session.add(
            Offer(
                id=new_id("off"), tenant_id=tenant, connection_id=books.vendor,
                vendor_id="listed", product_id="p", sku="s", name="Listed",
                billing_cycle="monthly", row_hash=1,
                known_at=rows[0].known_at, **listed,
            )
        )  # fmt: skip
    html = browser.get(home).text
    assert tile(html, "Cost a month") == "100.00 USD"
    assert "and 50.02 EUR · 1 has no fixed price" in html
    assert "assigned is reported for 3 of them" in html
    with web.hub.store.unit(TenantScope(tenant)) as session:
        session.get(SubscriptionRow, rows[3].id).offer_key = "listed"
    assert "and 62.52 EUR" in (html := browser.get(home).text)
    assert "no fixed price" not in html


def test_row_unfolds_to_cost_renewal_seats_and_accounts(
    browser, books, web, tenant
) -> None:
    key = books.customers[1]
    with web.hub.store.unit(TenantScope(tenant)) as session:
        rows = session.scalars(
            select(SubscriptionRow)
            .join(CustomerAccount, CustomerAccount.id == SubscriptionRow.account_id)
            .where(CustomerAccount.customer_id == key)
            .order_by(SubscriptionRow.id)
        ).all()
        first, *others = rows
        first.term_end = web.hub.clock.now() + timedelta(days=9, hours=1)
        first.auto_renew, first.quantity, first.unit_cost = True, 7, Decimal(3)
        for one in others:
            one.status = "ended"
        name = first.name
    html = browser.get(f"/customers/{key}/summary").text
    assert "21.00 USD" in html
    assert "Next renewal" in html
    assert f">{name}</a></strong> · 7<small" in html
    assert "in 9 days" in html
    assert f"1 of {len(rows)} subscriptions are active" in html
    assert "Cloud EU" in html
    with web.hub.store.unit(TenantScope(tenant)) as session:
        session.get(SubscriptionRow, first.id).auto_renew = False
    assert "Ends next" in browser.get(f"/customers/{key}/summary").text


@pytest.mark.parametrize(
    ("state", "told"), [("parked", "stands still"), ("paused", "is paused")]
)
def test_overview_says_that_a_vendor_is_not_read_now(
    browser, books, web, tenant, home, state, told
) -> None:
    assert told not in browser.get(home).text
    with web.hub.store.unit(TenantScope(tenant)) as session:
        session.get(Connection, books.vendor).state = state
    alerts = browser.get(home).text.partition('id="h-alerts"')[2]
    assert told in alerts.partition("</section>")[0]


def test_head_says_the_kind_the_price_book_and_the_company_that_is_billed(
    browser, books, web, tenant, home
) -> None:
    assert "Contoso" not in browser.get(home).text
    with web.hub.store.unit(TenantScope(tenant)) as session:
        row = session.get(SubscriptionRow, books.subscriptions[10])
        session.add(
            CustomerMap(
                id=new_id("cmp"), tenant_id=tenant, psa_connection_id=books.psa,
                vendor_connection_id=books.vendor, account_id=row.account_id,
                vendor_customer_id=row.customer_vendor_id, psa_company_id="2471",
                status="confirmed",
            )
        )  # fmt: skip
        book = PriceBook(
            id=new_id("pbk"), tenant_id=tenant, name="Gold 2026", currency="EUR",
            created_at=web.hub.clock.now(), updated_at=web.hub.clock.now(),
        )  # fmt: skip
        session.add(book)
        key = books.customers[4]
        session.get(Customer, key).price_book_id = book.id
        detail = session.get(CustomerDetail, key)
        if detail is None:
            detail = CustomerDetail(customer_id=key, tenant_id=tenant)
            session.add(detail)
        detail.kind = "business"
    html = browser.get(home).text
    head = html.partition("page-head")[2].partition("page-actions")[0]
    for word in (": Contoso", "Gold 2026", "Business"):
        assert word in head, word


@pytest.mark.parametrize(
    ("ahead", "scope", "told"),
    [
        (None, None, "Incomplete: orders have not been read yet"),
        ("", None, "Complete as of"),
        ("No right to see orders.", None, "Incomplete: No right to see orders."),
        ("No right to see orders.", "", "Complete as of"),
        ("", "The list broke off.", "Incomplete: The list broke off."),
    ],
)
def test_orders_say_when_they_were_read(
    browser, books, web, tenant, home, monkeypatch, ahead, scope, told
) -> None:
    monkeypatch.setattr(profile, "telling", lambda: {books.vendor})
    now = web.hub.clock.now()
    vendor_id = "00000004-93ac-4377-d408-000000000000"
    own = {"connection_id": books.vendor, "scope": vendor_id, "tenant_id": tenant}
    with web.hub.store.unit(TenantScope(tenant)) as session:
        if ahead is not None:
            session.add(SyncAhead(**own, read_at=now, reason=ahead))
        if scope is not None:
            session.add(
                SyncScope(
                    **own, stream="orders", run_id="r", complete=not scope,
                    complete_at=None if scope else now, attempted_at=now, reason=scope,
                )
            )  # fmt: skip
    assert told in browser.get(f"{home}/orders").text
    monkeypatch.setattr(profile, "telling", set)
    html = browser.get(f"{home}/orders").text
    assert "Complete as of" not in html
    assert "Incomplete" not in html


def test_orders_are_listed_and_searched(
    browser, books, web, tenant, home, machine, monkeypatch
) -> None:
    now = web.hub.clock.now()
    kept = (
        ("4711", "completed", "Suite A", "ana@x.example", 1),
        ("4712", "rejected", "Name B", "", 2),
        # More words than fit the text that is searched first.
        ("4713", "completed", "Suite C", "y" * 600 + " Zebra", None),
    )
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for number, status, plan, who, days in kept:
            line = {"sku": f"SKU-{plan[-1]}", "name": plan, "quantity": "3"}
            session.add(
                VendorOrderRow(
                    id=new_id("vor"), tenant_id=tenant, connection_id=books.vendor,
                    vendor_id=number, status=status, vendor_status="raw " + status,
                    customer_vendor_id="00000004-93ac-4377-d408-000000000000",
                    ordered_at=days and now - timedelta(days=days),
                    lines=[line, {"sku": "ADD-ON", "name": "", "quantity": "1",
                                  "status": "pending" if number == "4713" else None}],
                    attributes={"operator": who} if who else {}, row_hash=1,
                    known_at=now - timedelta(days=9),
                )
            )  # fmt: skip

    def listed(**asked: str) -> list[str]:
        html = browser.get(f"{home}/orders", query_string=asked).text
        return re.findall(r'<div><span class="mono">(\d+)<', html)

    html = browser.get(f"{home}/orders").text
    assert re.search(r"Suite A</td><td class=\"num\"[^>]*>3<", html)
    assert html.count("ADD-ON") == 3
    words = [re.search(r"</svg>(\w+)</span>", row) for row in html.split("<tr")[-6:]]
    assert [one[1] for one in words] == [
        *("Completed", "Completed", "Rejected", "Rejected", "Completed", "Pending"),
    ]
    assert html.count('"mono">4711') == 1
    assert listed() == ["4711", "4712", "4713"]
    assert listed(sort="vendor_id") == ["4711", "4712", "4713"]
    assert listed(sort="-vendor_id") == ["4713", "4712", "4711"]
    assert listed(status="rejected") == ["4712"]
    for words, found in (
        ("SUITE", ["4711", "4713"]), ("sku-b", ["4712"]), ("4713", ["4713"]),
        ("rejected", ["4712"]), ("ana@X", ["4711"]), ("raw c", ["4711", "4713"]),
        ("name", ["4712"]), ("quantity", []), ("zebra", ["4713"]),
        ("cloud EU", ["4711", "4712", "4713"]),
    ):  # fmt: skip
        assert listed(q=words) == found, words
    part = browser.get(
        f"{home}/orders", headers={"HX-Request": "true", "HX-Target": "section#results"}
    ).text
    assert part.lstrip().startswith("<section")
    monkeypatch.setattr(list_view, "__kwdefaults__", {"rows": 2, "beside": None})
    first = browser.get(f"{home}/orders").text
    on = re.search(r'rel="next" href="([^"]+)"', first).group(1).replace("&amp;", "&")
    assert "4713" not in first
    assert re.findall(r'<div><span class="mono">(\d+)<', browser.get(on).text) == [
        "4713"
    ]
    told = machine("GET", f"/orders?filter[customer_id]={books.customers[4]}").json
    assert [one["ordered_by"] for one in told["data"]] == [one[3] for one in kept]
    assert machine("GET", "/orders?filter[status]=pending").json["data"] == []


def test_activity_tells_changes_and_what_people_did(browser, books, web, home) -> None:
    answer = send(
        browser, web, f"{home}/information", name="Coho", custom_id="", version="1"
    )
    assert answer.status_code == 303, answer.text
    html = browser.get(f"{home}/activity").text
    assert "Customer information changed" in html
    assert "Ana Silva" in html
    assert re.search(r"<span class=\"sub\">\d+ → \d+</span>", html)
    assert html.index("Customer information changed") < html.index("First seen")


def shown_events(html: str) -> list[list[str]]:
    """Cells of each row of the activity log."""
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.split(r"</t[hd]>", row)]
        for row in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", html, re.DOTALL)
    ]


def test_activity_is_searched_by_what_its_columns_show(
    browser, books, web, home, tenant, monkeypatch
) -> None:
    sub = books.subscriptions[10]
    owner = web.hub.users.actor_for(web.person(tenant, name="Bo Ek"), tenant)
    web.hub.subscriptions.annotate(owner, sub, version=0, nickname="Mine")

    def found(words: str = "", **more: str) -> list[list[str]]:
        asked = {"q": words, **more}
        return shown_events(browser.get(f"{home}/activity", query_string=asked).text)

    everything = found()
    assert len(everything) == 11
    assert everything[0][1:5] == ["Bo Ek", "Subscriptions", "Done", "Console"]
    for words, many in (("bo ek", 1), ("own NAME", 1), ("cloud eu", 10), ("done", 1)):
        assert len(found(words)) == many, words
    assert len(found("first seen")) == 5
    assert found("nothing such") == []
    newest = browser.get(f"{home}/activity/newest?q=bo").text
    assert len(shown_events(newest)) == 1
    assert f'hx-get="{home}/activity/newest?q=bo"' in newest
    assert found(before="yesterday|f:x") == everything
    viewer = web.browser(web.person(tenant, role="sales"))
    assert len(shown_events(viewer.get(f"{home}/activity").text)) == 10
    monkeypatch.setattr(customer_activity, "_BATCH", 3)
    assert len(found("first seen")) == 5
    monkeypatch.setattr(customer_activity, "LOOKED_AT", 3)
    html = browser.get(f"{home}/activity?q=first").text
    assert "So far the search looked back to" in html


def test_activity_is_paged_without_losing_what_was_learnt_at_once(
    browser, books, web, home, tenant, monkeypatch
) -> None:
    monkeypatch.setattr(customer_activity.Asked.__init__, "__kwdefaults__",
        customer_activity.Asked.__init__.__kwdefaults__ | {"most": 2})  # fmt: skip
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    for at, sub in enumerate(books.subscriptions[10:13]):
        web.hub.subscriptions.annotate(owner, sub, version=0, nickname=f"N{at}")
    path, seen = f"{home}/activity", []
    while path:
        html = browser.get(path).text
        seen += shown_events(html)
        older = re.search(r'rel="next" href="([^"]+)"', html)
        path = older.group(1).replace("&amp;", "&") if older else ""
    assert len(seen) == 13
    assert len({tuple(row) for row in seen}) == 13


def test_second_editor_is_told_and_keeps_what_they_typed(browser, web, home) -> None:
    path = f"{home}/information"
    assert (
        send(browser, web, path, name="A", custom_id="1", version="1").status_code
        == 303
    )
    late = send(browser, web, path, name="B", custom_id="2", version="1")
    assert late.status_code == 409
    assert "Somebody else saved" in late.text
    assert 'value="B"' in late.text
    assert 'name="version" value="2"' in late.text
    assert (
        send(browser, web, path, name=" ", custom_id="", version="2").status_code == 422
    )


def test_customers_are_joined_and_split_on_the_page(browser, books, web, home) -> None:
    other = books.customers[5]
    found = browser.get(f"{home}/accounts?q=contoso").text
    assert other in found
    assert other in browser.get(f"{home}/accounts?q=CONTÓSO").text
    token = web.csrf_token(found)
    data = {"csrf_token": token, "other": other, "why": "same company"}
    assert browser.post(f"{home}/merge", data=data).status_code == 303
    html = browser.get(f"{home}/accounts").text
    account = re.findall(r'name="account" value="([^"]+)"', html)[1]
    data = {"csrf_token": token, "account": account, "why": "not the same"}
    done = browser.post(f"{home}/split", data=data)
    assert done.headers["Location"].startswith("/customers/cus_")


def test_viewer_sees_no_form_and_cannot_save(web, tenant, books, home) -> None:
    client = web.browser(web.person(tenant, role="viewer"))
    html = client.get(f"{home}/information").text
    assert "Save" not in html
    assert "Join" not in client.get(f"{home}/accounts?q=co").text
    token = web.csrf_token(html)
    data = {"csrf_token": token, "name": "X", "custom_id": "", "version": "1"}
    assert client.post(f"{home}/information", data=data).status_code == 403


def test_inventory_is_searched_by_what_it_shows(browser, web, tenant, books) -> None:
    home = f"/customers/{books.customers[4]}"
    sub = books.subscriptions[10]
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    web.hub.subscriptions.annotate(owner, sub, version=0, customer_po="PO-7")

    def shown(words: str) -> int:
        html = browser.get(f"{home}/inventory", query_string={"q": words}).text
        return html.count('<tr><th scope="row">')

    everything = shown("")
    assert everything == 5
    assert shown("po-7") == 1
    assert shown("suite") == 1
    assert shown("cloud eu") == everything
    assert shown("suspended") == 1
    assert shown("nothing such") == 0
    assert "by itself" not in browser.get(home).text
    web.hub.sync.schedule(owner, books.vendor, 7200)
    html = browser.get(home).text
    assert "Cloud EU: read" in html
    assert "by itself every 2 h" in html
    assert "Purchased on" in html


def test_newest_activity_is_asked_for_and_unchanged_is_not_sent(browser, home) -> None:
    page = browser.get(f"{home}/activity").text
    assert f'hx-get="{home}/activity/newest"' in page
    first = browser.get(f"{home}/activity/newest")
    assert "First seen" in first.text
    tag = {"If-None-Match": first.headers["ETag"]}
    assert browser.get(f"{home}/activity/newest", headers=tag).status_code == 304


def test_names_that_are_formulas_or_markup_harm_no_page_and_no_file(
    browser, books, web, tenant
) -> None:
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    evil = ('=HYPERLINK("http://x.example","y")', "<script>alert(1)</script>")
    for sub, name in zip(books.subscriptions[:2], evil, strict=True):
        fields = {"nickname": name, "customer_po": name[:100], "reseller_po": "+1+1"}
        web.hub.subscriptions.annotate(owner, sub, version=0, **fields)
    with web.hub.store.unit(TenantScope(tenant)) as session:
        row = session.get(SubscriptionRow, books.subscriptions[0])
        row.attributes = {"note": evil[1]}
        customer = session.get(Customer, books.customers[0])
        customer.name = evil[1]
    for path in (
        "/subscriptions",
        f"/subscriptions/{books.subscriptions[0]}",
        f"/subscriptions/{books.subscriptions[1]}",
        f"/customers/{books.customers[0]}",
        f"/customers/{books.customers[0]}/charges",
    ):
        html = browser.get(path).text
        assert "<script>alert" not in html, path
        assert "&lt;script&gt;" in html, path
    shown = ["customer_po", "reseller_po", "unit_cost", "started_at"]
    web.hub.customers.views.choose_columns(owner, "subscriptions", shown)
    lines = browser.get("/subscriptions/export.csv").text
    cells = [cell for row in csv.reader(io.StringIO(lines)) for cell in row]
    assert "'" + evil[0] in cells
    assert "'+1+1" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    (head, *rows), _about = web.workbook(browser.get("/subscriptions/export.xlsx"))
    found = next(row for row in rows if row[0] == evil[0])
    assert found[head.index("Reseller PO")] == "+1+1"
    assert isinstance(found[head.index("Unit cost")], float)
    assert isinstance(found[head.index("Purchased on")], datetime)
