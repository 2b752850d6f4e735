"""An incremental run reads what changed, and writes nothing for what did not."""

from __future__ import annotations

from entrepot.hub.sync.intake import RunInfo


def fact_rows(world):
    return [
        world.one(f"SELECT count(*) FROM {table}")
        for table in ("subscription_fact", "customer_account_fact", "psa_line_fact")
    ]


def stamps(world, table):
    return sorted(world.rows(f"SELECT id, row_hash, known_at FROM {table}"))


def test_the_change_feed_reads_only_what_changed(world):
    vendor = world.vendor
    world.sync(vendor)
    vendor.control.reset_requests()
    assert world.sync(vendor, "incremental").state == "complete"
    assert vendor.asked("/v1/customers") == []
    assert vendor.asked("/auditrecords") != []
    changed = vendor.control.act("set_quantity", quantity=44, force=True)
    vendor.control.reset_requests()
    run = world.sync(vendor, "incremental")
    assert run.state == "complete"
    assert run.counts["refreshed"]["changed"] == 1
    asked = vendor.asked("/v1/customers")
    assert asked
    assert all(changed["customer"] in path for path in asked)
    assert len(asked) <= 6
    assert world.agree(vendor)


def test_a_followed_feed_proves_what_was_complete(world):
    vendor = world.vendor

    def as_of():
        return dict(
            world.rows(
                "SELECT stream, max(complete_at) FROM sync_scope "
                "WHERE scope = '' GROUP BY stream"
            )
        )

    world.sync(vendor)
    first = as_of()
    world.tick(hours=3)
    run = world.sync(vendor, "incremental")
    followed = as_of()
    later = {stream for stream in first if followed[stream] > first[stream]}
    assert later == {"customers", "subscriptions"}, (
        "no word about offers proves nothing"
    )
    moment = world.hub.sync.last_complete(world.actor, vendor.connection.id)
    assert moment < run.started_at, "the oldest stream counts"
    # A customer that cannot be read is left out; the others are proven again.
    changed = vendor.control.act("set_quantity", quantity=45, force=True)
    path = f"/{changed['customer']}/subscriptions$"
    fault = vendor.control.add_fault("status", status=403, path=path, count=0)
    assert world.sync(vendor, "incremental").state == "incomplete"
    vendor.control.clear_faults(fault)
    assert as_of()["subscriptions"] > followed["subscriptions"]
    failed = world.rows(
        "SELECT complete, complete_at FROM sync_scope WHERE stream = 'subscriptions' "
        f"AND scope = '{changed['customer']}'"
    )
    assert [(bool(one[0]), one[1]) for one in failed] == [(False, None)]
    # The last word: everything was read again.
    assert world.sync(vendor, "incremental").state == "complete"
    assert world.agree(vendor)


def test_a_comparison_of_the_psa_writes_what_changed_only(both):
    psa = both.psa
    both.sync(psa)
    tables = ("psa_line", "psa_agreement", "psa_company", "psa_product", "contact")
    before = [stamps(both, table) for table in tables]
    facts = fact_rows(both)
    run = both.sync(psa, "incremental")
    assert run.state == "complete"
    assert [stamps(both, table) for table in tables] == before
    assert fact_rows(both) == facts
    line = sorted(both.billed())[3]
    psa.control.act("edit_line", id=int(line), quantity=55)
    run = both.sync(psa, "incremental")
    assert run.counts["lines"]["changed"] == 1
    assert sum(fact_rows(both)) == sum(facts) + 1
    changed = set(stamps(both, "psa_line")) ^ set(before[0])
    assert len({row[0] for row in changed}) == 1


def test_one_company_is_read_with_its_lines_and_nothing_else(both):
    psa = both.psa
    both.sync(psa)
    line, agreement = both.rows(
        "SELECT vendor_id, agreement_vendor_id FROM psa_line ORDER BY vendor_id"
    )[0]
    company = both.one(
        f"SELECT company_vendor_id FROM psa_agreement WHERE vendor_id = '{agreement}'"
    )
    psa.control.act("edit_line", id=int(line), quantity=77)
    psa.control.reset_requests()
    run = both.sync(psa, "customer", company)
    assert run.state == "complete"
    assert both.lines()[line] == 77
    assert psa.control.counters()["total"] <= 12
    assert both.agree(psa)
    # A full reading after it has nothing to write.
    again = both.sync(psa)
    assert again.counts["lines"].get("changed", 0) == 0


def test_two_listings_or_a_direct_read_decide_what_is_over(both):
    psa = both.psa
    both.sync(psa)
    line = sorted(both.billed())[2]
    psa.control.act("delete_line", id=int(line))
    run = both.sync(psa)
    assert run.counts["lines"]["gone"] == 1, "read directly, not found"
    assert both.agree(psa)
    # An agreement cannot be read directly: the second listing without it decides.
    world = psa.simulator.world
    agreement = both.one("SELECT max(vendor_id) FROM psa_agreement")
    row = world.row("agreements", int(agreement))
    world.tables["agreements"].remove(row)
    first = both.sync(psa)
    query = f"SELECT gone_at IS NULL FROM psa_agreement WHERE vendor_id = '{agreement}'"
    assert both.one(query)
    assert first.state == "incomplete"
    assert "the next reading decides" in first.incomplete_reason
    both.sync(psa)
    assert not both.one(query)
    # And back again.
    world.tables["agreements"].put(row)
    both.sync(psa)
    assert both.one(query)


def test_joined_and_split_accounts_keep_their_subscriptions(world):
    hub, actor, vendor = world.hub, world.actor, world.vendor
    world.sync(vendor)
    rows = world.rows("SELECT id, customer_id, vendor_id FROM customer_account")
    (first, one, _), (second, two, moved) = rows[0], rows[1]
    per = (
        "SELECT count(*) FROM subscription WHERE account_id = '{}' AND gone_at IS NULL"
    )
    before = world.one(per.format(second))
    hub.customers.merge(actor, one, two, why="the same company")
    world.sync(vendor)
    owner = f"SELECT customer_id FROM customer_account WHERE id = '{second}'"
    assert world.one(owner) == one
    assert world.one(per.format(second)) == before
    sub = vendor.control.act("new_subscription", customer=moved, quantity=2)
    world.sync(vendor, "incremental")
    assert world.one(per.format(second)) == before + 1
    assert world.one(owner) == one
    assert sub["subscription"] in world.bought()
    hub.customers.split(actor, second, why="another company after all")
    world.sync(vendor)
    assert world.one(owner) != one
    assert world.one(per.format(second)) == before + 1
    assert world.agree(vendor)
    assert first != second


def test_a_run_that_was_cut_off_leaves_no_checkpoint_for_ever(world):
    world.sync(world.vendor)
    steps = world.hub.sync.steps
    cut = RunInfo("cut", world.actor.tenant_id, world.vendor.connection.id)
    steps.open_run(cut, "full", "", "crawl", "test")
    steps.crawl(cut, "customers", "", lambda *_: None, lambda: True)
    assert world.one("SELECT count(*) FROM sync_checkpoint") == 1
    assert world.sync(world.vendor).complete
    assert world.one("SELECT count(*) FROM sync_checkpoint") == 0
