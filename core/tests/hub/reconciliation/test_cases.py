"""The shipped worked cases, and what the runner says about wrong files."""

from __future__ import annotations

from pathlib import Path

import pytest
from entrepot.hub.reconciliation.casefiles.reader import CaseInvalid
from entrepot.hub.reconciliation.casefiles.runner import (
    CaseResult,
    as_json,
    format_results,
    run_cases,
    shipped_cases,
)

EXPECTED = [
    "R01",
    "R02",
    "R03",
    "R04",
    "R06",
    "R07",
    "R08",
    "R09",
    "R10",
    "R14",
    "R15",
    "R16",
    "R17",
    "R18",
    "R19",
    "R20",
    "R21",
    "R22",
    "R24",
    "R25",
    "R26",
    "R28",
    "R29",
    "R30",
    "R31",
    "R32",
    "R33",
    "R35",
    "R36",
    "R38",
    "R39",
    "R40",
    "R41",
    "R42",
    "R44",
    "R45",
    "R48",
    "R50",
    "R51",
    "R52",
    "R55",
    "R56",
    "R58",
    "R60",
    "R61",
    "R62",
    "R63",
    "R65",
    "R66",
    "R67",
    "R68",
    "R69",
    "R72",
    "R73",
    "R74",
    "R75",
    "R76",
    "R77",
    "R78",
    "R79",
    "R81",
    "R83",
    "R84",
    "R87",
    "R88",
    "D1",
    "D2",
    "D3",
    "D4",
    "D5",
    "D8",
    "D9",
]


@pytest.fixture(scope="module", params=[1, 2])
def shipped(request) -> list[CaseResult]:
    return run_cases(shipped_cases(), request.param)


def test_every_shipped_case_holds(shipped):
    missed = [line for line in format_results(shipped) if line.startswith("MISS")]
    assert missed == []


def test_all_worked_cases_are_there(shipped):
    assert set(EXPECTED) <= {one.case for one in shipped}


def test_ids_are_unique(shipped):
    ids = [one.case for one in shipped]
    assert len(ids) == len(set(ids))


def _file(tmp_path: Path, text: str) -> list[CaseResult]:
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    return run_cases(tmp_path)


def test_a_wrong_amount_is_a_miss(tmp_path):
    found = _file(
        tmp_path,
        """
        id: X1
        vendor: {subscriptions: {S-1: {quantity: 12}}}
        expect: {issues: [{kind: QUANTITY_UNDERBILLED, m: 52.81}]}
        """,
    )
    assert [one.passed for one in found] == [False]
    assert found[0].misses == ("QUANTITY_UNDERBILLED: m expected 52.81, found 52.8",)


def test_an_unexpected_issue_is_a_miss(tmp_path):
    found = _file(
        tmp_path, "vendor: {subscriptions: {S-1: {quantity: 12}}}\nexpect: nothing\n"
    )
    assert found[0].misses == ("unexpected QUANTITY_UNDERBILLED Δ+2 m=+52.80",)


def test_a_missing_issue_is_a_miss(tmp_path):
    found = _file(tmp_path, "expect: {issues: [ORPHAN_IN_PSA]}\n")
    assert found[0].misses == ("missing ORPHAN_IN_PSA",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("expect: nothing\nsurprise: 1\n", ("own.yaml", "unknown key surprise")),
        (
            "id: X2\nvendor: {subscriptions: {S-1: {amount: 3}}}\nexpect: nothing\n",
            ("own.yaml: case X2: subscription S-1", "unknown key amount", "quantity"),
        ),
        (
            "id: X3\npsa: {lines: {A-1: {quantity: many}}}\nexpect: nothing\n",
            ("case X3: line A-1: quantity", "'many' is no number"),
        ),
        (
            "id: X4\nexpect: {issues: [{kind: TOO_MUCH}]}\n",
            ("case X4", "kind 'TOO_MUCH' is unknown"),
        ),
        ("id: X5\ntitle: without any expectation\n", ("X5", "expect is missing")),
        (
            "id: X6\npsa: {lines: {A-1: {effective: soon}}}\nexpect: nothing\n",
            ("line A-1: effective", "no date"),
        ),
        ("- just a word\n", ("own.yaml", "no mapping")),
        ("a: [1\n", ("own.yaml", "line")),
    ],
)
def test_a_wrong_record_says_where_and_what(tmp_path, text, words):
    found = _file(tmp_path, text)
    assert not found[0].passed
    for word in words:
        assert word in found[0].misses[0]


def test_one_wrong_record_does_not_stop_the_others(tmp_path):
    found = _file(
        tmp_path, "- {id: A, expect: {issues: [NO_SUCH]}}\n- {id: B, expect: nothing}\n"
    )
    assert [(one.case, one.passed) for one in found] == [("A", False), ("B", True)]


@pytest.mark.parametrize(
    "text",
    [
        "- {id: A, expect: nothing}\n- {id: B, expect: nothing}\n",
        "cases: [{id: A, expect: nothing}, {id: B, expect: nothing}]\n",
        "{id: A, expect: nothing}\n---\n{id: B, expect: nothing}\n",
    ],
)
def test_a_file_may_hold_cases_in_three_ways(tmp_path, text):
    assert [one.case for one in _file(tmp_path, text)] == ["A", "B"]


def test_a_directory_may_bring_its_own_fixture(tmp_path):
    (tmp_path / "fixture.yaml").write_text(
        "defaults: {subscription: {quantity: 12}}\n", encoding="utf-8"
    )
    found = _file(
        tmp_path,
        "expect: {issues: [{kind: QUANTITY_UNDERBILLED, delta: 2}]}\n",
    )
    assert found[0].passed


def test_numbers_stay_exact(tmp_path):
    found = _file(
        tmp_path,
        """
        vendor: {subscriptions: {S-1: {unit_cost: 0.1, quantity: 3}}}
        psa: {lines: {A-1: {quantity: 3, unit_cost: 0.10, unit_price: 0.12}}}
        expect: nothing
        """,
    )
    assert found[0].misses == ()


def test_a_place_without_cases_is_refused(tmp_path):
    with pytest.raises(CaseInvalid, match="no case files"):
        run_cases(tmp_path)
    with pytest.raises(CaseInvalid, match="no such file"):
        run_cases(tmp_path / "nowhere")
    with pytest.raises(CaseInvalid, match="level 3"):
        run_cases(shipped_cases(), 3)


def test_results_for_machines(tmp_path):
    found = as_json(_file(tmp_path, "{id: A, expect: nothing}\n"))
    assert found == [
        {
            "case": "A",
            "title": "",
            "file": "own.yaml",
            "level": 1,
            "passed": True,
            "misses": [],
            "found": "nothing",
        }
    ]
