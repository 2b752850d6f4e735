"""The clock: turns due ticks into submitted runs. It never runs work itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.base import BaseExecutor  # type: ignore[import-untyped]  # ships no types
from apscheduler.job import Job  # type: ignore[import-untyped]  # ships no types
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]  # ships no types

from entrepot.jobs.outlast import outlast
from entrepot.jobs.schedules import Schedule, Schedules

log = logging.getLogger(__name__)

RELOAD_SECONDS = 30.0
CATCH_UP_SECONDS = 3600.0
MISFIRE_SECONDS = 300


class EnqueueExecutor(BaseExecutor):  # type: ignore[misc]  # untyped library
    """Submits a run for each due tick instead of calling anything.

    Args:
        submit: Called with the rule's id and the tick's time.
    """

    def __init__(self, submit: Callable[[str, datetime], None]) -> None:
        super().__init__()
        self._submit = submit

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        try:
            for due in run_times:
                self._submit(job.id, due.astimezone(UTC))
            self._run_job_success(job.id, [])
        except Exception as error:  # noqa: BLE001  # a tick must not stop the clock
            self._run_job_error(job.id, error)


def _never_called() -> None:
    """Stand for the job's function, which the executor above does not call."""


class Clock:
    """The schedules of one database, ticking in this process.

    Every replica computes the same ticks, and a tick's run id is accepted once.

    Args:
        schedules: The rules.
        reload_seconds: How soon a changed rule is noticed.
    """

    def __init__(
        self, schedules: Schedules, *, reload_seconds: float = RELOAD_SECONDS
    ) -> None:
        self._schedules = schedules
        self._reload_seconds = reload_seconds
        self._known: dict[str, Schedule] = {}
        self._version = -1
        self._stop = threading.Event()
        # It would tell of every rule it loads; what a tick does is logged below.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": EnqueueExecutor(self._tick)},
            job_defaults={
                "coalesce": True,
                "misfire_grace_time": MISFIRE_SECONDS,
                "max_instances": 1,
            },
        )
        self._thread = threading.Thread(
            target=self._keep_current, name="clock", daemon=True
        )

    def start(self) -> None:
        """Load the rules, submit what was missed, and begin to tick."""
        self._reload()
        self._scheduler.start()
        self._schedules.catch_up()
        self._thread.start()

    def stop(self) -> None:
        """Stop ticking; no tick is under way afterwards."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _keep_current(self) -> None:
        rounds = 0
        every = max(1, round(CATCH_UP_SECONDS / self._reload_seconds))
        while not self._stop.wait(self._reload_seconds):
            rounds += 1
            try:
                self._reload()
                if rounds % every == 0:
                    self._schedules.catch_up()
            except Exception as error:  # noqa: BLE001  # the next round tries again
                log.warning("The schedules could not be read: %s", error)

    def _reload(self) -> None:
        version = self._schedules.version()
        if version == self._version:
            return
        wanted = {rule.id: rule for rule in self._schedules.rules() if rule.enabled}
        for gone in set(self._known) - set(wanted):
            self._scheduler.remove_job(gone)
        for rule_id, rule in wanted.items():
            self._scheduler.add_job(
                _never_called, rule.trigger(), id=rule_id, replace_existing=True
            )
        self._known, self._version = wanted, version

    def _tick(self, rule_id: str, due: datetime) -> None:
        rule = self._known.get(rule_id)
        if rule is None:
            return
        ref = outlast(
            lambda: self._schedules.submit_tick(rule, due),
            patience=MISFIRE_SECONDS / 10,
            give_up=self._stop.is_set,
        )
        log.info("tick %s %s %s", rule_id, ref.run_id, "joined" if ref.joined else "")
