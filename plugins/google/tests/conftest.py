"""A running partner account whose whole wire is held against Google's own schemas."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from entrepot.sdk.context import PluginContext
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.http import HttpPolicy, HttpSession, Transport
from entrepot.sdk.simulator import ControlClient, Options, RunningSimulator
from entrepot_google.plugin import plugin
from entrepot_google.settings import HOST_PATTERNS, GoogleSettings
from entrepot_google.simulator import GoogleSimulator
from jsonschema import Draft202012Validator

EPOCH = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"
HUB = "https://hub.example.com/notifications/con_1"

# What Google publishes ------------------------------------------------------

_DOCUMENTS = ("cloudchannel.v1", "reseller.v1", "pubsub.v1", "bigquery.v2")
_FORMATS = {
    "int64": {"type": "string", "pattern": r"^-?\d+$"},
    "uint64": {"type": "string", "pattern": r"^\d+$"},
    "google-datetime": {
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$",
    },
    "int32": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
}
_SILENT = ("/token", "/oauth2/")


def _schema(found: dict[str, Any]) -> dict[str, Any]:
    """A schema of a discovery document as JSON Schema; unknown members are wrong."""
    if "$ref" in found:
        return {"$ref": f"#/$defs/{found['$ref']}"}
    if found.get("type") == "any":
        return {}
    made: dict[str, Any] = dict(_FORMATS.get(found.get("format", ""), {}))
    made.setdefault("type", found["type"])
    if "enum" in found:
        made["enum"] = found["enum"]
    if "items" in found:
        made["items"] = _schema(found["items"])
    if made["type"] == "object":
        properties = found.get("properties", {})
        made["properties"] = {k: _schema(v) for k, v in properties.items()}
        more = found.get("additionalProperties")
        made["additionalProperties"] = _schema(more) if more else False
    return made


def _methods(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from found.get("methods", {}).values()
    for each in found.get("resources", {}).values():
        yield from _methods(each)


class Document:
    """One published discovery document."""

    def __init__(self, name: str) -> None:
        root = files("googleapiclient") / "discovery_cache" / "documents"
        found = json.loads((root / f"{name}.json").read_text())
        self._defs = {k: _schema(v) for k, v in found["schemas"].items()}
        self._common = set(found["parameters"])
        self.methods = []
        for method in _methods(found):
            path = found["servicePath"] + method.get("flatPath", method["path"])
            pattern = re.sub(r"\{[^}]+\}", "[^/:]+", path)
            self.methods.append((method["httpMethod"], re.compile(pattern), method))

    def find(self, verb: str, path: str) -> dict[str, Any] | None:
        for method, pattern, found in self.methods:
            if method == verb and pattern.fullmatch(path.lstrip("/")):
                return found
        return None

    @cache  # noqa: B019 - documents live as long as the session
    def _validator(self, name: str) -> Any:
        schema = {"$ref": f"#/$defs/{name}", "$defs": self._defs}
        return Draft202012Validator(schema)

    def errors(self, name: str, value: Any) -> list[str]:
        found = self._validator(name).iter_errors(value)
        return [f"{name} at {list(e.absolute_path)}: {e.message}" for e in found]

    def wrong_request(self, method: dict[str, Any], request: Any) -> list[str]:
        known = {*method.get("parameters", {}), *self._common}
        wrong = [f"unknown parameter {n}" for n in request.args if n not in known]
        body = request.get_data()
        if "request" not in method:
            return [*wrong, *(["a body nobody reads"] if body else [])]
        return [*wrong, *self.errors(method["request"]["$ref"], json.loads(body))]

    def wrong_answer(self, method: dict[str, Any], response: Any) -> list[str]:
        if response.status_code >= 300 or "response" not in method:
            return []
        value = json.loads(response.get_data())
        return self.errors(method["response"]["$ref"], value)


@cache
def documents() -> tuple[Document, ...]:
    return tuple(Document(name) for name in _DOCUMENTS)


class CheckedSimulator(GoogleSimulator):
    """Holds every request and every answer against the published documents."""

    def __init__(self, options: Options) -> None:
        self.wrong: list[str] = []
        self.seen: set[str] = set()
        super().__init__(options)

    def finish(self, request: Any, response: Any) -> Any:
        if not self.struck(request) and not request.path.startswith(_SILENT):
            self.wrong += self._judged(request, response)
        return super().finish(request, response)

    def _judged(self, request: Any, response: Any) -> list[str]:
        where = f"{request.method} {request.path}"
        for document in documents():
            method = document.find(request.method, request.path)
            if method is None:
                continue
            self.seen.add(method["id"])
            found = document.wrong_answer(method, response)
            if response.status_code < 300:
                found += document.wrong_request(method, request)
            return [f"{where}: {each}" for each in found]
        return [] if response.status_code == 404 else [f"{where} is not published"]


# Connections ------------------------------------------------------------------


class MemorySecrets:
    """Secrets as core keeps them."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self._lock = threading.Lock()

    def get(self, name: str) -> str:
        if not self.values.get(name):
            raise ConfigInvalid("secret_missing", f"{name} is not set", field=name)
        return self.values[name]

    def replace(self, name: str, old: str, new: str) -> str:
        with self._lock:
            if self.values[name] == old:
                self.values[name] = new
            return self.values[name]


class QuickClock:
    """The vendor's time; sleeping passes at once."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.slept = 0.0

    def now(self) -> datetime:
        return self._now()

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


class Silent:
    def info(self, event: str, **values: object) -> None: ...

    def warning(self, event: str, **values: object) -> None: ...


class Vendor:
    """A running simulator with its control client, and connections to it."""

    def __init__(self, up: RunningSimulator) -> None:
        self.up = up
        self.url = up.base_url
        self.control = ControlClient(up.base_url)
        self.sim: Any = up.simulator
        self._open: list[HttpSession] = []

    def connect(
        self,
        *,
        secrets: MemorySecrets | None = None,
        attempts: int = 4,
        **settings: Any,
    ) -> PluginContext:
        given = {**self.sim.connection_settings(), **settings}
        key = given.pop("service_account_key")
        policy = HttpPolicy(attempts=attempts, read_timeout=10.0)
        egress = EgressPolicy(hosts=HOST_PATTERNS, allow_private=True)
        clock = QuickClock(self.sim.clock.now)
        http = HttpSession(Transport(egress, policy), clock=clock)
        self._open.append(http)
        ctx = PluginContext(
            connection_id="con_1",
            tenant_id="res_1",
            plugin="google",
            settings=GoogleSettings(**given),
            secrets=secrets or MemorySecrets(service_account_key=key),
            http=http,
            clock=clock,
            log=Silent(),
            notification_url=HUB,
        )
        return replace(ctx, runtime=plugin.open_connection(ctx))

    def close(self) -> None:
        for http in self._open:
            http.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Vendor]]:
    """Start accounts with options; what crossed the wire is judged at the end."""
    running: list[tuple[Any, Vendor]] = []

    def run(customers: int = 6, **options: Any) -> Vendor:
        extra = {"deliver": "manual", **options.pop("extra", {})}
        given = Options(
            customers=customers,
            subscriptions=options.pop("subscriptions", customers * 4),
            start=EPOCH,
            frozen=True,
            extra=extra,
            **options,
        )
        manager = CheckedSimulator(given).running()
        vendor = Vendor(manager.__enter__())
        running.append((manager, vendor))
        return vendor

    yield run
    wrong: list[str] = []
    for manager, vendor in running:
        vendor.close()
        manager.__exit__(None, None, None)
        wrong += vendor.sim.wrong
    assert not wrong, "\n".join(wrong[:20])


@pytest.fixture
def vendor(start: Callable[..., Vendor]) -> Vendor:
    """A small account."""
    return start()


@pytest.fixture
def fixture() -> Callable[[str], bytes]:
    """Bytes of a documentation sample."""
    return lambda name: (FIXTURES / name).read_bytes()


@pytest.fixture
def published() -> Document:
    """The Cloud Channel API as Google publishes it."""
    return documents()[0]


@pytest.fixture
def all_published() -> tuple[Document, ...]:
    """Every API that the plugin speaks, as Google publishes it."""
    return documents()
