"""The language of `conditions`."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from entrepot_connectwise.simulator.conditions import compile_conditions, compile_order
from entrepot_connectwise.simulator.grammar import (
    Both,
    Comparison,
    Either,
    GrammarError,
    Not,
    parse,
    render,
)
from entrepot_connectwise.simulator.knobs import Knobs
from entrepot_connectwise.simulator.world import World
from hypothesis import given
from hypothesis import strategies as st

KEYWORDS = {"and", "or", "not", "in", "like", "contains", "true", "false", "null"}
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name.lower() not in KEYWORDS
)
paths = st.lists(names, min_size=1, max_size=3).map(tuple)
numbers = st.decimals(
    allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9
)
moments = st.integers(-(10**9), 4 * 10**9).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
literals = st.one_of(st.text(), numbers, st.booleans(), st.none(), moments)
comparisons = st.one_of(
    st.builds(
        Comparison,
        paths,
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        literals.map(lambda value: (value,)),
    ),
    st.builds(
        Comparison,
        paths,
        st.sampled_from(["contains", "like"]),
        st.text().map(lambda value: (value,)),
        st.booleans(),
    ),
    st.builds(
        Comparison,
        paths,
        st.just("in"),
        st.lists(literals, min_size=1, max_size=4).map(tuple),
        st.booleans(),
    ),
)
trees = st.recursive(
    comparisons,
    lambda parts: st.one_of(
        parts.map(Not),
        st.lists(parts, min_size=2, max_size=3).map(lambda some: Both(tuple(some))),
        st.lists(parts, min_size=2, max_size=3).map(lambda some: Either(tuple(some))),
    ),
    max_leaves=8,
)


@given(trees)
def test_grammar_reads_what_it_writes(tree):
    assert parse(render(tree)) == tree


@given(st.text(max_size=60))
def test_grammar_never_fails_otherwise_than_with_its_own_error(text):
    with contextlib.suppress(GrammarError):
        assert parse(render(parse(text))) == parse(text)


def test_and_binds_closer_than_or():
    tree = parse("a=1 or b=2 and c=3")
    assert isinstance(tree, Either)
    assert isinstance(tree.parts[1], Both)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a=", "a=1 and", "(a=1", "a=1)", "a in 1", "a like 5", "a ~ 1", "a=[x]"],
)
def test_grammar_refuses_broken_text(text):
    with pytest.raises(GrammarError):
        parse(text)


def test_grammar_refuses_endless_nesting():
    with pytest.raises(GrammarError, match="deeply"):
        parse("(" * 500 + "a=1" + ")" * 500)


@pytest.fixture
def world():
    made = World(lambda: datetime(2026, 6, 20, tzinfo=UTC), Knobs())
    add = made.insert
    add("currencies", {"currencyIdentifier": "USD", "name": "USD"}, "x", quiet=True)
    for number, name in enumerate(("Contoso", "Fabrikam", "Ünïcode"), start=1):
        values = {
            "identifier": name,
            "name": f"{name} Inc.",
            "deletedFlag": number == 2,
            "currency": 1,
            "yearEstablished": 1990 + number,
            "_updated": f"2026-06-{10 + number}T12:00:00Z",
        }
        add("companies", values, "jdoe", quiet=True)
    add("agreements", {"name": "A", "company": 2, "_x": 1}, "x", quiet=True)
    return made


def hits(world, text, table="companies"):
    fits = compile_conditions(text, world.resource(table), world)
    return [row["id"] for row in world.rows(table) if fits(row)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('identifier="CONTOSO"', [1]),
        ("identifier='contoso'", [1]),
        ("deletedFlag=False", [1, 3]),
        ("DELETEDFLAG = true", [2]),
        ("id in (1, 3)", [1, 3]),
        ("id not in (1,3)", [2]),
        ("not id = 2 and yearEstablished >= 1992", [3]),
        ('name like "*inc*"', [1, 2, 3]),
        ('name like "%brik%"', [2]),
        ('name not like "Con*"', [2, 3]),
        ('name contains "tos"', [1]),
        ('currency/name = "usd" and id < 3', [1, 2]),
        ("currency/id != null", [1, 2, 3]),
        ("website = null", [1, 2, 3]),
        ("lastUpdated > [2026-06-12]", [2, 3]),
        ("_info/lastUpdated >= [2026-06-12T12:00:00Z]", [2, 3]),
        ('updatedBy="jdoe" and (id=1 or id=2)', [1, 2]),
        ("yearEstablished <> 1992", [1, 3]),
    ],
)
def test_conditions_select_rows(world, text, expected):
    assert hits(world, text) == expected


def test_conditions_follow_references(world):
    assert hits(world, 'company/identifier="Fabrikam"', "agreements") == [1]
    assert hits(world, "company/id=1", "agreements") == []


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        (
            "invoices",
            "invoiceDate=[2026-01-01]",
            "invoiceDate is not a recognized name.",
        ),
        ("companies", "types/name='Client'", "types/name is not a recognized name."),
        ("agreements", 'agreementStatus not like "Canceled"', "Enum value supplied"),
        ("agreements", 'agreementStatus="Dormant"', "Enum value supplied"),
        ("companies", "id='one'", "not valid"),
        ("companies", "dateDeleted='yesterday'", "not a valid date"),
    ],
)
def test_conditions_refuse_what_the_vendor_refuses(world, table, text, message):
    with pytest.raises(GrammarError, match=message):
        hits(world, text, table)


def test_the_day_bug_can_be_reproduced(world):
    assert hits(world, "lastUpdated >= [2026-06-12T12:00:00Z]") == [2, 3]
    world.knobs = world.knobs.changed(date_ge_bug=True)
    assert hits(world, "lastUpdated >= [2026-06-12T12:00:00Z]") == [3]


def test_order_sorts_by_several_fields(world):
    order = compile_order(
        "deletedFlag desc, name asc", world.resource("companies"), world
    )
    assert [row["id"] for row in order(world.rows("companies"))] == [2, 1, 3]
    with pytest.raises(GrammarError):
        compile_order("name sideways", world.resource("companies"), world)


def test_decimal_literals_are_exact():
    node = parse("price = 26.40")
    assert node.values == (Decimal("26.40"),)
