"""The queues, as data: who may run how much, how often a worker looks."""

from __future__ import annotations

from dataclasses import dataclass

INTERACTIVE = 1
REQUESTED = 3
SCHEDULED = 5
BACKFILL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSpec:
    """One queue.

    Attributes:
        name: Stored with every run; never renamed.
        per_partition: Runs of one partition at a time, everywhere; None: the queue
            has no partitions.
        per_worker: Runs one worker process takes at a time.
        poll_seconds: How often an idle worker looks. A partition starts at most
            `per_partition / poll_seconds` runs per second.
    """

    name: str
    per_partition: int | None
    per_worker: int
    poll_seconds: float


QUEUES: tuple[QueueSpec, ...] = (
    QueueSpec(name="orders", per_partition=1, per_worker=8, poll_seconds=0.5),
    QueueSpec(name="sync", per_partition=1, per_worker=6, poll_seconds=1.0),
    QueueSpec(name="psa", per_partition=1, per_worker=4, poll_seconds=1.0),
    QueueSpec(name="recon", per_partition=1, per_worker=2, poll_seconds=1.0),
    QueueSpec(name="hooks", per_partition=2, per_worker=16, poll_seconds=0.5),
    QueueSpec(name="mail", per_partition=None, per_worker=2, poll_seconds=2.0),
    # What nobody waits for and may take hours: one at a time, beside all others.
    QueueSpec(name="ahead", per_partition=1, per_worker=1, poll_seconds=2.0),
    QueueSpec(name="upkeep", per_partition=None, per_worker=2, poll_seconds=2.0),
)

BY_NAME: dict[str, QueueSpec] = {queue.name: queue for queue in QUEUES}


def executor_threads(queues: tuple[QueueSpec, ...] = QUEUES) -> int:
    """Threads one worker needs: all its runs plus a few for the engine itself."""
    return sum(queue.per_worker for queue in queues) + 8
