"""The vendor's PATCH dialect and whole-record validation."""

from __future__ import annotations

from decimal import Decimal

import pytest
from entrepot_connectwise.simulator.patching import BadPatch, apply_patch
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def additions():
    from entrepot_connectwise.simulator.resources import ALL_RESOURCES

    return next(one for one in ALL_RESOURCES if one.table == "additions")


def found(table, value):
    return value.get("id") if value.get("id") == 7 else None


ROW = {"id": 1, "quantity": Decimal(10), "product": 5, "cancelledDate": None}


def patch(additions, *changes):
    return apply_patch(additions, ROW, list(changes), found)


@given(
    quantity=st.decimals(allow_nan=False, allow_infinity=False, places=2),
    slash=st.booleans(),
    op=st.sampled_from(["add", "replace"]),
)
def test_patch_sets_one_field_and_nothing_else(additions, quantity, slash, op):
    path = "/quantity" if slash else "quantity"
    new = patch(additions, {"op": op, "path": path, "value": quantity})
    assert new == {**ROW, "quantity": quantity}
    assert ROW["quantity"] == Decimal(10)


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "cancelledDate", "value": None},
        {"op": "remove", "path": "cancelledDate"},
    ],
)
def test_patch_clears_a_date_either_way(additions, change):
    dated = {**ROW, "cancelledDate": "2026-06-30T00:00:00Z"}
    assert apply_patch(additions, dated, [change], found)["cancelledDate"] is None


def test_patch_inside_an_object_is_a_false_success(additions):
    change = {"op": "replace", "path": "product/identifier", "value": "OTHER"}
    assert patch(additions, change) == ROW


def test_patch_of_a_computed_field_is_ignored(additions):
    assert patch(additions, {"op": "replace", "path": "extPrice", "value": 1}) == ROW


def test_patch_replaces_references_as_a_whole(additions):
    change = {"op": "replace", "path": "product", "value": {"id": 7}}
    assert patch(additions, change)["product"] == 7


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "Quantity", "value": 1},
        {"op": "replace", "path": "nothing", "value": 1},
        {"op": "move", "path": "quantity", "value": 1},
        {"op": "replace", "value": 1},
        {"op": "replace", "path": "quantity", "value": "ten"},
        {"op": "replace", "path": "quantity", "value": True},
        {"op": "replace", "path": "billCustomer", "value": "Perhaps"},
        {"op": "replace", "path": "effectiveDate", "value": "2026-06-16T00:00:00.000Z"},
        {"op": "replace", "path": "product", "value": {"id": 99}},
        "quantity=1",
    ],
)
def test_patch_refuses(additions, change):
    with pytest.raises(BadPatch):
        patch(additions, change)


def test_patch_wants_a_list(additions):
    with pytest.raises(BadPatch):
        apply_patch(additions, ROW, {"quantity": 12}, found)


def test_an_old_bad_value_makes_every_change_fail(scene):
    company = scene.simulator.world.row("companies", scene.company)
    scene.simulator.world.mark("companies", company, yearEstablished=1)
    change = [{"op": "replace", "path": "city", "value": "Austin"}]
    answer = scene.request("PATCH", f"company/companies/{scene.company}", json=change)
    assert answer.status_code == 400
    assert answer.json()["code"] == "InvalidObject"
    assert answer.json()["errors"][0]["code"] == "OutOfRange"
    assert answer.json()["errors"][0]["field"] == "yearEstablished"


def test_put_forgets_what_is_not_given(scene):
    path = f"finance/agreements/{scene.agreement}/additions/{scene.line}"
    body = {"product": {"identifier": "M365-BP"}, "billCustomer": "NoCharge"}
    answer = scene.request("PUT", path, json=body)
    assert answer.status_code == 200
    assert answer.json()["quantity"] == 1
    assert "unitPrice" not in answer.json()
