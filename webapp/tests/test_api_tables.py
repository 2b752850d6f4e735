"""Lists as CSV and NDJSON, and rows with only the fields that are wanted."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

import pytest
from entrepot.hub.customers.tables import Customer
from entrepot.store import TenantScope
from entrepot_web.api import tables
from entrepot_web.sheets import safe
from entrepot_web.workbook import XLSX


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    monkeypatch.setattr(tables, "CHUNK", 4)


def test_csv_holds_every_row_and_says_what_it_is_worth(
    machine, books, small_chunks
) -> None:
    answer = machine("GET", "/customers?sort=-name", headers={"Accept": "text/csv"})
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/csv")
    *lines, trailer = answer.text.splitlines()
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    expected = machine("GET", "/customers?sort=-name&limit=200").json["data"]
    assert [row["id"] for row in rows] == [row["id"] for row in expected]
    worth = json.loads(trailer.removeprefix("#"))["meta"]
    assert worth["rows"] == 15
    assert worth["complete"] is True
    assert worth["as_of"].endswith("Z")


def test_ndjson_keeps_filters_and_fields(machine, books, small_chunks) -> None:
    path = "/subscriptions?filter[status]=active&fields[subscription]=id,unit_cost"
    answer = machine("GET", path, headers={"Accept": "application/x-ndjson"})
    *lines, trailer = [json.loads(line) for line in answer.text.splitlines()]
    wanted = "/subscriptions?filter[status]=active&limit=200"
    expected = machine("GET", wanted).json["data"]
    assert lines == [
        {"id": row["id"], "unit_cost": row["unit_cost"]} for row in expected
    ]
    assert trailer["meta"]["rows"] == len(lines)


def test_csv_of_amounts_has_two_columns_and_limit_gives_one_page(
    machine, books
) -> None:
    path = "/subscriptions?limit=2&fields[subscription]=unit_cost,is_trial"
    answer = machine("GET", path, headers={"Accept": "text/csv"})
    head, first, _second, trailer = answer.text.splitlines()
    assert head == "unit_cost.amount,unit_cost.currency,is_trial"
    assert first == "19.8,USD,false"
    assert json.loads(trailer[1:])["meta"]["rows"] == 2


def test_formula_in_a_name_is_text_in_a_sheet(machine, books, web, tenant) -> None:
    with web.hub.store.unit(TenantScope(tenant)) as session:
        session.get(Customer, books.customers[0]).name = '=HYPERLINK("http://x","y")'
    answer = machine(
        "GET", "/customers?fields[customer]=name", headers={"Accept": "text/csv"}
    )
    assert "'=HYPERLINK" in answer.text
    assert '"=HYPERLINK' not in answer.text
    assert [safe(text) for text in ("-5.00", "+1", "@x", "-x", "plain")] == [
        *("-5.00", "+1", "'@x", "'-x", "plain")
    ]


def test_workbook_has_numbers_moments_and_what_it_is_worth(
    machine, books, web, tenant, small_chunks
) -> None:
    with web.hub.store.unit(TenantScope(tenant)) as session:
        session.get(Customer, books.customers[0]).name = '=HYPERLINK("http://x","y")'
    headers = {"Accept": XLSX}
    fields = "fields[customer]=name,created_at,accounts"
    answer = machine("GET", f"/customers?{fields}", headers=headers)
    assert answer.content_type == XLSX
    (head, *rows), about = web.workbook(answer)
    assert head == ["name", "created_at", "accounts"]
    assert '=HYPERLINK("http://x","y")' in [row[0] for row in rows]
    assert {type(row[1]) for row in rows} == {datetime}
    assert about[0] == ["rows", "15"]
    assert about[1] == ["complete", "True"]
    path = "/subscriptions?limit=2&fields[subscription]=unit_cost,is_trial"
    rows, _about = web.workbook(machine("GET", path, headers=headers))
    assert rows[1] == [19.8, "USD", False]


def test_fields_are_cut_and_unknown_ones_refused(machine, books) -> None:
    page = machine("GET", "/customers?fields[customer]=id,name&limit=3").json
    assert [sorted(row) for row in page["data"]] == [["id", "name"]] * 3
    assert page["page"]["has_more"]
    wrong = machine("GET", "/customers?fields[customer]=id,shoe")
    assert wrong.status_code == 400
    assert wrong.json["code"] == "fields_invalid"
    assert machine("GET", "/customers?fields[shoe]=id").status_code == 400
