"""Every kind of difference the simulated PSA can hold: found, corrected, gone.

One world for all of them: a vendor and a PSA over real HTTP, read and compared once
when all is well, then every difference is planted on a company of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from entrepot.app import Hub, build_hub
from entrepot.hub.reconciliation import jobs as recon_jobs
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.rules_store import RuleWish
from entrepot.hub.reconciliation.tables import LineLinkRow
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.intake import RunInfo
from entrepot.jobs.intent import Effects
from entrepot.jobs.tables import JobRun
from entrepot.sdk.errors import Rejected
from entrepot.sdk.simulator import ControlClient, Options, build_named
from entrepot.store import Actor, FixedClock, TenantScope, operator_actor
from entrepot.store.actor import ALL_PERMISSIONS
from sqlalchemy import select, update

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 18, 9, 30, tzinfo=UTC)


@dataclass
class Inline:
    """A job's surroundings without the engine."""

    hub: Hub
    run_id: str
    tenant_id: str

    def step(self, function: Callable[..., Any], *args: Any, **_: Any) -> Any:
        return json.loads(json.dumps(function(*args)))

    def effect(self, effect: Any) -> Any:
        effects = Effects(self.hub.jobs.intents, self.hub.clock)
        return effects.run(effect, run_id=self.run_id, tenant_id=self.tenant_id)

    def progress(self, **_: Any) -> None:
        """Nobody looks."""

    def stop_if_cancelled(self) -> None:
        """Nobody cancels."""

    def fault(self, name: str) -> None:
        """Nothing breaks."""


@dataclass
class World:
    """A hub with both sides, and where each difference was planted.

    Attributes:
        before: Fingerprints of what differed before anything was planted.
        planted: Company by kind.
        undo: What members do in the end about differences that are not written.
    """

    hub: Hub
    actor: Actor
    vendor: Any
    psa: Any
    vendor_id: str
    psa_id: str
    before: frozenset[str] = frozenset()
    planted: dict[str, str] = field(default_factory=dict)
    undo: list[Callable[[], Any]] = field(default_factory=list)
    runs: int = 0

    def sync(self) -> None:
        for connection in (self.vendor_id, self.psa_id):
            self.runs += 1
            steps = self.hub.sync.steps
            run = RunInfo(f"s{self.runs}", self.actor.tenant_id, connection)
            opened = steps.open_run(run, "full", "", "crawl", "test")
            for name, per in opened["streams"]:
                while not steps.crawl(run, name, per, lambda *_: None, lambda: False):
                    pass
                steps.finish_stream(run, name, per)
            steps.close_run(run, opened["at"])
        self.hub.clock.advance(timedelta(minutes=1))

    def reconcile(self, level: int = 1) -> Any:
        service = self.hub.reconciliation
        ref = service.start(self.actor, self.psa_id, level=level)
        ctx = Inline(self.hub, ref.run_id, self.actor.tenant_id)
        recon_jobs.reconcile_books(ctx, self.psa_id, level=level)
        self._finish(ref.run_id)
        return service.run(self.actor, ref.run_id)

    def apply(self, plan: Any) -> Any:
        service = self.hub.reconciliation
        ref = service.apply(self.actor, plan.id)
        ctx = Inline(self.hub, ref.run_id, self.actor.tenant_id)
        recon_jobs.apply_plan(ctx, plan.id)
        self._finish(ref.run_id)
        return service.get_plan(self.actor, plan.id)

    def _finish(self, run_id: str) -> None:
        with self.hub.store.unit(TenantScope(self.actor.tenant_id)) as session:
            session.execute(
                update(JobRun)
                .where(JobRun.tenant_id == self.actor.tenant_id, JobRun.id == run_id)
                .values(state="done", ended_at=self.hub.clock.now())
                .execution_options(synchronize_session=False)
            )

    def issues(self, **query: Any) -> list[Any]:
        wanted = IssueQuery(psa_connection_id=self.psa_id, limit=200, **query)
        return list(self.hub.reconciliation.issues(self.actor, wanted).items)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What the PSA holds, seen past its interface."""
        return list(self.psa.simulator.world.rows(table))

    def linked(self) -> set[int]:
        """Lines that the hub has linked to a subscription."""
        with self.hub.store.read(TenantScope(self.actor.tenant_id)) as session:
            return {int(one) for one in session.scalars(select(LineLinkRow.line_id))}

    def act(self, action: str, **values: Any) -> Any:
        """Somebody works at the PSA."""
        return ControlClient(self.psa.base_url).act(action, **values)

    def spoil(self, line: dict[str, Any], **fields: Any) -> None:
        """A member changes a line, and will put it right again in the end."""
        before = {name: _plain(line[name]) for name in fields}
        self.act("edit_line", id=line["id"], **fields)
        self.undo.append(lambda: self.act("edit_line", id=line["id"], **before))


WRITTEN = {
    "QUANTITY_UNDERBILLED": "",
    "QUANTITY_OVERBILLED": "",
    "MISSING_IN_PSA": "",
    "DUPLICATE_IN_PSA": "",
    "CANCEL_DATE_MISMATCH": "",
    "CANCELLED_IN_PSA": "new_line",
    "ORPHAN_IN_PSA": "end",
}
"""Kinds that a plan writes, with the alternative that a person has to choose."""

SHOWN = {
    "COST_MISMATCH": "Cost changes",
    "PRICE_MISMATCH": "Price changes",
    "BILLABLE_FLAG_MISMATCH": "Billable and tax flags",
    "TAX_FLAG_MISMATCH": "Billable and tax flags",
    "CURRENCY_MISMATCH": "Currency or billing cycle",
    "BILLING_CYCLE_MISMATCH": "Currency or billing cycle",
    "AGREEMENT_INACTIVE": "No active agreement",
}
"""Kinds that are shown and not written, with the beginning of the reason."""


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


@pytest.fixture(scope="module")
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Read, mapped and compared; then everything is planted and compared again."""
    with ExitStack() as stack:
        made = _world(request, tmp_path_factory.mktemp("kinds"), stack)
        made.before = frozenset(one.fingerprint for one in made.issues())
        _plant(made)
        made.sync()
        made.reconcile()
        yield made


def _world(request: Any, folder: Path, stack: ExitStack) -> World:
    root = request.config.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    database = folder / "hub.db"
    database.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    clock = FixedClock(NOW)
    size = {"customers": 50, "subscriptions": 130, "start": NOW, "frozen": True}
    size["quota"] = "none"
    vendor = stack.enter_context(build_named("microsoft", Options(**size)).running())
    seed = folder / "seed.json"
    seed.write_text(json.dumps(ControlClient(vendor.base_url).act("export_seed")))
    more = {"seed_file": seed, "extra": {"drift": "0"}}
    options = Options(**size, **more)
    psa = stack.enter_context(build_named("connectwise", options).running())
    hub = build_hub(root.make_settings(f"sqlite:///{database}", folder), clock=clock)
    stack.callback(hub.close)
    tenant = hub.tenants.create(operator_actor("tests"), name="Reseller")
    actor = Actor("usr_1", "user", tenant.id, "Ada", ALL_PERMISSIONS)
    ids = [
        _connect(hub, actor, "microsoft", vendor),
        _connect(hub, actor, "connectwise", psa),
    ]
    made = World(hub, actor, vendor, psa, *ids)
    made.sync()
    hub.mapping.refresh_suggestions(actor, made.psa_id)
    hub.mapping.customers.accept(actor, made.psa_id, why="tests")
    hub.mapping.products.accept(actor, made.psa_id, why="tests")
    made.reconcile()
    return made


def _connect(hub: Hub, actor: Actor, plugin: str, side: Any) -> str:
    quotas = dict.fromkeys(one.name for one in hub.plugins.info(plugin).quotas)
    values = side.simulator.connection_settings()
    added = hub.connections.add(
        actor, plugin=plugin, name=plugin, values=values, quotas=quotas
    )
    return str(added.id)


def _plant(world: World) -> None:
    """One difference on a company of its own, each as a member would make it."""
    free = list(_free_lines(world))
    used = [one["product"] for one in world.rows("additions")]
    alone = next(one for one in free if used.count(one[0]["product"]) == 1)
    free.remove(alone)
    for kind, plant in _PLANTERS.items():
        line, agreement = alone if kind == "PRODUCT_MAPPING_STALE" else free.pop()
        world.planted[kind] = str(agreement["company"])
        plant(world, line, agreement)


def _free_lines(world: World) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A line of each company that has one agreement, invoiced monthly in advance.

    Of mapped products only: what the hub has linked to a subscription.
    """
    linked = world.linked()
    differing = {one.company_id for one in world.issues()}
    agreements = {one["id"]: one for one in world.rows("agreements")}
    owned: dict[int, list[dict[str, Any]]] = {}
    for line in world.rows("additions"):
        owned.setdefault(agreements[line["agreementId"]]["company"], []).append(line)
    for company, lines in sorted(owned.items()):
        held = {line["agreementId"] for line in lines}
        agreement = agreements[min(held)]
        plain = agreement["periodType"] == "Future" and agreement["billingCycle"] == 1
        big = [x for x in lines if x["quantity"] > 2 and x["id"] in linked]
        if plain and big and len(held) == 1 and str(company) not in differing:
            yield big[0], agreement


def _editor(
    world: World, table: str, id_: int, fields: dict[str, Any]
) -> Callable[[], Any]:
    return lambda: world.act("edit", table=table, id=id_, fields=fields)


def _edit_agreement(world: World, agreement: dict[str, Any], **fields: Any) -> None:
    before = {name: agreement[name] for name in fields}
    _editor(world, "agreements", agreement["id"], fields)()
    world.undo.append(_editor(world, "agreements", agreement["id"], before))


def _end_at_vendor(world: World, line: dict[str, Any], _: Any) -> None:
    with world.hub.store.read(TenantScope(world.actor.tenant_id)) as session:
        (link,) = session.scalars(
            select(LineLinkRow).where(LineLinkRow.line_id == str(line["id"]))
        )
        for one in link.subscriptions:
            row = session.get_one(SubscriptionRow, one)
            ControlClient(world.vendor.base_url).act(
                "cancel",
                customer=row.customer_vendor_id,
                subscription=row.vendor_id,
                force=True,
            )


def _add(
    world: World, line: dict[str, Any], agreement: dict[str, Any], product: int
) -> None:
    names = ("quantity", "unitPrice", "unitCost", "taxableFlag", "billCustomer")
    world.act(
        "add_line",
        agreement=agreement["id"],
        product=product,
        effectiveDate="2026-01-01T00:00:00Z",
        **{name: _plain(line[name]) for name in names},
    )


def _orphan(world: World, line: dict[str, Any], agreement: dict[str, Any]) -> None:
    lines = world.rows("additions")
    held = {x["product"] for x in lines if x["agreementId"] == agreement["id"]}
    known = world.linked()
    other = next(
        x["product"] for x in lines if x["product"] not in held and x["id"] in known
    )
    _add(world, line, agreement, other)


def _price(world: World, line: dict[str, Any], agreement: dict[str, Any]) -> None:
    """The company has a price of its own that its line doesn't carry."""
    service = world.hub.reconciliation.rules
    rule = service.set(
        world.actor,
        RuleWish(
            psa_connection_id=world.psa_id,
            kind="price",
            company_id=str(agreement["company"]),
            product_id=str(line["product"]),
            body={"mode": "fixed", "value": str(line["unitPrice"] + 1)},
        ),
    )
    world.undo.append(lambda: service.remove(world.actor, rule.id))


def _retire(world: World, line: dict[str, Any], _: Any) -> None:
    _editor(world, "catalog", line["product"], {"inactiveFlag": True})()
    world.undo.append(
        _editor(world, "catalog", line["product"], {"inactiveFlag": False})
    )


def _quantity(by: int) -> Any:
    return lambda world, line, _: world.act(
        "edit_line", id=line["id"], quantity=str(line["quantity"] + by)
    )


def _field(**fields: Any) -> Any:
    return lambda world, line, _: world.spoil(line, **fields)


_PLANTERS: dict[str, Callable[[World, dict[str, Any], dict[str, Any]], Any]] = {
    "QUANTITY_UNDERBILLED": _quantity(-2),
    "QUANTITY_OVERBILLED": _quantity(3),
    "MISSING_IN_PSA": lambda world, line, _: world.act("delete_line", id=line["id"]),
    "DUPLICATE_IN_PSA": lambda world, line, agreement: _add(
        world, line, agreement, line["product"]
    ),
    "CANCEL_DATE_MISMATCH": _end_at_vendor,
    "CANCELLED_IN_PSA": lambda world, line, _: world.act(
        "edit_line", id=line["id"], cancelledDate="2026-03-31T00:00:00Z"
    ),
    "ORPHAN_IN_PSA": _orphan,
    "COST_MISMATCH": lambda world, line, _: world.spoil(
        line, unitCost=str(line["unitCost"] + 1)
    ),
    "PRICE_MISMATCH": _price,
    "BILLABLE_FLAG_MISMATCH": _field(billCustomer="DoNotBill"),
    "TAX_FLAG_MISMATCH": _field(taxableFlag=False),
    "CURRENCY_MISMATCH": lambda world, _, agreement: _edit_agreement(
        world, agreement, currency=2
    ),
    "BILLING_CYCLE_MISMATCH": lambda world, _, agreement: _edit_agreement(
        world, agreement, billingCycle=3
    ),
    "AGREEMENT_INACTIVE": lambda world, _, agreement: _edit_agreement(
        world, agreement, cancelledFlag=True
    ),
    "PERIOD_GAP": _field(effectiveDate="2026-03-11T00:00:00Z"),
    "PRODUCT_MAPPING_STALE": _retire,
    "CUSTOMER_MAPPING_STALE": lambda world, _, agreement: world.act(
        "delete_company", id=agreement["company"]
    ),
}


def _found(world: World, kind: str, **query: Any) -> list[Any]:
    """Differences of a kind on the company where it was planted."""
    company = world.planted[kind]
    return [
        one for one in world.issues(kinds=(kind,), **query) if one.company_id == company
    ]


@pytest.mark.parametrize("kind", [*WRITTEN, *SHOWN])
def test_what_was_planted_is_found_and_nothing_else_of_that_company(world, kind):
    company = world.planted[kind]
    assert {one.kind for one in world.issues(company_id=company)} == {kind}


def test_a_product_that_was_retired_is_found_once(world):
    (found,) = world.issues(kinds=("PRODUCT_MAPPING_STALE",))
    retired = [one["id"] for one in world.rows("catalog") if one["inactiveFlag"]]
    assert int(found.product_id) in retired


def test_a_company_in_the_recycle_bin_is_found(world):
    assert len(world.issues(kinds=("CUSTOMER_MAPPING_STALE",))) == 1


@pytest.mark.parametrize("kind", SHOWN)
def test_what_is_not_written_says_why(world, kind):
    issues = [one.id for one in _found(world, kind)]
    with pytest.raises(Rejected, match=SHOWN[kind]):
        world.hub.reconciliation.plan(world.actor, issues)


def test_what_is_written_is_gone_and_everything_else_heals(world):
    """One plan for all that can be written; members do the rest."""
    service = world.hub.reconciliation
    before = len(world.rows("additions"))
    chosen = {
        one.id: choice
        for kind, choice in WRITTEN.items()
        for one in _found(world, kind)
    }
    assert len(chosen) == len(WRITTEN)
    plan = service.plan(world.actor, list(chosen), chosen)
    assert len(plan.parts) == len(WRITTEN)
    service.approve(world.actor, plan.id, plan.digest, reason="tests")
    done = world.apply(plan)
    assert (done.state, done.message) == ("done", "")
    dos = sorted(op.do for part in done.parts for op in part.operations)
    assert dos == ["create"] * 2 + ["set_end"] * 3 + ["set_quantity"] * 2
    assert len(world.rows("additions")) == before + 2

    world.sync()
    world.reconcile()
    for kind in WRITTEN:
        assert world.issues(company_id=world.planted[kind]) == [], kind
        assert [one.state for one in _found(world, kind, open=False)] == ["resolved"]

    # A line that began too late was billed for too few days of a closed period.
    world.reconcile(level=2)
    (gap,) = _found(world, "PERIOD_GAP")
    assert (gap.subject, gap.impact_once > 0) == ("2026-03-01", True)

    for repair in world.undo:
        repair()
    world.sync()
    world.reconcile(level=2)
    left = [
        (one.kind, one.company_id, one.expected, one.actual)
        for one in world.issues()
        if one.fingerprint not in world.before
        and one.kind not in ("CUSTOMER_MAPPING_STALE", "PERIOD_GAP", "OPEN_PERIOD_GAP")
    ]
    assert left == []
    assert _found(world, "PERIOD_GAP") == []
