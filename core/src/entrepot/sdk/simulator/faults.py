"""Faults a simulated vendor can be told to commit, and when."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KINDS: Mapping[str, str] = {
    "latency": "wait `seconds`, then answer as usual",
    "rate_limited": "429; with Retry-After when `retry_after` is given",
    "status": "answer `status` (500, 502, 503 …) without doing anything",
    "reset": "close the connection with a reset before doing anything",
    "slow_body": "send the body in small pieces over `seconds`",
    "truncated": "announce the whole body, send a part of it, then close",
    "repeated_page": "serve the page before the asked one once more",
    "missing_page": "leave the asked page out and serve the one after it",
    "reordered_page": "turn the order of a JSON page's items around",
    "repeated_item": "list the first item of a JSON page once more at its end",
    "exact_amount": "write `value` in place of every amount (see `amount_fields`)",
    "token_expiry": "access tokens issued so far are refused from now on",
    "unknown_enum": "write `value` (a word nobody knows) in place of an enum",
    "timeout_after_commit": "do the work, then be silent for `seconds` and reset",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault and the requests it applies to.

    Attributes:
        kind: A key of ``KINDS``.
        method: Regular expression for the method; empty matches all.
        path: Regular expression searched in the path; empty matches all.
        skip: Number of matching requests to leave alone first.
        count: Number of requests to hit afterwards; 0 means all of them.
        seconds: Length of a pause.
        status: HTTP status for ``status``.
        retry_after: Seconds (or text) for the header; ``None`` sends none.
        value: Text for ``unknown_enum`` and ``exact_amount``.
        id: Given by the plan.
        matched: Requests that matched so far.
        fired: Requests that were really hit so far.
    """

    kind: str
    method: str = ""
    path: str = ""
    skip: int = 0
    count: int = 1
    seconds: float = 0.0
    status: int = 500
    retry_after: str | None = None
    value: str = "a_value_from_the_future"
    id: int = 0
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        """Refuse kinds nobody implements and expressions that don't compile."""
        if self.kind not in KINDS:
            raise ValueError(f"kind: unknown fault {self.kind!r}; one of {list(KINDS)}")
        re.compile(self.method)
        re.compile(self.path)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Fault:
        """Build a fault from JSON.

        Raises:
            ValueError: If a field is unknown or has a wrong value.
        """
        allowed = {f.name for f in fields(cls)} - {"id", "matched", "fired"}
        unknown = sorted(set(data) - allowed)
        if unknown or "kind" not in data:
            raise ValueError(
                f"fault: unknown fields {unknown}; give kind and any of {allowed}"
            )
        values = dict(data)
        if values.get("retry_after") is not None:
            values["retry_after"] = str(values["retry_after"])
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """All fields, for the control endpoint."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def hits(self, method: str, path: str) -> bool:
        """Count a request and tell whether this fault strikes it."""
        if self.count and self.fired >= self.count:
            return False
        if not re.fullmatch(self.method or ".*", method, re.I):
            return False
        if not re.search(self.path, path):
            return False
        self.matched += 1
        if self.matched <= self.skip:
            return False
        self.fired += 1
        return True


@dataclass(slots=True)
class Struck:
    """The faults that strike one request, by kind."""

    faults: dict[str, Fault] = field(default_factory=dict)

    def get(self, kind: str) -> Fault | None:
        """The fault of that kind, or ``None``."""
        return self.faults.get(kind)

    def __bool__(self) -> bool:
        return bool(self.faults)


class FaultPlan:
    """All planned faults of one simulator. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: dict[int, Fault] = {}

    def add(self, fault: Fault) -> Fault:
        """Plan ``fault`` and return it with its id."""
        with self._lock:
            fault.id = next(self._ids)
            self._faults[fault.id] = fault
            return fault

    def remove(self, fault_id: int) -> bool:
        """Forget one fault; ``False`` when there is none of that id."""
        with self._lock:
            return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def list(self) -> tuple[Fault, ...]:
        """All faults with their counters, oldest first."""
        with self._lock:
            return tuple(self._faults.values())

    def strike(self, method: str, path: str) -> Struck:
        """The faults that hit this request; counts it."""
        if not self._faults:
            return Struck()
        with self._lock:
            hit = [f for f in self._faults.values() if f.hits(method, path)]
        return Struck({f.kind: f for f in hit})
