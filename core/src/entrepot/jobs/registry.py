"""The jobs of this installation, collected at start and handed around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec

from entrepot.jobs.errors import DuplicateJob, UnknownJob
from entrepot.jobs.plain import JsonValue
from entrepot.jobs.queues import BY_NAME

if TYPE_CHECKING:
    from entrepot.jobs.context import JobContext
    from entrepot.jobs.schedules import Schedule

P = ParamSpec("P")
OUTAGE_DELAYS = (60.0, 300.0, 1800.0, 7200.0)
"""The usual schedule for work that must happen although the vendor is away."""

CancelRule = Literal["always", "before_effects"]


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of durable work.

    Attributes:
        name: Stored with every run; never renamed.
        queue: Name of its queue.
        function: Control flow only; everything that reads or writes is a step.
        cancel: "always", or "before_effects": refused once a vendor write began.
        max_attempts: Crashes one run may survive before it is given up.
        outage_delays: Seconds until a run that ended with a passing error is
            continued by a new one, once per entry; empty: it fails at once.
    """

    name: str
    queue: str
    function: Callable[..., JsonValue]
    cancel: CancelRule = "always"
    max_attempts: int = 10
    outage_delays: tuple[float, ...] = ()


class JobRegistry:
    """Job kinds by name. Built once at start; never a module global."""

    def __init__(self) -> None:
        self._kinds: dict[str, JobKind] = {}
        self.upkeep: list[Schedule] = []
        """Rules that every hub has; an operator's own figures for them stay."""

    def job(
        self,
        name: str,
        *,
        queue: str,
        cancel: CancelRule = "always",
        max_attempts: int = 10,
        outage_delays: tuple[float, ...] = (),
    ) -> Callable[
        [Callable[Concatenate[JobContext, P], JsonValue]],
        Callable[Concatenate[JobContext, P], JsonValue],
    ]:
        """Register the decorated function under an explicit name.

        Raises:
            DuplicateJob: The name is taken.
            KeyError: There is no such queue.
        """

        def register(
            function: Callable[Concatenate[JobContext, P], JsonValue],
        ) -> Callable[Concatenate[JobContext, P], JsonValue]:
            self.add(
                JobKind(
                    name=name,
                    queue=queue,
                    function=function,
                    cancel=cancel,
                    max_attempts=max_attempts,
                    outage_delays=outage_delays,
                )
            )
            return function

        return register

    def add(self, kind: JobKind) -> None:
        """Register one kind.

        Raises:
            DuplicateJob: The name is taken.
            KeyError: There is no such queue.
        """
        if kind.name in self._kinds:
            raise DuplicateJob(f"The job name {kind.name!r} is registered twice.")
        if kind.queue not in BY_NAME:
            raise KeyError(f"Job {kind.name!r} names an unknown queue {kind.queue!r}.")
        self._kinds[kind.name] = kind

    def get(self, name: str) -> JobKind:
        """Return the kind of that name.

        Raises:
            UnknownJob: There is none.
        """
        try:
            return self._kinds[name]
        except KeyError:
            raise UnknownJob(f"No job named {name!r} is registered.") from None

    def __iter__(self) -> Iterator[JobKind]:
        return iter(self._kinds.values())

    def __contains__(self, name: object) -> bool:
        return name in self._kinds
