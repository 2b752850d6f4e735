"""The control endpoint: what a tester does that no vendor's API offers."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from werkzeug.wrappers import Request, Response

from entrepot.sdk.simulator.faults import KINDS, Fault

if TYPE_CHECKING:
    from entrepot.sdk.simulator.base import Simulator

CONTROL_PREFIX = "/__control__/"
TOKEN_HEADER = "X-Control-Token"  # noqa: S105 - the name of a header


class ControlEndpoint:
    """Answers everything under ``/__control__/`` of one simulator.

    =======  =====================  =========================================
    GET      ``health``             ``{"status": "ok", "name": …}``
    GET      ``state``              the state in numbers
    GET      ``clock``              ``{"now": …, "frozen": …}``
    POST     ``clock``              any of ``advance_seconds``, ``set``,
                                    ``frozen``
    GET      ``faults``             planned faults and the kinds there are
    POST     ``faults``             plan one; the answer has its id
    DELETE   ``faults[/<id>]``      forget all, or one
    GET      ``requests``           counters and the latest requests
    DELETE   ``requests``           count from zero
    GET      ``actions``            names and help texts
    POST     ``actions/<name>``     do it, JSON body = its arguments
    =======  =====================  =========================================
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._table: dict[tuple[str, str], Callable[[Request, str], object]] = {
            ("GET", "health"): self._health,
            ("GET", "state"): self._state,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._drop_faults,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): self._reset_requests,
            ("GET", "actions"): self._actions,
            ("POST", "actions"): self._act,
        }

    def answer(self, request: Request) -> Response:
        """Answer one control request."""
        wanted = self._simulator.options.control_token
        given = request.headers.get(TOKEN_HEADER, "")
        if wanted is not None and not hmac.compare_digest(wanted, given):
            return _json({"error": f"give the control token in {TOKEN_HEADER}"}, 401)
        head, _, tail = request.path[len(CONTROL_PREFIX) :].strip("/").partition("/")
        function = self._table.get((request.method, head))
        if function is None:
            known = sorted(f"{m} {n}" for m, n in self._table)
            return _json({"error": f"unknown control request; known: {known}"}, 404)
        try:
            return _json(function(request, tail))
        except (ValueError, TypeError, LookupError, msgspec.MsgspecError) as error:
            return _json({"error": str(error), "kind": type(error).__name__}, 400)

    def _health(self, request: Request, tail: str) -> object:
        del request, tail
        return {"status": "ok", "name": self._simulator.name}

    def _state(self, request: Request, tail: str) -> object:
        del request, tail
        with self._simulator.lock:
            return self._simulator.summary()

    def _clock(self, request: Request, tail: str) -> object:
        del request, tail
        clock = self._simulator.clock
        return {"now": clock.now().isoformat(), "frozen": clock.frozen}

    def _move_clock(self, request: Request, tail: str) -> object:
        body = _body(request)
        clock = self._simulator.clock
        if "frozen" in body:
            clock.freeze(bool(body["frozen"]))
        if "set" in body:
            clock.set(datetime.fromisoformat(body["set"]))
        if "advance_seconds" in body:
            clock.advance(timedelta(seconds=float(body["advance_seconds"])))
        with self._simulator.lock:
            self._simulator.settle()
        return self._clock(request, tail)

    def _faults(self, request: Request, tail: str) -> object:
        del request, tail
        planned = [f.as_json() for f in self._simulator.faults.list()]
        return {"faults": planned, "kinds": dict(KINDS)}

    def _add_fault(self, request: Request, tail: str) -> object:
        del tail
        return self._simulator.faults.add(Fault.parse(_body(request))).as_json()

    def _drop_faults(self, request: Request, tail: str) -> object:
        del request
        if not tail:
            self._simulator.faults.clear()
            return {"cleared": True}
        if not self._simulator.faults.remove(int(tail)):
            raise LookupError(f"no fault has the id {tail}")
        return {"cleared": True}

    def _requests(self, request: Request, tail: str) -> object:
        del tail
        limit = int(request.args.get("limit", "200"))
        counters = self._simulator.log.counters()
        counters["refused_by_quota"] = self._simulator.throttle.refused
        return {"counters": counters, "recent": self._simulator.log.recent(limit)}

    def _reset_requests(self, request: Request, tail: str) -> object:
        del request, tail
        self._simulator.log.reset()
        return {"cleared": True}

    def _actions(self, request: Request, tail: str) -> object:
        del request, tail
        known = self._simulator.actions.items()
        return {name: (function.__doc__ or "").strip() for name, function in known}

    def _act(self, request: Request, tail: str) -> object:
        function = self._simulator.actions.get(tail)
        if function is None:
            known = sorted(self._simulator.actions)
            raise LookupError(f"no action is called {tail!r}; there are {known}")
        with self._simulator.lock:
            return function(**_body(request))


def _body(request: Request) -> dict[str, Any]:
    data = request.get_data()
    body = msgspec.json.decode(data) if data else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


def _json(payload: object, status: int = 200) -> Response:
    body = payload if isinstance(payload, Mapping | list) else {"result": payload}
    return Response(
        msgspec.json.encode(body), status=status, mimetype="application/json"
    )
