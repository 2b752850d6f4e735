"""A running simulator with the reconciliation fixture, and a context to call with."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from entrepot.sdk.context import PluginContext
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.http import HttpPolicy, HttpSession, Transport
from entrepot.sdk.model import LineChange, LineChangeKind
from entrepot.sdk.simulator import ControlClient, Options
from entrepot_connectwise.plugin import plugin
from entrepot_connectwise.settings import ConnectWiseSettings
from entrepot_connectwise.simulator import ConnectWiseSimulator
from entrepot_connectwise.simulator.setup import (
    CLOUD_PRORATE,
    OWNER,
    PRIVATE_KEY,
    PUBLIC_KEY,
)

AS_OF = datetime(2026, 6, 20, 4, 0, tzinfo=UTC)


class QuietLog:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, **values: object) -> None:
        self.lines.append((event, values))

    def warning(self, event: str, **values: object) -> None:
        self.lines.append((event, values))


@dataclass
class KeptSecrets:
    """Secrets out of a dictionary."""

    values: dict[str, str]

    def get(self, name: str) -> str:
        if not self.values.get(name):
            raise ConfigInvalid("secret_missing", f"{name} is missing.", field=name)
        return self.values[name]

    def replace(self, name: str, old: str, new: str) -> str:
        self.values[name] = new
        return new


QUICK = HttpPolicy(
    backoff_first=0.01,
    backoff_cap=0.05,
    read_timeout=2.0,
    connect_timeout=1.0,
    wait_inside=8.0,
)


def make_context(
    base_url: str, *, private_key: str = PRIVATE_KEY, **settings: Any
) -> PluginContext:
    """A context with its connection opened."""
    values = {"site": base_url, "company": "entrepot", "public_key": PUBLIC_KEY}
    egress = EgressPolicy(hosts=("127.0.0.1", "localhost"), allow_private=True)
    ctx = PluginContext(
        connection_id="con_1",
        tenant_id="ten_1",
        settings=ConnectWiseSettings(**{**values, **settings}),
        secrets=KeptSecrets({"private_key": private_key}),
        http=HttpSession(Transport(egress, QUICK)),
        log=QuietLog(),
    )
    return replace(ctx, runtime=plugin.open_connection(ctx))


@dataclass
class Scene:
    """The fixture of the reconciliation cases, in a running PSA."""

    simulator: ConnectWiseSimulator
    base_url: str
    company: int
    contact: int
    agreement: int
    product: int
    line: int
    contexts: list[PluginContext] = field(default_factory=list)

    @property
    def control(self) -> ControlClient:
        return ControlClient(self.base_url)

    @property
    def api(self) -> str:
        codebase = self.simulator.world.knobs.codebase
        return f"{self.base_url}/{codebase}apis/3.0"

    def context(self, **settings: Any) -> PluginContext:
        ctx = make_context(self.base_url, **settings)
        self.contexts.append(ctx)
        return ctx

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {**signed(), **options.pop("headers", {})}
        url = f"{self.api}/{path}"
        with requests.Session() as http:
            return http.request(method, url, headers=headers, timeout=5, **options)

    def fault(self, *, kind: str, **fields: Any) -> int:
        return self.control.add_fault(kind, **fields)

    def lines(self) -> list[dict[str, Any]]:
        table = self.simulator.world.tables["additions"]
        return list(table.after(0, self.agreement))

    def invoice(self) -> Decimal:
        """Make the next invoice; its total before tax."""
        world = self.simulator.world
        with self.simulator.lock:
            row = world.row("agreements", self.agreement)
            made = self.simulator.invoicing.run(row, OWNER)
            return made["subtotal"]

    def change(self, kind: LineChangeKind, **values: Any) -> LineChange:
        base = {"agreement_id": str(self.agreement), "reference": "op-1"}
        if kind is not LineChangeKind.CREATE:
            base["line_id"] = str(self.line)
        return LineChange(kind=kind, **{**base, **values})

    def creation(self, **values: Any) -> LineChange:
        base = {
            "product_id": str(self.product),
            "quantity": Decimal(10),
            "unit_price": Decimal("26.40"),
            "unit_cost": Decimal("22.00"),
            "effective": date(2026, 7, 1),
            "taxable": True,
        }
        return self.change(LineChangeKind.CREATE, **{**base, **values})


def signed(public: str = PUBLIC_KEY, private: str = PRIVATE_KEY) -> dict[str, str]:
    """Headers of a well-behaved client."""
    pair = base64.b64encode(f"entrepot+{public}:{private}".encode()).decode()
    return {"Authorization": f"Basic {pair}", "clientId": "test-client"}


def plant_scene(simulator: ConnectWiseSimulator, **agreement: Any) -> dict[str, int]:
    """Company, agreement, product and line of reconciliation.md §15."""
    world = simulator.world

    def add(table: str, **values: Any) -> int:
        return world.insert(table, values, OWNER, quiet=True)["id"]

    company = add(
        "companies",
        identifier="Contoso",
        name="Contoso Inc.",
        status=1,
        types=[1],
        website="https://www.contoso.example/about",
        deletedFlag=False,
        customFields=[{"id": 1, "value": "cloud:tenant-1"}],
    )
    contact = add(
        "contacts",
        firstName="Ada",
        lastName="Low",
        company=company,
        inactiveFlag=False,
        defaultFlag=True,
        communicationItems=[
            {"value": "ada@contoso.example", "communicationType": "Email"},
            {"value": "+1 555 0100", "communicationType": "Phone"},
        ],
    )
    product = add(
        "catalog",
        identifier="M365-BP",
        description="Business Premium",
        customerDescription="Business Premium",
        type=1,
        category=1,
        subcategory=1,
        unitOfMeasure=1,
        productClass="Agreement",
        inactiveFlag=False,
        price=Decimal("26.40"),
        cost=Decimal("22.00"),
        taxableFlag=True,
        vendorSku="SKU-1",
    )
    agreement_id = add(
        "agreements",
        **{
            "name": "Cloud",
            "type": world.named("agreementTypes", CLOUD_PRORATE)["id"],
            "company": company,
            "contact": contact,
            "startDate": "2026-02-01T00:00:00Z",
            "billStartDate": "2026-02-01T00:00:00Z",
            "noEndingDateFlag": True,
            "cancelledFlag": False,
            "billingCycle": 1,
            "invoicingCycle": "CalendarYear",
            "prorateFlag": True,
            "invoiceProratedAdditionsFlag": False,
            "periodType": "Future",
            "currency": 1,
            **agreement,
        },
    )
    line = add(
        "additions",
        agreementId=agreement_id,
        product=product,
        quantity=Decimal(10),
        unitPrice=Decimal("26.40"),
        unitCost=Decimal("22.00"),
        billCustomer="Billable",
        effectiveDate="2026-02-01T00:00:00Z",
        taxableFlag=True,
    )
    row = world.row("agreements", agreement_id)
    simulator.invoicing.set_next(row, date(2026, 2, 1))
    due = date(2026, 6, 20)
    simulator.invoicing.run_through(due, OWNER)
    return {
        "company": company,
        "contact": contact,
        "agreement": agreement_id,
        "product": product,
        "line": line,
    }


def build_scene(
    options: Options | None = None, **agreement: Any
) -> tuple[ConnectWiseSimulator, dict[str, int]]:
    """A simulator with the fixture, not serving yet."""
    simulator = ConnectWiseSimulator(options or Options(start=AS_OF, frozen=True))
    return simulator, plant_scene(simulator, **agreement)


@pytest.fixture
def make_scene() -> Iterator[Any]:
    """Builds served scenes; all are stopped at the end."""
    running: list[tuple[Any, Scene]] = []

    def make(options: Options | None = None, **agreement: Any) -> Scene:
        simulator, ids = build_scene(options, **agreement)
        server = simulator.serve(port=0)
        scene = Scene(simulator=simulator, base_url=server.base_url, **ids)
        running.append((server, scene))
        return scene

    yield make
    for server, scene in running:
        for ctx in scene.contexts:
            ctx.http.close()
        scene.simulator.callbacks.wait()
        server.stop()


@pytest.fixture
def scene(make_scene: Any) -> Scene:
    return make_scene()


@pytest.fixture
def ctx(scene: Scene) -> PluginContext:
    return scene.context()


@pytest.fixture
def context_for() -> Any:
    return make_context
