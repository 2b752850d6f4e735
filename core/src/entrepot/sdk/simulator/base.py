"""What every vendor simulator is made of.

A simulator is a WSGI application with a state, a clock of its own, a request
log, planned faults, a throttle, and a control endpoint under ``/__control__/``
that no vendor's paths can meet. A vendor's simulator subclasses ``Simulator``,
adds its routes and actions in ``__init__`` and overrides the hooks.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from entrepot.sdk.simulator.clock import VirtualClock
from entrepot.sdk.simulator.control import CONTROL_PREFIX, ControlEndpoint
from entrepot.sdk.simulator.faults import FaultPlan, Struck
from entrepot.sdk.simulator.options import Options
from entrepot.sdk.simulator.quota import Quota, Throttle
from entrepot.sdk.simulator.requestlog import RequestLog
from entrepot.sdk.simulator.server import WIRE, Environ, RunningServer, Wire
from entrepot.sdk.simulator.spoil import spoil

Handler = Callable[..., Response]
Action = Callable[..., Any]
STRUCK = "entrepot.struck"


def json_response(
    payload: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer; ``bytes`` are taken as JSON that is encoded already."""
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    response = Response(body, status=status, mimetype="application/json")
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that answers at ``base_url``."""

    simulator: Simulator
    base_url: str
    server: RunningServer


class Simulator:
    """Base of all vendor simulators.

    Attributes:
        name: The vendor's short name, as in the entry point.
        quotas: Per profile, the quota of each key kind.
        amount_fields: Names of the JSON members that hold amounts, for the fault
            ``exact_amount``; a vendor that tells amounts otherwise implements it.
    """

    name: ClassVar[str] = "simulator"
    quotas: ClassVar[Mapping[str, Mapping[str, Quota]]] = {}
    amount_fields: ClassVar[Collection[str]] = ()

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.clock = VirtualClock(self.options.start, frozen=self.options.frozen)
        self.random = random.Random(self.options.seed)  # noqa: S311 - not for secrets
        self.lock = threading.RLock()
        self.faults = FaultPlan()
        self.log = RequestLog()
        self.throttle = Throttle(self.quotas.get(self.options.quota, {}))
        self.base_url = "http://simulator.invalid"
        self._map = Map(strict_slashes=False)
        self._handlers: dict[str, Handler] = {}
        self._actions: dict[str, Action] = {}
        self._control = ControlEndpoint(self)
        self.action("connection_settings", self.connection_settings)

    # What a subclass calls ------------------------------------------------

    @property
    def routes(self) -> tuple[tuple[str, str], ...]:
        """What the vendor serves: method and path of each operation."""
        return tuple(
            (method, rule.rule)
            for rule in self._map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD"})
        )

    def route(self, methods: str, path: str, handler: Handler) -> None:
        """Serve ``path`` (werkzeug syntax) with ``handler(request, **values)``.

        Args:
            methods: Methods separated by blanks, such as ``"GET HEAD"``.
            path: A werkzeug rule such as ``/v1/customers/<customer>``.
            handler: Called under no lock; take ``self.lock`` to change state.
        """
        endpoint = f"{methods} {path}"
        self._handlers[endpoint] = handler
        self._map.add(Rule(path, methods=methods.split(), endpoint=endpoint))

    def action(self, name: str, function: Action) -> None:
        """Offer ``function`` at ``POST /__control__/actions/<name>``.

        It is called under the state lock with the members of the JSON body as
        keywords; what it returns is the answer. ``ValueError`` and
        ``LookupError`` become 400 with their text.
        """
        self._actions[name] = function

    @property
    def actions(self) -> Mapping[str, Action]:
        """All actions by name."""
        return self._actions

    def struck(self, request: Request) -> Struck:
        """The faults that strike this request; empty when there are none."""
        found = request.environ.get(STRUCK)
        return found if isinstance(found, Struck) else Struck()

    def shift_page(self, request: Request, start: int, size: int) -> int:
        """Where a page really starts, given faults that shift pages."""
        struck = self.struck(request)
        if struck.get("repeated_page"):
            return max(0, start - size)
        if struck.get("missing_page"):
            return start + size
        return start

    # What a subclass overrides --------------------------------------------

    def quota_keys(self, request: Request) -> Iterable[tuple[str, str]]:
        """The (kind, key) pairs that this request uses up; none by default."""
        del request
        return ()

    def authorize(self, request: Request) -> Response | None:
        """The vendor's refusal of this caller, or ``None`` when welcome."""
        del request
        return None

    def throttled(self, request: Request, retry_after: str | None) -> Response:
        """The vendor's 429 answer."""
        del request
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return json_response({"message": "Too many requests"}, 429, headers)

    def failed(self, request: Request, status: int) -> Response:
        """The vendor's answer for a fault of that HTTP status."""
        del request
        return json_response({"message": "The service failed"}, status)

    def missing(self, request: Request) -> Response:
        """The vendor's answer for a path it does not know."""
        del request
        return json_response({"message": "Not found"}, 404)

    def wrong_method(self, request: Request) -> Response:
        """The vendor's answer for a method the path does not have."""
        del request
        return json_response({"message": "Method not allowed"}, 405)

    def expire_tokens(self) -> None:
        """Make the access tokens issued so far worthless."""

    def finish(self, request: Request, response: Response) -> Response:
        """Add the headers the vendor sends with every answer."""
        del request
        return response

    def settle(self) -> None:
        """Do what time brings, such as renewals and provisioning.

        Called under the lock, before each request and after the clock moved.
        """

    def connection_settings(self) -> dict[str, Any]:
        """What a connection of this vendor's plugin needs to reach this simulator.

        Values by setting, secrets included, for demos and tests; the address is the
        one the simulator listens on. Offered as the action of the same name.
        """
        return {}

    def summary(self) -> dict[str, Any]:
        """The state in numbers, for the control endpoint."""
        return {}

    # Serving ----------------------------------------------------------------

    def __call__(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """The WSGI application."""
        request = Request(environ)
        if environ["PATH_INFO"].startswith(CONTROL_PREFIX):
            return self._control.answer(request)(environ, start_response)
        return self._logged(request)(environ, start_response)

    def _logged(self, request: Request) -> Response:
        began = time.perf_counter()
        self.log.begin()
        struck = self.faults.strike(request.method, request.path)
        request.environ[STRUCK] = struck
        wire = request.environ.setdefault(WIRE, Wire())
        status, route = 500, request.path
        try:
            response, route = self._answer(request, struck)
            status = 0 if wire.reset else response.status_code
            return response
        finally:
            self.log.end(
                at=self.clock.now().isoformat(),
                method=request.method,
                path=request.environ.get("RAW_URI") or request.full_path,
                route=route,
                status=status,
                milliseconds=(time.perf_counter() - began) * 1000,
                faults=tuple(struck.faults),
            )

    def _answer(self, request: Request, struck: Struck) -> tuple[Response, str]:
        if self.options.latency_ms:
            time.sleep(self.options.latency_ms / 1000)
        response, route = self._faulted(request, struck), request.path
        if response is None:
            response, route = self._routed(request)
            if struck:
                spoil(response, struck, self.amount_fields)
        self._spoil_wire(request, struck)
        return self.finish(request, response), route

    def _faulted(self, request: Request, struck: Struck) -> Response | None:
        if not struck:
            return None
        if (latency := struck.get("latency")) is not None:
            time.sleep(latency.seconds)
        if struck.get("token_expiry"):
            self.expire_tokens()
        if struck.get("reset"):
            request.environ[WIRE].reset = True
            return Response(status=500)
        if (limited := struck.get("rate_limited")) is not None:
            return self.throttled(request, limited.retry_after)
        if (status := struck.get("status")) is not None:
            return self.failed(request, status.status)
        return None

    def _spoil_wire(self, request: Request, struck: Struck) -> None:
        wire: Wire = request.environ[WIRE]
        if (slow := struck.get("slow_body")) is not None:
            wire.slow = slow.seconds or 1.0
        if struck.get("truncated"):
            wire.truncate = True
        if (late := struck.get("timeout_after_commit")) is not None:
            wire.stall, wire.reset = late.seconds, True

    def _routed(self, request: Request) -> tuple[Response, str]:
        for kind, key in self.quota_keys(request):
            wait = self.throttle.take(kind, key)
            if wait is not None:
                return self.throttled(request, str(max(1, math.ceil(wait)))), kind
        with self.lock:
            self.settle()
        try:
            rule, values = self._map.bind_to_environ(request.environ).match(
                return_rule=True
            )
        except MethodNotAllowed:
            return self.wrong_method(request), request.path
        except (NotFound, HTTPException):
            return self.missing(request), request.path
        refusal = self.authorize(request)
        if refusal is not None:
            return refusal, rule.rule
        return self._handlers[rule.endpoint](request, **values), rule.rule

    def serve(self, port: int | None = None, host: str | None = None) -> RunningServer:
        """Start serving in a thread and return the server; ``stop`` ends it.

        Args:
            port: Port to listen on; 0 takes a free one, ``None`` the options'.
            host: Address; ``None`` takes the options'.
        """
        server = RunningServer(
            self,
            host or self.options.host,
            self.options.port if port is None else port,
        )
        self.base_url = server.base_url
        return server

    @contextmanager
    def running(self) -> Iterator[RunningSimulator]:
        """Serve on a free port for the length of a ``with`` block."""
        server = self.serve(port=0)
        try:
            yield RunningSimulator(self, server.base_url, server)
        finally:
            server.stop()
