"""Lease and reaper without an engine: who counts as dead, and when."""

import time

import pytest
from entrepot.jobs.lease import LeaseKeeper, Reaper, workers
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
def keeper(settings):
    """A worker's lease; being lost is only noted."""
    kept = []

    def make(name: str, ttl: float = 1.0):
        lost = []
        made = LeaseKeeper(settings, name, "1", ttl=ttl, on_lost=lambda: lost.append(1))
        made.lost = lost
        kept.append(made)
        return made

    yield make
    for made in kept:
        made.stop()


def test_lease_lives_by_its_heartbeat(keeper, store, eventually):
    one = keeper("one")
    one.start()
    with store.engine.connect() as connection:
        (first,) = workers(connection)
    assert (first.executor_id, first.living) == ("one", True)
    time.sleep(1.5)
    assert one.lease_is_mine()
    assert one.lost == []
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM worker_lease"))
    eventually(lambda: one.lost)
    assert not one.lease_is_mine()


def test_reaper_waits_until_it_has_been_sound_itself(keeper, store):
    one = keeper("one", ttl=1.0)
    one.start()
    recovered = []
    reaper = Reaper(store.engine, one, lambda: {"one", "ghost"}, _counting(recovered))
    assert reaper.reap() == 0
    time.sleep(1.1)
    assert reaper.reap() == 1
    assert recovered == [["ghost"]]
    assert reaper.recovered == 1


def test_own_outage_postpones_the_judgement_of_others(keeper, store):
    one = keeper("one", ttl=1.0)
    one.start()
    time.sleep(1.1)
    good = one._engine
    one._engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    one._beat()
    assert one.sound_for() == 0.0
    with pytest.raises(OperationalError):
        one.lease_is_mine(give_up=lambda: True)
    one._engine.dispose()
    one._engine = good
    one._beat()
    reaper = Reaper(store.engine, one, lambda: {"ghost"}, _counting([]))
    assert reaper.reap() == 0


def test_expired_lease_is_removed_and_a_young_one_is_not(keeper, store):
    one, two = keeper("one"), keeper("two")
    one.start()
    two.start()
    two._stop.set()
    time.sleep(1.3)
    recovered = []
    reaper = Reaper(store.engine, one, lambda: {"one", "two"}, _counting(recovered))
    reaper.reap()
    assert recovered == [["two"]]
    with store.engine.connect() as connection:
        assert [item.executor_id for item in workers(connection)] == ["one"]


def _counting(into: list):
    def recover(dead: list[str]) -> int:
        into.append(dead)
        return len(dead)

    return recover
