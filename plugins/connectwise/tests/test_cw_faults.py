"""Faults on the wire: nothing lost, nothing written twice."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    EntrepotError,
    OutcomeUnknown,
    RateLimited,
    Retryable,
)
from entrepot.sdk.model import (
    LineChangeKind,
    OutcomeState,
)
from entrepot_connectwise.plugin import plugin

ADDITIONS = r"/additions$"


def apply(ctx, change):
    return plugin.apply_line_change(ctx, ask.ApplyLineChange(change=change))


def find(ctx, change, **values):
    return plugin.find_line(ctx, ask.FindLine(change=change, **values))


def walk(hook, ctx, query):
    items, pages = [], 0
    while True:
        page = hook(ctx, query)
        items += page.records()
        pages += 1
        if page.next_cursor is None:
            return items, pages, page
        query = replace(query, cursor=page.next_cursor)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rate_limited", "retry_after": "0"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "reset"},
        {"kind": "truncated"},
    ],
)
def test_reads_survive_passing_faults(scene, ctx, fault):
    plugin.list_companies(ctx, ask.ListCompanies())
    scene.fault(**fault, path="company/companies$", count=2)
    (company,) = plugin.list_companies(ctx, ask.ListCompanies()).records()
    assert company.name == "Contoso Inc."
    assert scene.control.faults()[0]["fired"] == 2


@pytest.mark.parametrize("kind", ["latency", "slow_body"])
def test_reads_wait_for_slow_answers(scene, ctx, kind):
    scene.control.add_fault(kind, seconds=0.3, path="company/companies$")
    (company,) = plugin.list_companies(ctx, ask.ListCompanies()).records()
    assert company.name == "Contoso Inc."
    assert scene.control.faults()[0]["fired"] == 1


def test_a_429_without_header_waits_as_long_as_its_text_says(scene, ctx):
    scene.control.add_fault("rate_limited", path="companies$")
    with pytest.raises(RateLimited) as caught:
        plugin.list_companies(ctx, ask.ListCompanies())
    assert caught.value.after == pytest.approx(30, abs=1)


def test_lasting_faults_are_retryable_errors(scene, ctx):
    scene.control.add_fault("status", status=500, count=0, path="companies$")
    with pytest.raises(Retryable):
        plugin.list_companies(ctx, ask.ListCompanies())
    scene.control.clear_faults()
    scene.control.add_fault("rate_limited", retry_after="600", count=0)
    with pytest.raises(RateLimited) as caught:
        plugin.list_companies(ctx, ask.ListCompanies())
    assert caught.value.after == pytest.approx(600, abs=1)


def many(scene, count=9):
    for number in range(count):
        body = {"identifier": f"C{number}", "name": f"C{number}"}
        scene.request("POST", "company/companies", json=body)


def test_a_repeated_page_is_asked_for_again(scene, ctx):
    many(scene)
    scene.control.add_fault("repeated_page", path="company/companies$", skip=1)
    found, _, last = walk(plugin.list_companies, ctx, ask.ListCompanies(page_size=3))
    assert len(found) == len({one.vendor_id for one in found}) == 10
    assert last.complete
    scene.control.clear_faults()
    scene.control.add_fault("repeated_page", path="companies$", skip=1, count=0)
    with pytest.raises(Retryable) as caught:
        walk(plugin.list_companies, ctx, ask.ListCompanies(page_size=3))
    assert caught.value.code == "page_repeated"


def test_a_missing_page_makes_the_list_incomplete(scene, ctx):
    many(scene)
    scene.control.add_fault("missing_page", path="company/companies$", skip=1)
    found, _, last = walk(plugin.list_companies, ctx, ask.ListCompanies(page_size=3))
    assert len(found) == 7
    assert not last.complete
    assert "3 records" in last.incomplete_reason


CREATION = {"method": "POST", "path": ADDITIONS}


def test_a_creation_that_timed_out_is_found_and_adopted(scene, ctx):
    scene.control.add_fault("timeout_after_commit", seconds=3, **CREATION)
    change = scene.creation()
    with pytest.raises(OutcomeUnknown):
        apply(ctx, change)
    found = find(ctx, change)
    assert found is not None
    assert found.reference == "op-1"
    assert len(scene.lines()) == 2
    assert (
        scene.control.counters()["routes"].get(
            "POST /<codebase>/apis/3.0/finance/agreements/<int:parent>/additions"
        )
        == 1
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "status", "status": 500},
        {"kind": "truncated"},
        {"kind": "timeout_after_commit", "seconds": 0.1},
    ],
)
@pytest.mark.parametrize("with_field", [True, False])
def test_creations_are_never_repeated_blindly(scene, ctx, fault, with_field):
    if not with_field:
        scene.control.act("custom_field", table="additions", present=False)
    change = scene.creation()
    before = datetime(2026, 6, 20, 3, 59, tzinfo=UTC)
    scene.fault(**fault, **CREATION)
    with pytest.raises(OutcomeUnknown):
        apply(ctx, change)
    committed = len(scene.lines()) == 2
    assert committed is (fault["kind"] in {"truncated", "timeout_after_commit"})
    found = find(ctx, change, not_before=before)
    assert (found is not None) is committed
    if found is None:
        found = apply(ctx, change).line
    assert len(scene.lines()) == 2
    assert find(ctx, change, not_before=before).vendor_id == found.vendor_id


def test_a_throttled_creation_is_sent_again_since_nothing_happened(scene, ctx):
    scene.control.add_fault("rate_limited", retry_after="0", **CREATION)
    assert apply(ctx, scene.creation()).state is OutcomeState.DONE
    assert len(scene.lines()) == 2


def test_an_unclear_change_is_probed_by_reference(scene, ctx):
    change = scene.change(LineChangeKind.SET_QUANTITY, quantity=Decimal(12))
    assert find(ctx, change) is None
    scene.control.add_fault("timeout_after_commit", method="PATCH", seconds=0.1)
    with pytest.raises(OutcomeUnknown):
        apply(ctx, change)
    assert find(ctx, change).quantity == 12
    other = replace(change, reference="op-2")
    assert find(ctx, other) is None, "somebody else's equal change is not ours"


def test_without_a_reference_field_two_alike_lines_need_a_person(scene, ctx):
    scene.control.act("custom_field", table="additions", present=False)
    change = scene.creation()
    assert find(ctx, change) is None
    assert apply(ctx, change).line.reference == ""
    assert find(ctx, change).quantity == 10
    scene.control.act(
        "add_line",
        agreement=scene.agreement,
        product=scene.product,
        quantity=10,
        effectiveDate="2026-07-01T00:00:00Z",
    )
    with pytest.raises(OutcomeUnknown) as caught:
        find(ctx, change)
    assert caught.value.code == "several_lines_fit"
    later = datetime(2026, 6, 21, tzinfo=UTC)
    assert find(ctx, change, not_before=later) is None


def test_the_reference_field_is_found_without_any_line(scene, ctx):
    body = {
        "name": "Empty",
        "type": {"id": 2},
        "company": {"id": scene.company},
        "contact": {"id": scene.contact},
        "billingCycle": {"id": 1},
    }
    made = scene.request("POST", "finance/agreements", json=body).json()
    change = scene.creation(agreement_id=str(made["id"]))
    assert apply(ctx, change).line.reference == "op-1"


def test_many_threads_share_one_connection(scene, ctx):
    failures: list[EntrepotError] = []

    def work(number):
        try:
            change = scene.creation(reference=f"op-{number}", quantity=Decimal(number))
            assert apply(ctx, change).state is OutcomeState.DONE
        except EntrepotError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(scene.lines()) == 7
    assert scene.control.counters()["max_concurrent"] <= 5
