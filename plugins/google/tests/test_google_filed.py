"""Charges and usage out of exports that a person hands in as files."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.context import NoFiles
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.sdk.model import HeldFile, Period
from entrepot_google.plugin import plugin

SEPTEMBER = Period(date(2026, 9, 1), date(2026, 10, 1))
OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1))
HANDED_IN = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)


class MemoryFiles(NoFiles):
    """What core keeps of files, in memory."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[HeldFile, bytes]] = {}

    def hand_in(self, ctx, text: bytes, at=HANDED_IN, name="rows.json"):
        taken = plugin.take_file(ctx, ask.TakeFile(name=name, content=text))
        for part in taken.parts:
            version = hashlib.sha256(part.content).hexdigest()
            held = HeldFile(name=part.name, version=version, source=name, taken_at=at)
            self.parts[part.name] = held, part.content
        return taken

    def find(self, name):
        return self.parts[name][0] if name in self.parts else None

    def read(self, name):
        return self.parts[name][1]


def exported(vendor, month=None) -> bytes:
    rows = vendor.control.act("export_billing", month=month)["rows"]
    return "\n".join([*rows, ""]).encode()


@pytest.fixture
def filed(vendor):
    """A connection without BigQuery, and the files it is handed."""
    vendor.control.act("buy", sku="6F81-5844-456A", plan="usage", seats=1)
    vendor.control.act("buy", plan="flexible", seats=9)
    files = MemoryFiles()
    return replace(vendor.connect(billing_table=""), files=files), files


def listed(ctx, hook, query, **fields):
    found, cursor = [], None
    while True:
        page = hook(ctx, query(cursor=cursor, **fields))
        found += page.records()
        cursor = page.next_cursor
        if cursor is None:
            return found


def charges(ctx, period=SEPTEMBER, **fields):
    return listed(ctx, plugin.list_charges, ask.ListCharges, period=period, **fields)


def usage(ctx, period=SEPTEMBER, **fields):
    return listed(ctx, plugin.list_usage, ask.ListUsage, period=period, **fields)


def plain(lines):
    return {each.vendor_id: replace(each, source="") for each in lines}


def test_google_file_tells_what_bigquery_tells(vendor, filed) -> None:
    ctx, files = filed
    asking = vendor.connect()
    taken = files.hand_in(ctx, exported(vendor))
    assert {"2026-09", "2026-10"} <= set(taken.months)
    one = vendor.sim.book.ids[0]
    for period in (SEPTEMBER, OCTOBER):
        for whose in ({}, {"customer_id": one}):
            told = charges(ctx, period, **whose)
            assert plain(told) == plain(charges(asking, period, **whose)) != {}
            metered = usage(ctx, period, page_size=3, **whose)
            assert plain(metered) == plain(usage(asking, period, **whose))
    assert metered, "nothing was metered"
    assert {each.source.partition(" ")[0] for each in told} == {"rows.json"}
    assert all(each.estimated for each in told), "October is still open"


def test_google_newer_file_restates_a_month(vendor, filed) -> None:
    ctx, files = filed
    files.hand_in(ctx, exported(vendor, "202609"))
    before = {each.vendor_id: each for each in charges(ctx)}
    vendor.control.act("restate_charges", customer=vendor.sim.book.ids[1])
    files.hand_in(ctx, gzip.compress(exported(vendor, "202609")), name="later.json.gz")
    after = {each.vendor_id: each for each in charges(ctx)}
    assert before.keys() == after.keys()
    changed = {k for k in before if before[k].amount != after[k].amount}
    assert changed
    assert {after[k].customer_id for k in changed} == {vendor.sim.book.ids[1]}


def test_google_months_without_a_whole_file_are_incomplete(vendor, filed) -> None:
    ctx, files = filed
    page = plugin.list_charges(ctx, ask.ListCharges(period=SEPTEMBER))
    assert (page.complete, page.records()) == (False, [])
    assert "hand in a file" in page.incomplete_reason
    files.hand_in(ctx, exported(vendor, "202609"), at=HANDED_IN - timedelta(days=20))
    page = plugin.list_charges(ctx, ask.ListCharges(period=SEPTEMBER))
    assert not page.complete
    assert "newer" in page.incomplete_reason
    assert all(each.estimated for each in page.records())
    files.hand_in(ctx, exported(vendor, "202609"))
    page = plugin.list_charges(ctx, ask.ListCharges(period=SEPTEMBER))
    assert page.complete
    assert not any(each.estimated for each in page.records())


def test_google_same_file_gives_the_same_parts(vendor, filed) -> None:
    ctx, _ = filed
    text = exported(vendor)
    plainly = plugin.take_file(ctx, ask.TakeFile(name="a", content=text))
    packed = plugin.take_file(ctx, ask.TakeFile(name="b", content=gzip.compress(text)))
    assert plainly == packed
    assert plainly.rows == text.count(b"\n")


def test_google_file_replaced_while_it_is_read(vendor, filed) -> None:
    ctx, files = filed
    files.hand_in(ctx, exported(vendor, "202609"))
    query = ask.ListCharges(period=SEPTEMBER, page_size=2)
    cursor = plugin.list_charges(ctx, query).next_cursor
    vendor.control.act("restate_charges")
    files.hand_in(ctx, exported(vendor, "202609"))
    with pytest.raises(Rejected) as caught:
        plugin.list_charges(ctx, replace(query, cursor=cursor))
    assert caught.value.code == "file_replaced"


def test_google_unusable_files_are_refused_whole(vendor, filed) -> None:
    ctx, files = filed
    text = exported(vendor, "202609")
    last = text.count(b"\n")
    for wrong, said in (
        (b"", "no row"),
        (text[:-40], f"Line {last} "),
        (gzip.compress(text)[:-40], "cut off"),
        (text.replace(b'"202609"', b'"2026-9"'), "Line 1 "),
        (text.replace(b'"cost":', b'"price":'), "Line 1 "),
        (text.replace(b" UTC", b" noon"), "Line 1 "),
        (b"Account,Amount\nC1,3\n", "Line 1 "),
    ):
        with pytest.raises(Rejected, match=said) as caught:
            files.hand_in(ctx, wrong)
        assert "newline-delimited JSON" in caught.value.info.remedy
    assert not files.parts


def test_google_numbers_of_files_stay_exact(filed) -> None:
    ctx, files = filed
    row = {
        "invoice": {"month": "202609"},
        "cost_type": "adjustment",
        "cost": "PLACE",
        "currency": "EUR",
        "usage_start_time": "2026-09-01 07:00:00+00",
        "usage_end_time": "2026-10-01T07:00:00Z",
        "customer_name": "accounts/C0/customers/S1",
        "credits": None,
    }
    text = json.dumps(row).replace('"PLACE"', "0.1234567890123456789")
    files.hand_in(ctx, text.encode())
    (line,) = charges(ctx)
    assert str(line.amount.amount) == "0.1234567890123456789"
    assert (line.period.start, line.period.end) == (date(2026, 9, 1), date(2026, 10, 1))
    with pytest.raises(NotFound):
        NoFiles().read("anything")
