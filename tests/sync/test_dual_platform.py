"""Somebody else changes the same subscriptions: the vendor's last value wins.

What the hub would order is played as a foreign change at the vendor.
"""

from __future__ import annotations

import pytest

SEQUENCES = {
    "D1": [1, 2, 1],
    "D2": [5, 6, 5],
    "D3": [9, 10, 6],
    "D4": [9, 10, 11, 7, 10],
}


def buy(world, quantity):
    bought = world.vendor.control.act("new_subscription", quantity=quantity)
    return bought["customer"], bought["subscription"]


def push(world, sub, quantity):
    """An absolute number is pushed, whatever the vendor holds."""
    customer, subscription = sub
    world.vendor.control.act(
        "set_quantity", customer=customer, subscription=subscription, quantity=quantity
    )


def facts(world, sub):
    """Quantities that the hub learnt, with the moment, oldest first."""
    return world.rows(
        "SELECT f.known_at, f.quantity / 10000000000 FROM subscription_fact f "
        "JOIN subscription s ON s.id = f.object_id "
        f"WHERE s.vendor_id = '{sub[1]}' ORDER BY f.known_at"
    )


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_hub_shows_what_the_vendor_holds(world, name):
    world.sync(world.vendor)
    first, *rest = SEQUENCES[name]
    sub = buy(world, first)
    world.sync(world.vendor, "incremental")
    assert world.bought()[sub[1]] == first
    for quantity in rest:
        push(world, sub, quantity)
        run = world.sync(world.vendor, "incremental")
        assert run.state == "complete"
        assert world.bought()[sub[1]] == quantity == world.sold()[sub[1]]
    assert [int(quantity) for _, quantity in facts(world, sub)] == SEQUENCES[name]
    # Reading everything says the same and writes nothing.
    again = world.sync(world.vendor).counts["subscriptions"]
    assert again.get("changed", 0) == again.get("new", 0) == 0


def test_d8_a_platform_that_pushes_every_night_is_visible_in_the_facts(world):
    world.sync(world.vendor)
    sub = buy(world, 10)
    for quantity in (10, 9, 10, 9):
        push(world, sub, quantity)
        world.sync(world.vendor, "incremental")
        world.tick(hours=5)
    assert [int(quantity) for _, quantity in facts(world, sub)] == [10, 9, 10, 9]
