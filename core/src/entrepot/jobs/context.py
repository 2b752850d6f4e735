"""What a job function gets: its steps, its progress, its cancel flag."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from entrepot.jobs import engine
from entrepot.jobs.errors import (
    JobCancelled,
    StepError,
    StepFailed,
    WorkerStopping,
    from_step_data,
    to_step_error,
)
from entrepot.jobs.intent import Effect, EffectResult, Effects
from entrepot.jobs.journal import Journal
from entrepot.jobs.outlast import is_outage
from entrepot.jobs.plain import JsonDict, JsonValue, as_json
from entrepot.jobs.progress import Progress
from entrepot.jobs.units import refuse_inside_unit
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Retryable

if TYPE_CHECKING:
    from entrepot.jobs.facade import Jobs

log = logging.getLogger(__name__)

SLICE_SECONDS = 0.25
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How a step is tried again; the default outlasts a database restart.

    Attributes:
        attempts: Times it is tried in all.
        first: Seconds before the second attempt.
        factor: By which the pause grows.
        when: Which errors are worth another attempt; None: `Retryable` and a lost
            database connection of ours.
    """

    attempts: int = 9
    first: float = 0.5
    factor: float = 2.0
    when: Callable[[Exception], bool] | None = None

    def worth(self, error: Exception) -> bool:
        """Say whether another attempt may help."""
        if self.when is not None:
            return self.when(error)
        return isinstance(error, Retryable) or is_outage(error)

    def pause(self, attempt: int, error: Exception) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (from 1)."""
        planned = self.first * self.factor ** (attempt - 1)
        asked = error.after if isinstance(error, Retryable) else None
        return min(max(planned, asked or 0.0), LONGEST_PAUSE)


ONCE = Retries(attempts=1)
DEFAULT_RETRIES = Retries()


@dataclass(slots=True)
class Surroundings:
    """What an execution takes from its worker.

    Attributes:
        jobs: The facade, for submitting from steps.
        hub: Whatever the application handed to the runtime.
        clock: Time.
        effects: The journal of vendor writes.
        stopping: True once the worker ends.
        fault: Called with the name of each point a crash test may choose.
    """

    jobs: Jobs
    hub: Any
    clock: Clock
    effects: Effects
    stopping: Callable[[], bool] = lambda: False
    fault: Callable[[str], None] = field(default=lambda _name: None)


class JobContext:
    """One execution of one run.

    The job function may only steer: everything that reads a clock, a database, a
    setting or a plugin belongs into a step, since the function runs from its top
    again after a crash and steps then return what they returned before.

    Attributes:
        run_id: The run.
        tenant_id: Its reseller; the system's own for upkeep.
        args: Its arguments.
        outages: How many runs before this one ended with a passing error.
    """

    def __init__(
        self,
        around: Surroundings,
        journal: Journal,
        *,
        run_id: str,
        tenant_id: str,
        args: JsonDict,
        outages: int = 0,
    ) -> None:
        self._around = around
        self._journal = journal
        self._progress = Progress(journal, around.clock)
        self._seen_reread = 0
        self._reads_again = False
        self._checked = -1.0
        self._cancelled = False
        self.run_id = run_id
        self.tenant_id = tenant_id
        self.args = args
        self.outages = outages

    @property
    def hub(self) -> Any:  # noqa: ANN401  # jobs knows nothing of the hub's type
        """What the application handed to the runtime."""
        return self._around.hub

    @property
    def jobs(self) -> Jobs:
        """The facade; submit from steps only."""
        return self._around.jobs

    def step(
        self,
        function: Callable[..., JsonValue],
        *args: Any,  # noqa: ANN401  # the function's own
        name: str | None = None,
        retries: Retries = DEFAULT_RETRIES,
        **kwargs: Any,  # noqa: ANN401  # the function's own
    ) -> Any:  # noqa: ANN401  # JSON is any of its types
        """Run a durable step, or return what it returned before the crash.

        Args:
            function: Re-runnable work: it may be cut off and start again.
            *args: Its arguments.
            name: Stored name; the function's when None. Never renamed.
            retries: When and how often it is tried again.
            **kwargs: Its keyword arguments.

        Returns:
            What the function returned, as plain JSON.

        Raises:
            EntrepotError: The border's error the step ended with.
            StepFailed: It ended with any other error, or the job's steps are not
                those that this run was begun with (`job_changed`).
            NotJson: It returned something that is not plain JSON.
        """
        refuse_inside_unit("step")
        if self._around.stopping():
            raise WorkerStopping(self.run_id)
        title = name or str(getattr(function, "__name__", "step"))
        self.fault(f"step:{title}:before")

        def attempt() -> JsonValue:
            return self._attempts(title, retries, lambda: function(*args, **kwargs))

        try:
            result = engine.run_step(title, attempt)
        except StepError as error:
            raise from_step_data(error.code, str(error), error.data) from error
        except engine.PortableError as error:
            raise from_step_data(str(error.code), str(error), error.data) from error
        except engine.StepsDiffer as error:
            raise StepFailed(
                "job_changed",
                "This run was begun by another version of its job and cannot be "
                "continued by this one; start a new run.",
            ) from error
        self.fault(f"step:{title}:after")
        return result

    def effect(self, effect: Effect, *, name: str | None = None) -> EffectResult:
        """Write to a vendor or PSA effectively once; see `entrepot.jobs.intent`.

        Returns:
            The outcome; `unknown` means that a person must look.

        Raises:
            EntrepotError: The write was certainly not done and may be tried again.
        """
        values = self.step(
            self._run_effect, effect, name=name or f"effect:{effect.action}"
        )
        return EffectResult(**values)

    def progress(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        unit: str | None = None,
        phase: str | None = None,
        message: str | None = None,
    ) -> None:
        """Tell people how far the run is; written at most once a second.

        Args:
            done: Units finished in all phases of this name.
            total: Units expected, when known.
            unit: What is counted: customers, lines.
            phase: What is going on; a new phase counts from its own start.
            message: One short sentence.
        """
        refuse_inside_unit("progress")
        self._progress.tell(
            done=done, total=total, unit=unit, phase=phase, message=message
        )

    def cancelled(self) -> bool:
        """Say whether the run shall stop; looks at most twice a second.

        True when somebody asked for it, and when this worker ends: a long step then
        returns what it has, and `stop_if_cancelled` tells the two apart.
        """
        if self._around.stopping():
            return True
        now = self._around.clock.monotonic()
        if not self._cancelled and now - self._checked >= 2 * SLICE_SECONDS:
            refuse_inside_unit("cancelled")
            self._checked = now
            self._cancelled = self._journal.cancel_requested()
        return self._cancelled

    def stop_if_cancelled(self) -> None:
        """Return unless the run shall stop.

        Raises:
            JobCancelled: Somebody asked for it; let it pass.
            WorkerStopping: This worker ends; the run goes on elsewhere.
        """
        if self._around.stopping():
            raise WorkerStopping(self.run_id)
        if self.cancelled():
            raise JobCancelled(self.run_id)

    def rereads(self) -> list[JsonValue]:
        """Return, as a step, what triggers that joined this run want read again.

        What is not fetched by the time the run ends is given to a follow-up run of
        the same job, so that no trigger is ever lost.
        """
        self._reads_again = True
        found = self.step(self._unread, self._seen_reread, name="rereads")
        self._seen_reread = found["upto"]
        concerns: list[JsonValue] = found["concerns"]
        return concerns

    def patched(self, name: str) -> bool:
        """Say whether to go the new way of a changed job; old runs keep the old."""
        return engine.patched(name)

    def fault(self, name: str) -> None:
        """Mark a point at which a crash test may end the process."""
        self._around.fault(name)

    @property
    def reads_again(self) -> bool:
        """Whether the job looks at requests to read again at all."""
        return self._reads_again

    @property
    def seen_reread(self) -> int:
        """Highest request to read again that the run has fetched."""
        return self._seen_reread

    def unwritten_progress(self) -> dict[str, Any]:
        """Return the progress columns that were not written yet."""
        return self._progress.pending()

    def _unread(self, last_id: int) -> JsonValue:
        found = self._journal.rereads_after(last_id)
        return {
            "upto": max((number for number, _ in found), default=last_id),
            "concerns": [concern for _, concern in found],
        }

    def _run_effect(self, effect: Effect) -> JsonValue:
        self._journal.mark_effects()
        result = self._around.effects.run(
            effect, run_id=self.run_id, tenant_id=self.tenant_id
        )
        return result.as_json()

    def _attempts(
        self, title: str, retries: Retries, work: Callable[[], JsonValue]
    ) -> JsonValue:
        number = 0
        while True:
            number += 1
            try:
                return as_json(work(), f"result of step {title}")
            except Exception as error:  # stored as data, whatever it is
                if self._around.stopping():
                    raise WorkerStopping(self.run_id) from error
                if number >= retries.attempts or not retries.worth(error):
                    raise to_step_error(error) from error
                log.info("step %s of %s is tried again: %s", title, self.run_id, error)
                self._pause(retries.pause(number, error))

    def _pause(self, seconds: float) -> None:
        left = seconds
        while left > 0:
            if self._around.stopping():
                raise WorkerStopping(self.run_id)
            self._around.clock.sleep(min(left, SLICE_SECONDS))
            left -= SLICE_SECONDS
