"""Planted tenants and their ground truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from entrepot.sdk.simulator import Options, Seed, SeedNextTerm, build_named
from entrepot_connectwise.simulator import ConnectWiseSimulator, build_simulator
from entrepot_connectwise.simulator.seeding import load_seed
from entrepot_connectwise.simulator.standalone import own_seed


def test_build_simulator_plants_a_tenant_of_its_own():
    simulator = build_named("connectwise", Options(customers=70, seed=5))
    world = simulator.world
    assert len(list(world.rows("companies"))) > 70
    kinds = Counter(row["type"] for row in world.rows("agreements"))
    assert len(kinds) >= 4
    truth = simulator.planted.ground_truth
    assert truth
    assert abs(len(truth) / simulator.planted.lines - 0.08) < 0.02


def test_a_planted_tenant_is_the_same_twice():
    def dump():
        options = Options(
            customers=30, seed=3, start=datetime(2026, 6, 20, tzinfo=UTC), frozen=True
        )
        simulator = build_simulator(options)
        rows = [dict(row) for row in simulator.world.rows("additions")]
        return rows, simulator.planted.ground_truth

    assert dump() == dump()


def test_ground_truth_describes_exactly_what_differs():
    as_of = date(2026, 6, 20)
    seed = Seed.from_json(own_seed(9, 40, 6, as_of).to_json())
    start = datetime(2026, 6, 20, tzinfo=UTC)
    clean, drifted = (
        ConnectWiseSimulator(Options(start=start, frozen=True)) for _ in range(2)
    )
    load_seed(clean, seed, drift=0)
    planted = load_seed(drifted, seed, drift=0.3)
    assert clean.planted.ground_truth == []
    truth = {one["line_id"] for one in planted.ground_truth}

    def rows(simulator):
        return {row["id"]: row for row in simulator.world.rows("additions")}

    before, after = rows(clean), rows(drifted)
    watched = ("quantity", "unitPrice", "unitCost", "billCustomer", "taxableFlag")
    dates = ("effectiveDate", "cancelledDate")
    changed = {
        number
        for number in before.keys() & after.keys()
        for name in (*watched, *dates)
        if before[number].get(name) != after[number].get(name)
    }
    changed |= after.keys() - before.keys()
    gone = before.keys() - after.keys()
    assert changed == truth - {None}
    missing = [one for one in planted.ground_truth if one["kind"] == "line_missing"]
    assert len(gone) == len(missing)
    owner = {row["id"]: row["company"] for row in clean.world.rows("agreements")}
    bought = {(owner[row["agreementId"]], row["product"]) for row in before.values()}
    alone = [one for one in planted.ground_truth if one["kind"] == "orphan_line"]
    assert alone
    assert not any(one["actual"]["cancelledDate"] for one in alone)
    orphans = [(one["company_id"], one["product_id"]) for one in alone]
    assert not bought.intersection(orphans), "the company has it, on any agreement"
    assert {one for _, one in orphans} <= {one for _, one in bought}, "it is sold"


def test_a_wrong_cost_shows_only_where_the_vendor_tells_costs():
    seed = own_seed(9, 40, 6, date(2026, 6, 20))
    legacy = tuple(replace(one, is_legacy=True) for one in seed.offers)
    for offers, shown in (
        (seed.offers, "always"),
        (legacy, "the vendor tells the cost"),
    ):
        simulator = ConnectWiseSimulator(
            Options(start=datetime(2026, 6, 20, tzinfo=UTC), frozen=True)
        )
        planted = load_seed(simulator, replace(seed, offers=offers), drift=0.3)
        costs = [one for one in planted.ground_truth if one["kind"] == "cost_wrong"]
        assert {one["visible_when"] for one in costs} == {shown}


def test_seed_files_are_planted(tmp_path):
    path = tmp_path / "seed.json"
    own_seed(2, 12, 3, date(2026, 6, 20)).save(path)
    simulator = build_simulator(Options(seed_file=path, extra={"drift": "0"}))
    assert len(simulator.planted.companies) == 12
    assert simulator.planted.ground_truth == []


def test_agreed_next_terms_are_lines_of_their_own():
    as_of = date(2026, 6, 20)
    seed = own_seed(4, 6, 4, as_of)
    sold = next(one for one in seed.subscriptions if one.billed and one.unit_cost > 0)
    coming = SeedNextTerm(
        start=date(2026, 7, 10),
        term="P3Y",
        billing_cycle="triennial",
        quantity=7,
        unit_cost=Decimal(300),
        unit_price=Decimal(360),
    )
    ending = replace(sold, sku="X", end=date(2026, 7, 9), following=coming)
    waiting = replace(sold, vendor_id="w", sku="Y", status="pending")
    simulator = ConnectWiseSimulator(
        Options(start=datetime(2026, 6, 20, tzinfo=UTC), frozen=True)
    )
    planted = load_seed(
        simulator, replace(seed, subscriptions=(ending, waiting)), drift=1
    )
    now = planted.products["X", sold.term, sold.billing_cycle]
    later = planted.products["X", "P3Y", "triennial"]
    rows = {row["product"]: row for row in simulator.world.rows("additions")}
    assert "cancelledDate" in rows[now]
    assert rows[later]["effectiveDate"] == "2026-07-10T00:00:00Z"
    assert (rows[later]["quantity"], rows[later]["unitPrice"]) == (7, 120)
    assert simulator.world.row("catalog", later)["price"] == 120, "a third each year"
    assert {one["sku"] for one in planted.ground_truth} == {"X"}
    assert later not in {one["product_id"] for one in planted.ground_truth}
    assert not any(sku == "Y" for sku, _, _ in planted.products)


def test_switches_come_from_options_and_are_checked(scene):
    simulator = ConnectWiseSimulator(Options(extra={"cloud": "no", "company": "acme"}))
    assert simulator.world.knobs.codebase == "v4_6_release/"
    assert simulator.world.knobs.company == "acme"
    with pytest.raises(Exception, match="unknown switch"):
        scene.control.act("configure", nonsense=True)
