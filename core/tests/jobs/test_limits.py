"""Limits and priority with three workers on PostgreSQL."""

import pytest
from entrepot.jobs import RunQuery

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True),
]

PARTITIONS = 8
RUNS = 200


def test_one_run_per_connection_by_priority_each_exactly_once(
    child, jobs, submit, eventually, samples, book, tenant_scope
):
    with jobs.store.unit(tenant_scope) as session:
        for number in range(RUNS):
            jobs.submit(
                session,
                "slow",
                run_id=f"r{number:03}",
                args={"path": f"{book}.{number % PARTITIONS}", "seconds": 0.01},
                partition=f"con_{number % PARTITIONS}",
                priority=8 if number < RUNS // 2 else 1,
            )
    for _ in range(3):
        child("worker", "lease=10")
    query = RunQuery(states=("succeeded",), limit=500)
    eventually(lambda: len(jobs.runs.list(tenant_scope, query).items) == RUNS, 120)
    lines = [samples.notes(f"{book}.{number}") for number in range(PARTITIONS)]
    begun = [line.split()[1] for part in lines for line in part[::2]]
    assert sorted(begun) == [f"r{number:03}" for number in range(RUNS)]
    for part in lines:
        # Never two at a time: each begin is followed by its own end.
        assert [line.split() for line in part[::2]] == [
            ["begin", line.split()[1]] for line in part[1::2]
        ]
        order = [int(line.split()[1][1:]) >= RUNS // 2 for line in part[::2]]
        assert order == sorted(order, reverse=True)
    executors = {run.executor for run in jobs.runs.list(tenant_scope, query).items}
    assert len(executors) >= 2
