"""The list of customers: filters, columns, and a file equal to the screen."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from datetime import UTC, datetime
from decimal import Decimal

import openpyxl
import pytest
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.customers.upkeep import derive
from entrepot.store import TenantScope
from entrepot_web import workbook
from entrepot_web.reseller.managed_lists import rearranged
from flask import Flask
from flask_babel import Babel


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


def test_export_equals_the_screen_and_harms_no_sheet(
    browser, books, abroad, web
) -> None:
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
    book = browser.get("/customers/export.xlsx" + query)
    assert book.content_length == len(book.data)
    assert 'filename="customers.xlsx"' in book.headers["Content-Disposition"]
    (top, *found), about = web.workbook(book)
    assert top == head
    texts = [["" if cell is None else str(cell) for cell in row] for row in found]
    assert texts == [[row[0].lstrip("'"), *row[1:]] for row in rows]
    assert isinstance(found[0][head.index("Purchased items")], int)
    assert about[0] == ["Rows", "3"]
    assert about[1][1].startswith("Complete as of")
    assert about[2][1] == "country = SE; sort = -name"


def test_joined_customers_show_only_when_asked_for(web, browser, books, tenant) -> None:
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    keep, other = books.customers[:2]
    web.hub.customers.merge(owner, keep, other, why="same")
    assert other not in browser.get("/customers").text
    assert other in browser.get("/customers?state=merged").text


def test_only_picked_rows_are_exported(browser, books, web) -> None:
    ids = "&".join(f"id={one}" for one in books.customers[:2])
    picked = browser.get(f"/customers/export.csv?{ids}").text.splitlines()
    assert len(picked) == 4
    every = browser.get(f"/customers/export.csv?{ids}&all=1").text.splitlines()
    assert len(every) == 17
    rows, _about = web.workbook(browser.get(f"/customers/export.xlsx?{ids}"))
    assert len(rows) == 3


def test_evil_names_harm_neither_page_nor_csv_nor_workbook(
    browser, books, web, tenant, monkeypatch
) -> None:
    owner = web.hub.users.actor_for(web.person(tenant), tenant)
    evil = ('=HYPERLINK("http://x.example","y")', "<script>alert(1)</script>")
    names = (*evil, "+1", "@SUM(A1)", "https://x.example", "\x0b bell")
    label = "=1+1"
    web.hub.customers.fields.add(
        owner, key="evil", label=label, kind="text", options=(), required=False
    )
    with web.hub.store.unit(TenantScope(tenant)) as session:
        for one, name in zip(books.customers, names, strict=False):
            session.get(Customer, one).name = name
        session.get(Customer, books.customers[0]).created_at = datetime(
            1899, 5, 1, tzinfo=UTC
        )
    web.hub.customers.views.choose_columns(
        owner, "customers", ["own_evil", "created_at"]
    )
    html = browser.get("/customers").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    cells = list(csv.reader(io.StringIO(browser.get("/customers/export.csv").text)))
    assert not [c for row in cells for c in row if c.startswith(("=", "@", "\t"))]
    (head, *rows), _about = web.workbook(browser.get("/customers/export.xlsx"))
    assert head[1] == label
    first = {row[0]: row[2] for row in rows}
    assert set(names[:5]) <= set(first)
    assert first[evil[0]] == "1899-05-01"
    assert isinstance(first[evil[1]], datetime)
    monkeypatch.setattr(workbook, "MOST_ROWS", 14)
    refused = browser.get("/customers/export.xlsx")
    assert refused.status_code == 422
    assert "Take CSV" in refused.text


def test_numbers_keep_every_digit_in_a_workbook() -> None:
    long = Decimal("12345678901234.5678")
    assert workbook.value("number", "19.80") == Decimal("19.80")
    assert workbook.value("number", "n/a") == "n/a"
    assert workbook.value("text", "19.80") == "19.80"
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        with workbook.Book("sums", ["sum"]) as book:
            book.add([long])
            book.add([Decimal("0.1")])
            book.add([Decimal("1E+2")])
            sent = book.send((("Rows", "3"),))
        sheet = openpyxl.load_workbook(io.BytesIO(sent.data)).worksheets[0]
        sent.close()
    assert [row[0] for row in sheet.values] == ["sum", f"{long}", 0.1, 100]


def test_broken_list_leaves_no_file_behind(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyError), workbook.Book("broken", ["a"]) as book:
        book.add(["x"])
        raise KeyError
    assert not list(tmp_path.iterdir())


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
