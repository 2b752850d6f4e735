"""demo: simulated vendors and PSA, a hub and a console, with one command."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import requests
import typer
from rich.console import Console

from entrepot.app import Hub, build_hub
from entrepot.cli.context import Cli, cli_of
from entrepot.cli.demo_books import (
    Size,
    accept_alike,
    ask_for_prices,
    exclude_metered,
    join_accounts,
    merged,
    sizes,
)
from entrepot.cli.exits import CONFIG, CommandFailed
from entrepot.cli.serve import commands
from entrepot.cli.setup import prepare_database
from entrepot.hub.mapping.jobs import JOB as SUGGEST
from entrepot.hub.reconciliation.jobs import RECONCILE
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.sync.service import JOB as SYNC
from entrepot.jobs.views import RunQuery
from entrepot.plugins.simulated import Wanted
from entrepot.sdk.errors import EntrepotError
from entrepot.sdk.model import PluginKind
from entrepot.sdk.simulator import ControlClient, Seed
from entrepot.sdk.simulator.registry import simulator_names
from entrepot.store import ALL_PERMISSIONS, Actor, TenantScope
from entrepot.supervisor import Command, Supervisor

DRIFT = 0.08
EMAIL = "demo@entrepot.example"
_FIRST_WORK = frozenset({SYNC, SUGGEST, RECONCILE})
_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.3


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("demo")(demo)


def demo(
    ctx: typer.Context,
    scale: Annotated[float, typer.Option(help="Times 200 customers.")] = 1,
    port: Annotated[int, typer.Option(help="Of the console; 0 takes a free one.")] = 0,
    folder: Annotated[
        Path, typer.Option(help="Where the demo keeps its data; emptied at the start.")
    ] = Path(".demo"),
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the first comparison.")
    ] = False,
) -> None:
    """Start simulated systems and a hub that reads and compares them."""
    if scale <= 0:
        msg = "--scale is a number above zero."
        raise typer.BadParameter(msg)
    told = cli_of(ctx)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cli = Cli(config=_settings_file(folder.resolve(), port), json=told.json)
    stage = _Stage(cli, told.console, folder.resolve(), scale)
    try:
        raise typer.Exit(stage.play(once=once))
    finally:
        cli.close()


def _settings_file(folder: Path, port: int) -> Path:
    """The demo hub's settings: loopback only, private targets allowed."""
    port = port or free_port()
    path = folder / "entrepot.toml"
    path.write_text(
        f'data_dir = "{folder.as_posix()}"\n'
        'environment = "demo"\n'
        "allow_private_targets = true\n"
        "web_processes = 1\n"
        f"bind_port = {port}\n"
        f'public_base_url = "http://127.0.0.1:{port}"\n'
        f'mail_folder = "{(folder / "mails").as_posix()}"\n'
        'log_level = "WARNING"\n'
    )
    return path


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class _Simulated:
    """One simulated system."""

    name: str
    kind: PluginKind
    port: int
    size: Size

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def control(self) -> ControlClient:
        """Its control endpoint."""
        return ControlClient(self.address)


@dataclass
class _Stage:
    """The demo from its first process to its last."""

    cli: Cli
    console: Console
    folder: Path
    scale: float
    begun: float = field(default_factory=time.monotonic)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    def play(self, *, once: bool) -> int:
        """Run until Ctrl-C, or until the first comparison with `once`."""
        prepare_database(self.cli)
        hub = build_hub(self.cli.settings)
        try:
            actor = self._people(hub)
            simulated = self._cast(hub)
            self._say("Starting the simulated systems …")
            with _running(self._simulators(simulated)):
                seed = self._seed(simulated)
                with _running(
                    [*self._psas(simulated, seed), *commands(self.cli)]
                ) as all_:
                    self._connect(hub, actor, simulated)
                    self._show_sign_in()
                    self._read_and_compare(hub, actor)
                    self._say("Stop with Ctrl-C.")
                    if not once:
                        self._read_charges(hub, actor)
                        all_.wait()
        except KeyboardInterrupt:
            self._say("Stopping …")
        finally:
            hub.close()
        return 0

    def _say(self, text: str) -> None:
        seconds = time.monotonic() - self.begun
        self.console.print(f"[dim]{seconds:5.1f} s[/]  {text}", highlight=False)

    def _people(self, hub: Hub) -> Actor:
        operator = self.cli.operator
        tenant = hub.tenants.create(operator, name="Demo Reseller")
        hub.users.create_user(
            operator,
            email=EMAIL,
            name="Demo",
            password=self.password,
            tenant_id=tenant.id,
            role="owner",
            operator=True,
        )
        return Actor("demo", "operator", tenant.id, "demo", ALL_PERMISSIONS)

    def _cast(self, hub: Hub) -> list[_Simulated]:
        names = [name for name in hub.plugins.names() if name in simulator_names()]
        infos = [hub.plugins.info(name) for name in names]
        shares = sizes(infos, self.scale)
        cast = [
            _Simulated(info.name, info.kind, free_port(), shares[info.name])
            for info in infos
        ]
        kinds = {one.kind for one in cast}
        if not {PluginKind.VENDOR, PluginKind.PSA} <= kinds:
            raise CommandFailed(
                CONFIG,
                "The demo needs a vendor and a PSA plugin with simulators.",
                "Install them with: make dev",
                "nothing_to_show",
            )
        return cast

    def _simulators(self, cast: list[_Simulated]) -> list[Command]:
        return [self._command(one) for one in cast if one.kind is PluginKind.VENDOR]

    def _psas(self, cast: list[_Simulated], seed: Path) -> list[Command]:
        psas = [one for one in cast if one.kind is PluginKind.PSA]
        drift = {"drift": str(DRIFT)}
        return [self._command(one, seed_file=str(seed), extra=drift) for one in psas]

    def _command(self, one: _Simulated, **more: Any) -> Command:  # noqa: ANN401 - the fields of Wanted
        wanted = Wanted(
            name=one.name,
            port=one.port,
            customers=one.size.customers,
            subscriptions=one.size.subscriptions,
            **more,
        )
        return Command(name=one.name, argv=wanted.arguments(), grace=5.0)

    def _seed(self, cast: list[_Simulated]) -> Path:
        """What the vendors sell, as the PSA's members would have entered it."""
        vendors = [one for one in cast if one.kind is PluginKind.VENDOR]
        vendors.sort(key=lambda one: -one.size.customers)
        seeds = []
        for one in vendors:
            wait_for(one.control)
            found = msgspec.convert(one.control.act("export_seed"), Seed)
            seeds.append(found)
        path = self.folder / "seed.json"
        merged(seeds).save(path)
        return path

    def _connect(self, hub: Hub, actor: Actor, cast: list[_Simulated]) -> None:
        for one in cast:
            wait_for(one.control)
            values: dict[str, Any] = one.control.act("connection_settings")
            info = hub.plugins.info(one.name)
            hub.connections.add(
                actor,
                plugin=one.name,
                name=info.title,
                values=values,
                # The simulators run without quotas; real ones are the default.
                quotas=dict.fromkeys(quota.name for quota in info.quotas),
            )
            self._say(f"Connected {info.title}, simulated at {one.address}")

    def _show_sign_in(self) -> None:
        settings = self.cli.settings
        address = f"http://{settings.bind_host}:{settings.bind_port}"
        _wait_until(lambda: _answers(f"{address}/healthz"))
        self._say(f"Console: [bold]{address}[/]")
        self._say(f"Sign in as [bold]{EMAIL}[/] with [bold]{self.password}[/]")

    def _read_and_compare(self, hub: Hub, actor: Actor) -> None:
        for connection in hub.connections.list(actor):
            hub.sync.start(actor, connection.id, mode="full", cause="demo")
        self._rest(hub, actor, "Reading both sides …")
        for run in hub.sync.runs(actor):
            read = sum(counts.get("read", 0) for counts in run.counts.values())
            name = hub.connections.get(actor, run.connection_id).name
            self._say(f"{name}: {read} objects, {run.state}")
        for psa in hub.mapping.psa_connections(actor):
            why = "demo: suggestions that rest on a unique domain or a product number"
            hub.mapping.refresh_suggestions(actor, psa)
            accepted = hub.mapping.customers.accept(actor, psa, why=why)
            products = hub.mapping.products.accept(actor, psa, why=why)
            count = accepted.rows + accept_alike(hub, actor, psa)
            self._say(f"Mapped: {count} accounts, {products.rows} SKUs")
            exclude_metered(hub, actor, psa)
            ask_for_prices(hub, actor, psa)
            hub.reconciliation.start(actor, psa, cause="demo")
            joined = join_accounts(hub, actor, psa)
            self._say(f"Joined: {joined} accounts of customers of several vendors")
        self._rest(hub, actor, "Comparing …")
        self._totals(hub, actor)

    def _read_charges(self, hub: Hub, actor: Actor) -> None:
        """Begin to read what the vendors charge, so that its pages fill."""
        for one in hub.connections.list(actor, kind=PluginKind.VENDOR.value):
            try:
                hub.charges.start(actor, one.id, cause="demo")
            except EntrepotError as error:
                self._say(f"{one.name}: no charges are read. {error.user_message}")

    def _totals(self, hub: Hub, actor: Actor) -> None:
        found = [
            total
            for psa in hub.mapping.psa_connections(actor)
            for total in hub.reconciliation.totals(
                actor, IssueQuery(psa_connection_id=psa)
            )
            if total.under or total.over
        ]
        if not found:
            self._say("Found: nothing under-billed and nothing over-billed")
        for total in found:
            self._say(
                f"Found: [bold]{total.under} {total.currency}[/] under-billed and "
                f"[bold]{total.over} {total.currency}[/] over-billed per month"
            )

    def _rest(self, hub: Hub, actor: Actor, text: str) -> None:
        """Wait until nothing is read, matched or compared any more."""
        self._say(text)
        scope = TenantScope(actor.tenant_id)
        while any(
            one.active and one.kind in _FIRST_WORK
            for one in hub.jobs.runs.list(scope, RunQuery(limit=100)).items
        ):
            time.sleep(_LOOK_SECONDS)


@dataclass
class _Running:
    """Supervised processes."""

    supervisor: Supervisor
    thread: threading.Thread

    def wait(self) -> None:
        """Stay until somebody stops the demo."""
        while self.thread.is_alive():
            self.thread.join(_LOOK_SECONDS)


@contextmanager
def _running(processes: list[Command]) -> Iterator[_Running]:
    """Keep processes running for the length of the block; nothing stays behind."""
    supervisor = Supervisor(processes)
    thread = threading.Thread(target=supervisor.run, name="supervisor")
    thread.start()
    try:
        yield _Running(supervisor, thread)
    finally:
        supervisor.stop()
        thread.join()


def wait_for(control: ControlClient) -> None:
    """Wait until a simulator answers.

    Raises:
        CommandFailed: It does not within a minute.
    """

    def healthy() -> bool:
        try:
            control.health()
        except requests.RequestException:
            return False
        return True

    _wait_until(healthy)


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).ok
    except requests.RequestException:
        return False


def _wait_until(done: Any) -> None:  # noqa: ANN401 - a function without arguments
    until = time.monotonic() + _READY_SECONDS
    while not done():
        if time.monotonic() > until:
            raise CommandFailed(CONFIG, "A process of the demo did not get ready.")
        time.sleep(_LOOK_SECONDS)
