"""A long reading is cut into slices; nothing is asked for twice because of that."""

from __future__ import annotations

from entrepot.hub.sync import steps

MANY = 10**6


def test_what_is_under_way_when_a_slice_ends_is_kept(world, monkeypatch) -> None:
    monkeypatch.setattr(steps, "SLICE_SECONDS", -1.0)
    slices = []
    crawl = world.hub.sync.steps.crawl

    def counted(run, name, *rest):
        slices.append(name)
        return crawl(run, name, *rest)

    monkeypatch.setattr(world.hub.sync.steps, "crawl", counted)
    world.vendor.fill(customers=23, each=2)
    world.vendor.fail_after = MANY
    run = world.crawl()
    assert run.state == "complete"
    assert slices.count("customers") > 1
    assert slices.count("subscriptions") > 1
    pages, scopes = 8, 23
    assert MANY - world.vendor.fail_after == pages + scopes
    assert world.rows("SELECT count(*) FROM subscription") == [(46,)]
    assert run.counts["subscriptions"]["new"] == 46
    assert world.crawl().counts["subscriptions"].get("new", 0) == 0
