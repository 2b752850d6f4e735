"""A worker dies in the middle of writing a plan to the PSA; another finishes it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from entrepot.hub.backup.service import backup, restore
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.tables import ReconOperation
from entrepot.jobs.tables import VendorIntent
from entrepot.sdk.errors import Rejected
from entrepot.store import SystemScope, TenantScope, operator_actor
from entrepot.store.audit_tables import AuditEntry
from entrepot.store.base import Base
from sqlalchemy import select

pytestmark = pytest.mark.heavy

QUEUE = "psa"
CUSTOMERS = 12
SUBSCRIPTIONS = 70
WRITES = 8
"""So many operations at least; a company's differences are planned together."""


@dataclass(frozen=True)
class Prepared:
    """A database with an approved plan, and what its PSA was started with."""

    database: str
    options: dict[str, Any]
    actor: Any
    connection: str
    plan: str
    additions: int
    operations: tuple[dict[str, Any], ...]

    def writes(self, do: str) -> list[dict[str, Any]]:
        """Operations of one kind."""
        return [one for one in self.operations if one["do"] == do]


@pytest.fixture(scope="module")
def seed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a partner tenant sells, for both simulators."""
    return tmp_path_factory.mktemp("seed") / "seed.json"


@pytest.fixture
def prepared(
    kit, database_kind, templates, seed_file, request, tmp_path_factory
) -> Prepared:
    """Made once per database: both sides read, mapped, compared, a plan approved."""
    if database_kind not in templates:
        folder = tmp_path_factory.mktemp(f"plan_{database_kind}")
        templates[database_kind] = _prepare(
            kit, database_kind, seed_file, request, folder
        )
    return templates[database_kind]


def _prepare(kit, kind, seed_file, request, folder) -> Prepared:
    from entrepot_connectwise.simulator import build_simulator as build_psa
    from entrepot_microsoft.simulator import build_simulator as build_vendor

    make = request.getfixturevalue("make_hub_settings")
    if kind == "sqlite":
        database = str(folder / "prepared.db")
        shutil.copyfile(request.getfixturevalue("sqlite_template"), database)
        settings = make(f"sqlite:///{database}", folder)
    else:
        server = request.getfixturevalue("postgres_server")
        database = server.create(request.getfixturevalue("postgres_template"))
        settings = make(server.address(database), folder)
    vendor = kit.serve(build_vendor, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS)
    seed_file.write_text(json.dumps(_seed(vendor)))
    started = {
        "customers": CUSTOMERS,
        "subscriptions": SUBSCRIPTIONS,
        "start": vendor.sim.clock.now(),
        "seed_file": seed_file,
        "extra": {"drift": "0.5"},
    }
    psa = kit.serve(build_psa, **started)
    try:
        with kit.opened(settings) as hub:
            actor, connection = _read(kit, hub, vendor, psa)
            plan, operations = _approved_plan(kit, hub, actor, connection)
        return Prepared(
            database=database,
            options={**started, "port": psa.server.port},
            actor=actor,
            connection=connection,
            plan=plan,
            additions=len(list(psa.sim.world.rows("additions"))),
            operations=operations,
        )
    finally:
        vendor.stop()
        psa.stop()


def _seed(vendor: Any) -> Any:
    from entrepot.sdk.simulator import ControlClient

    return ControlClient(vendor.server.base_url).act("export_seed")


def _read(kit, hub, vendor, psa) -> tuple[Any, str]:
    """Read and map both sides, and compare them."""
    actor = kit.add_reseller(hub)
    connections = [
        kit.connect(hub, actor, "microsoft", vendor),
        kit.connect(hub, actor, "connectwise", psa),
    ]
    for one in connections:
        kit.read_all(hub, actor, one)
    (connection,) = hub.mapping.psa_connections(actor)
    hub.mapping.refresh_suggestions(actor, connection)
    hub.mapping.customers.accept(actor, connection, why="tests")
    hub.mapping.products.accept(actor, connection, why="tests")
    kit.compare(hub, actor, connection)
    return actor, connection


def _approved_plan(kit, hub, actor, connection) -> tuple[str, tuple[Any, ...]]:
    """A plan with enough writes; what cannot be written alone is left out."""
    query = IssueQuery(psa_connection_id=connection, limit=200)
    chosen: list[str] = []
    refused: set[str] = set()
    count = 0
    for issue in hub.reconciliation.issues(actor, query).items:
        try:
            plan = hub.reconciliation.plan(actor, [issue.id])
        except Rejected as error:
            refused.add(f"{issue.kind}: {error.user_message}")
            continue
        hub.reconciliation.discard(actor, plan.id)
        if plan.not_pushed:
            continue
        chosen.append(issue.id)
        count += sum(len(part.operations) for part in plan.parts)
        if count >= WRITES:
            break
    else:
        pytest.fail(f"Only {count} operations can be written: {refused}")
    plan = hub.reconciliation.plan(actor, chosen)
    hub.reconciliation.approve(actor, plan.id, plan.digest, reason="tests")
    return plan.id, _operations(hub, actor, plan.id)


def _operations(hub: Any, actor: Any, plan: str) -> tuple[dict[str, Any], ...]:
    with hub.store.read(TenantScope(actor.tenant_id)) as session:
        found = session.scalars(
            select(ReconOperation).where(
                ReconOperation.tenant_id == actor.tenant_id,
                ReconOperation.plan_id == plan,
            )
        )
        return tuple(
            {
                "do": one.do,
                "reference": one.reference,
                "state": one.state,
                "line": one.line_id,
                "body": one.body,
            }
            for one in found
        )


@pytest.fixture
def database_url(database_kind, prepared, request, tmp_path):
    """A copy of the prepared database."""
    if database_kind == "sqlite":
        shutil.copyfile(prepared.database, tmp_path / "hub.db")
        yield f"sqlite:///{tmp_path / 'hub.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    name = server.create(prepared.database)
    yield server.address(name)
    server.drop(name)


@pytest.fixture
def psa(kit, prepared):
    """The PSA as it was when the plan was made, at the same address."""
    from entrepot_connectwise.simulator import build_simulator

    made = kit.serve(build_simulator, **prepared.options)
    yield made
    made.stop()


def _points(prepared: Prepared) -> dict[str, int]:
    """Fault points by how often an undisturbed run passes them, the worst first."""
    writes = sum(one["do"] != "adopt" for one in prepared.operations)
    often = dict.fromkeys(
        (
            *("effect:after_send", "effect:before_intent", "effect:after_intent"),
            *("effect:before_send", "effect:after_outcome", "step:record:before"),
            "step:record:after",
        ),
        writes,
    )
    once = dict.fromkeys(
        (
            *("run:begun", "step:open_plan:after", "step:read_afresh:after"),
            *("step:check:before", "step:check:after", "step:writes:after"),
            *("step:end_part:before", "step:read_back:after", "step:verify:after"),
            *("step:close_plan:before", "step:close_plan:after", "run:before_close"),
        ),
        1,
    )
    return often | once


def test_plan_of_a_killed_worker_is_written_once(
    seed, kit, prepared, psa, theatre, settings
):
    sent = [one for one in prepared.operations if one["do"] != "adopt"]
    point = kit.kill_point("apply", seed, _points(prepared), 3 * len(sent))
    scope = TenantScope(prepared.actor.tenant_id)
    with kit.opened(settings) as hub:
        run_id = hub.reconciliation.apply(prepared.actor, prepared.plan).run_id
        psa.sim.log.reset()
        job = theatre.play(
            point, psa, lambda: (r := hub.jobs.runs.get(scope, run_id)).ended_at and r
        )
        assert (job.state, job.recovered) == ("succeeded", 1), f"{point}: {job}"
        plan = hub.reconciliation.get_plan(prepared.actor, prepared.plan)
        assert plan.state == "done", f"{point}: {_failed_parts(hub, prepared, plan)}"
        _assert_written_once(prepared, psa, str(point))
        _assert_books_tell_it(kit, hub, prepared, str(point))


def _failed_parts(hub: Any, prepared: Prepared, plan: Any) -> list[Any]:
    """Parts that did not help, with what is still different there."""
    return [
        (
            part.message,
            [(one.do, one.body, one.after) for one in part.operations],
            [hub.reconciliation.issue(prepared.actor, one) for one in part.issues],
        )
        for part in plan.parts
        if part.state != "done"
    ]


def _assert_written_once(prepared: Prepared, psa: Any, point: str) -> None:
    """Ground truth: what the PSA holds and which writes it took."""
    created = prepared.writes("create")
    changed = [
        one for one in prepared.operations if one["do"] in ("set_quantity", "set_end")
    ]
    lines = list(psa.sim.world.rows("additions"))
    assert len(lines) == prepared.additions + len(created), point
    carried = [
        field["value"] for line in lines for field in line.get("customFields") or ()
    ]
    for one in (*created, *changed):
        assert carried.count(one["reference"]) == 1, f"{point}: {one}"
    took = [
        entry["method"]
        for entry in psa.sim.log.recent(2_000)
        if entry["method"] != "GET"
        # What it took without a word counts too.
        and (entry["status"] in (200, 201) or entry["faults"])
    ]
    assert took.count("POST") == len(created), point
    assert took.count("PATCH") == len(changed), point


def _assert_books_tell_it(kit: Any, hub: Any, prepared: Prepared, point: str) -> None:
    """Operations, intents and audit trail say what happened, once each."""
    after = _operations(hub, prepared.actor, prepared.plan)
    assert {one["state"] for one in after} == {"done"}, point
    sent = [one for one in after if one["do"] != "adopt"]
    intents = kit.rows(hub, "SELECT reference, state FROM vendor_intent")
    assert sorted(intents) == sorted((one["reference"], "done") for one in sent), point
    audited = kit.rows(
        hub, "SELECT count(*) FROM audit_entry WHERE action LIKE 'psa_line.%'"
    )
    assert audited == [(len(sent),)], point
    assert kit.chains_hold(hub)


def test_restored_hub_looks_up_what_it_sent_before_it_writes(
    lived_on, kit, prepared, psa, theatre, settings, tmp_path
):
    """A backup in the middle of a plan; the rest was written after it, or was not."""
    archive, operator = tmp_path / "hub.zip", operator_actor("tests")
    scope = TenantScope(prepared.actor.tenant_id)
    psa.sim.log.reset()
    with kit.opened(settings) as hub:
        run_id = hub.reconciliation.apply(prepared.actor, prepared.plan).run_id

        def ended(look: Any) -> Any:
            return look.jobs.runs.get(scope, run_id).ended_at

        theatre.see_die(theatre.start("effect:after_send", "3"), "third write")
        assert len(_open_intents(hub)) == 1
        before = _digests(hub)
        backup(hub.store, operator, archive)
        if lived_on:
            theatre.start()
            kit.until(lambda: ended(hub), theatre.story)
            theatre.close()
    restore(settings, operator, archive, replace=True)
    with kit.opened(settings) as hub:
        assert _digests(hub) == before
        assert hub.writes.paused() == "restored"
        held = {row[0] for row in kit.rows(hub, "SELECT reference FROM vendor_intent")}
        theatre.start(queues="psa,upkeep")
        kit.until(lambda: ended(hub), theatre.story)
        assert hub.writes.paused() is None
        _assert_written_once(prepared, psa, "restored")
        _assert_books_tell_it(kit, hub, prepared, "restored")
        resumed = _moments(hub, "hub.writes_resume")
        assert len(resumed) == 1
        later = [one for one in _sent_at(hub) if one[0] not in held]
        if not lived_on:
            assert len(later) == len(prepared.operations) - len(held) - len(
                prepared.writes("adopt")
            )
            assert min(sent for _, sent in later) >= resumed[0]


def _digests(hub: Any) -> dict[str, str]:
    """A digest of every table's rows; of all that a restore does not write to."""
    found = {}
    with hub.store.read(SystemScope("tests")) as session:
        for table in Base.metadata.sorted_tables:
            if table.name.startswith("audit_") or table.name == "hub_state":
                continue
            rows = sorted(map(repr, session.execute(select(table))))
            told = f"{len(rows)} {rows}".encode()
            found[table.name] = sha256(told).hexdigest()
    return found


def _open_intents(hub: Any) -> list[Any]:
    from entrepot.jobs import IntentBook

    return IntentBook(hub.store, hub.clock).open_intents()


def _moments(hub: Any, action: str) -> list[Any]:
    query = select(AuditEntry.at).where(AuditEntry.action == action)
    with hub.store.read(SystemScope("tests")) as session:
        return list(session.scalars(query))


def _sent_at(hub: Any) -> list[tuple[str, Any]]:
    query = select(VendorIntent.reference, VendorIntent.sent_at)
    with hub.store.read(SystemScope("tests")) as session:
        return [tuple(row) for row in session.execute(query)]
