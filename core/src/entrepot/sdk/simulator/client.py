"""Typed client of a simulator's control endpoint, for tests and the CLI."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import requests

from entrepot.sdk.simulator.control import CONTROL_PREFIX, TOKEN_HEADER


class ControlError(Exception):
    """The control endpoint refused; the text says why."""


class ControlClient:
    """Talks to ``/__control__/`` of a simulator.

    Args:
        base_url: Where the simulator answers.
        token: Control token, when the simulator was started with one.
        timeout: Seconds to wait for an answer.
    """

    def __init__(
        self, base_url: str, token: str | None = None, timeout: float = 30.0
    ) -> None:
        self._root = base_url.rstrip("/") + CONTROL_PREFIX
        self._headers = {} if token is None else {TOKEN_HEADER: token}
        self._timeout = timeout

    def health(self) -> dict[str, Any]:
        """``{"status": "ok", "name": …}``; raises when nothing answers."""
        return self._call("GET", "health")

    def state(self) -> dict[str, Any]:
        """The simulator's state in numbers."""
        return self._call("GET", "state")

    def now(self) -> datetime:
        """The vendor's present moment."""
        return datetime.fromisoformat(self._call("GET", "clock")["now"])

    def advance(self, step: timedelta) -> datetime:
        """Move the vendor's clock on and return its new moment."""
        body = {"advance_seconds": step.total_seconds()}
        return datetime.fromisoformat(self._call("POST", "clock", body)["now"])

    def set_clock(self, moment: datetime, *, frozen: bool | None = None) -> datetime:
        """Show ``moment``; stop or start the clock when ``frozen`` is given."""
        body: dict[str, Any] = {"set": moment.isoformat()}
        if frozen is not None:
            body["frozen"] = frozen
        return datetime.fromisoformat(self._call("POST", "clock", body)["now"])

    def add_fault(self, kind: str, /, **fields: object) -> int:
        """Plan a fault (fields of ``Fault``) and return its id."""
        return int(self._call("POST", "faults", {"kind": kind, **fields})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Planned faults with their counters, oldest first."""
        return list(self._call("GET", "faults")["faults"])

    def clear_faults(self, fault_id: int | None = None) -> None:
        """Forget one fault, or all of them."""
        tail = "" if fault_id is None else f"/{fault_id}"
        self._call("DELETE", f"faults{tail}")

    def counters(self) -> dict[str, Any]:
        """Request counters: total, per route, per status, most in flight."""
        return dict(self._call("GET", "requests?limit=0")["counters"])

    def requests(self, limit: int = 200) -> list[dict[str, Any]]:
        """The latest requests, oldest first."""
        return list(self._call("GET", f"requests?limit={limit}")["recent"])

    def reset_requests(self) -> None:
        """Count requests from zero."""
        self._call("DELETE", "requests")

    def actions(self) -> dict[str, str]:
        """Names of the vendor's actions with their help texts."""
        return self._call("GET", "actions")

    def act(self, name: str, /, **arguments: object) -> dict[str, Any]:
        """Do something at the vendor (``add_seats`` …) and return its answer."""
        return self._call("POST", f"actions/{name}", arguments)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        response = requests.request(
            method,
            self._root + path,
            json=body,
            headers=self._headers,
            timeout=self._timeout,
        )
        answer = response.json()
        if response.status_code != 200:
            raise ControlError(answer.get("error", f"HTTP {response.status_code}"))
        return dict(answer) if isinstance(answer, dict) else {"result": answer}
