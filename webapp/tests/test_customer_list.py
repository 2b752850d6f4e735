"""The list of customers: filters, columns, and a file equal to the screen."""

from __future__ import annotations

import csv
import io
import re

import pytest
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.customers.upkeep import derive
from entrepot.store import TenantScope
from entrepot_web.reseller.customers import rearranged


@pytest.fixture
def abroad(web, tenant, books) -> list[str]:
    """Three customers have accounts in Sweden, one of them a dangerous name."""
    with web.hub.store.unit(TenantScope(tenant)) as session:
        accounts = session.query(CustomerAccount).filter(
            CustomerAccount.customer_id.in_(books.customers[:3])
        )
        for account in accounts:
            account.country = "SE"
        session.get(Customer, books.customers[0]).name = '=cmd|"<script>x</script>'
        session.flush()
        derive(session, tenant, books.customers[:3])
    return books.customers[:3]


def cells(html: str) -> list[list[str]]:
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    body = re.sub(r'<span class="mark[^>]*>.</span>', "", body)
    rows = []
    for row in body.split("<tr>")[1:]:
        row = row.split('<tr class="unfolded">')[0]
        found = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)[1:]
        texts = [re.sub(r"<[^>]+>", " ", cell) for cell in found]
        rows.append([" ".join(text.split()).replace("–", "") for text in texts])
    return rows


def test_filters_combine_and_stay_in_links(browser, books, abroad) -> None:
    html = browser.get("/customers?country=SE&state=active&state=merged").text
    assert html.count('name="id"') == 3
    assert "Country: <strong>SE</strong>" in html
    assert "Status: <strong>Active, Merged</strong>" in html
    assert "country=SE&amp;state=active&amp;state=merged&amp;sort=-name" in html
    assert (
        browser.get("/customers?country=SE&state=merged").text.count('name="id"') == 0
    )
    both = browser.get(f"/customers?connection_id={books.vendor}&country=SE").text
    assert both.count('name="id"') == 3
    assert browser.get("/customers?state=nonsense").text.count('name="id"') == 15


def test_export_equals_the_screen_and_harms_no_sheet(browser, books, abroad) -> None:
    query = "?country=SE&sort=-name"
    html = browser.get("/customers" + query).text
    assert "<script>x" not in html
    answer = browser.get("/customers/export.csv" + query)
    assert answer.content_type.startswith("text/csv")
    head, *rows, worth = list(csv.reader(io.StringIO(answer.text)))
    shown = cells(html)
    assert head[:2] == ["Customer", "Status"]
    assert [row[0].lstrip("'") for row in rows] == [
        row[0].replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"')
        for row in shown
    ]
    assert [row[1:] for row in rows] == [row[1:] for row in shown]
    assert any(row[0].startswith("'=cmd") for row in rows)
    assert worth[0].startswith("# 3 rows. Complete as of")


def test_joined_customers_show_only_when_asked_for(web, browser, books, tenant) -> None:
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    keep, other = books.customers[:2]
    web.hub.customers.merge(owner, keep, other, why="same")
    assert other not in browser.get("/customers").text
    assert other in browser.get("/customers?state=merged").text


def test_only_picked_rows_are_exported(browser, books) -> None:
    ids = "&".join(f"id={one}" for one in books.customers[:2])
    picked = browser.get(f"/customers/export.csv?{ids}").text.splitlines()
    assert len(picked) == 4
    every = browser.get(f"/customers/export.csv?{ids}&all=1").text.splitlines()
    assert len(every) == 17


def test_columns_are_chosen_for_everybody(browser, books, web, tenant) -> None:
    def step(do: str) -> None:
        token = web.csrf_token(browser.get("/customers/columns").text)
        data = {"csrf_token": token, "do": do}
        assert browser.post("/customers/columns", data=data).status_code == 303

    for do in ("add:country", "cancel:"):
        step(do)
    assert "Country" not in browser.get("/customers/export.csv").text
    for do in ("add:country", "remove:email", "up:country", "add:shoe", "save:"):
        step(do)
    head = browser.get("/customers/export.csv").text.splitlines()[0].split(",")
    assert head[-2:] == ["Country", "Own id"]
    assert "Contact e-mail" not in head
    colleague = web.browser(web.person(tenant, "viewer", "Bo"))
    shared = colleague.get("/customers/export.csv").text.splitlines()[0]
    assert shared.split(",") == head
    assert colleague.post("/customers/columns", data={"do": "save:"}).status_code != 303
    step("usual:")
    step("save:")
    assert "Contact e-mail" in browser.get("/customers/export.csv").text


def test_columns_move_one_step_and_never_vanish() -> None:
    assert rearranged(["a", "b", "c"], "up", "a") == ["a", "b", "c"]
    assert rearranged(["a", "b", "c"], "up", "c") == ["a", "c", "b"]
    assert rearranged(["a", "b", "c"], "down", "a") == ["b", "a", "c"]
    assert rearranged(["a", "b", "c"], "down", "c") == ["a", "b", "c"]
    assert rearranged(["a"], "sideways", "a") == ["a"]
