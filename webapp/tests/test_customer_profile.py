"""One customer on its pages, and one subscription as it was."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from entrepot.hub.subscriptions.tables import SubscriptionRow, VendorOrderRow
from entrepot.store import TenantScope, new_id


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
    for entry in ("information", "contacts", "accounts"):
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
    tiles = re.findall(r"tile-value[^>]*>\s*(\d+)", html)
    assert tiles[2] == "1"
    assert "ends in 9 d" in html
    assert "ends in 5 d" not in html


def test_orders_are_listed_and_searched(browser, books, web, tenant, home) -> None:
    now = web.hub.clock.now()
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for number, sku in (("4711", "SKU-A"), ("4712", "SKU-B")):
            session.add(
                VendorOrderRow(
                    id=new_id("vor"),
                    tenant_id=tenant,
                    connection_id=books.vendor,
                    vendor_id=number,
                    customer_vendor_id="00000004-93ac-4377-d408-000000000000",
                    status="completed",
                    ordered_at=now,
                    lines=[{"sku": sku, "quantity": "3"}],
                    row_hash=1,
                    known_at=now,
                )
            )
    both = browser.get(f"{home}/orders").text
    assert "4711" in both
    assert "SKU-B × 3" in both
    one = browser.get(f"{home}/orders?q=sku-a").text
    assert "4711" in one
    assert "4712" not in one


def test_activity_tells_changes_and_what_people_did(browser, books, web, home) -> None:
    answer = send(
        browser, web, f"{home}/information", name="Coho", custom_id="", version="1"
    )
    assert answer.status_code == 303, answer.text
    html = browser.get(f"{home}/activity").text
    assert "Customer information changed" in html
    assert "Ana Silva" in html
    assert re.search(r"<strong>\d+ → \d+</strong>", html)
    assert html.index("Customer information changed") < html.index("First seen")


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


def test_subscription_is_shown_as_it_was(browser, books) -> None:
    path = f"/subscriptions/{books.subscriptions[0]}"
    now = browser.get(path).text
    assert "The present state" in now
    assert 'class="differs"' not in now
    then = browser.get(f"{path}?state=0").text
    assert "As known from" in then
    assert '<td data-label="Then" class="differs">2</td>' in then
    assert "1 of 2" in browser.get(f"{path}?state=0").text
    assert "2 of 2" in browser.get(f"{path}?state=99").text
    assert "2 of 2" in browser.get(f"{path}?state=x").text


def test_categories_divide_what_ends_soon(browser, books, web, tenant) -> None:
    now = web.hub.clock.now()
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for one, renews, days in (
            (books.subscriptions[0], True, 5),
            (books.subscriptions[1], False, 5),
            (books.subscriptions[2], False, 50),
        ):
            row = session.get(SubscriptionRow, one)
            row.auto_renew, row.term_end = renews, now + timedelta(days=days)
            row.status, row.is_trial = "active", days == 50

    def listed(category: str) -> list[str]:
        html = browser.get(f"/subscriptions?category={category}").text
        return re.findall(
            r'<th scope="row"><div><a href="/subscriptions/([^"]+)"', html
        )

    assert listed("renewing") == [books.subscriptions[0]]
    assert listed("expiring") == [books.subscriptions[1]]
    assert listed("trial") == [books.subscriptions[2]]
    assert len(listed("")) > len(listed("active")) > 10
    export = browser.get("/subscriptions/export.csv?category=renewing").text
    assert len(export.splitlines()) == 3
