"""What every command starts from: settings, hub, reseller, output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from entrepot.app import Hub, build_hub
from entrepot.cli.exits import CONFIG, FAILED, CommandFailed
from entrepot.jobs.inline import run_inline
from entrepot.jobs.submit import RunRef
from entrepot.jobs.views import RunView
from entrepot.store import (
    ALL_PERMISSIONS,
    Actor,
    Settings,
    TenantScope,
    load_settings,
    operator_actor,
)
from entrepot.store.migrations.run import current_revision, is_current


@dataclass
class Cli:
    """One invocation.

    Args:
        config: TOML file, or None.
        tenant: Reseller by id or slug; empty = the only one.
        json: Print JSON instead of tables.
    """

    config: Path | None = None
    tenant: str = ""
    json: bool = False
    _hubs: list[Hub] = field(default_factory=list)

    @cached_property
    def settings(self) -> Settings:
        """The operator's settings."""
        return load_settings(file=self.config)

    @cached_property
    def hub(self) -> Hub:
        """The hub, on a database that is up to date."""
        hub = self.bare_hub
        if not is_current(hub.store.engine):
            known = current_revision(hub.store.engine)
            raise CommandFailed(
                CONFIG,
                "The database is empty." if known is None else "The database is old.",
                "Run: entrepot init" if known is None else "Run: entrepot db upgrade",
                "database_not_current",
            )
        return hub

    @cached_property
    def bare_hub(self) -> Hub:
        """The hub, whatever state the database is in."""
        hub = build_hub(self.settings)
        self._hubs.append(hub)
        return hub

    @property
    def operator(self) -> Actor:
        """The operator above all resellers."""
        return operator_actor("command line")

    @cached_property
    def actor(self) -> Actor:
        """The operator at the named reseller, or at the only one."""
        tenants = self.hub.tenants
        found = (
            tenants.get(self.operator, self.tenant) if self.tenant else tenants.only()
        )
        return Actor("cli", "operator", found.id, "command line", ALL_PERMISSIONS)

    @property
    def scope(self) -> TenantScope:
        """The reseller's scope."""
        return TenantScope(self.actor.tenant_id)

    def close(self) -> None:
        """Let go of everything."""
        for hub in self._hubs:
            hub.close()

    # Output

    @cached_property
    def console(self) -> Console:
        """Where people read."""
        return Console(stderr=False)

    def emit(
        self,
        data: Any,  # noqa: ANN401 - any JSON-ready value
        show: Callable[[Console], None] | None = None,
    ) -> None:
        """Print a result: as JSON, or as `show` draws it."""
        if self.json or show is None:
            sys.stdout.write(as_json(data) + "\n")
        else:
            show(self.console)
        # Whoever reads through a pipe shall not wait for the end of the process.
        sys.stdout.flush()

    def table(
        self,
        title: str,
        items: Sequence[Any],
        columns: Mapping[str, Callable[[Any], object]],
    ) -> None:
        """Print a list, as JSON records or as a table."""

        def show(console: Console) -> None:
            table = Table(title=title, title_justify="left", header_style="bold")
            for name in columns:
                table.add_column(name, overflow="fold")
            for item in items:
                table.add_row(*(plain(cell(item)) for cell in columns.values()))
            console.print(table)

        self.emit([record(item) for item in items], show)

    def say(self, text: str) -> None:
        """Tell people something; silent with ``--json``."""
        if not self.json:
            self.console.print(text)

    # Durable work

    def run(
        self,
        submit: Callable[[Any], RunRef],
        title: str,
        scope: TenantScope | None = None,
    ) -> RunView:
        """Submit a run and stay with it, showing how far it is.

        Args:
            submit: Submits it in the unit of work it is given.
            title: What people read beside the bar.
            scope: Whose run it is; the reseller's when None.

        Raises:
            CommandFailed: The run did not succeed.
        """
        owner = scope or self.scope
        with self._progress(title) as follow:
            run = run_inline(self.hub.jobs, self.hub, owner, submit, follow=follow)
        if run.state != "succeeded":
            raise CommandFailed(
                FAILED,
                run.error_text or f"The run ended as {run.state}.",
                f"Look at it: entrepot jobs show {run.id}",
                run.error_code or run.state,
            )
        return run

    def follow(self, ref: RunRef, title: str) -> RunView:
        """Stay with a run that was submitted already; see `run`."""
        return self.run(lambda _session: ref, title)

    @contextmanager
    def _progress(self, title: str) -> Iterator[Callable[[RunView], None]]:
        if self.json or not sys.stderr.isatty():
            yield lambda _run: None
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None, rate="")

            def follow(run: RunView) -> None:
                at = run.progress
                rate = f"{at.per_second:,.0f}/s" if at.per_second else ""
                bar.update(
                    task,
                    completed=at.done,
                    total=at.total,
                    description=f"{title}: {at.phase or run.state}",
                    rate=rate,
                )

            yield follow


def cli_of(ctx: typer.Context) -> Cli:
    """The invocation a command belongs to."""
    found = ctx.find_object(Cli)
    if found is None:
        msg = "the command was called without its application"
        raise RuntimeError(msg)
    return found


def record(item: Any) -> Any:  # noqa: ANN401 - any JSON-ready value
    """A dataclass as a record; anything else as it is."""
    if is_dataclass(item) and not isinstance(item, type):
        return asdict(item)
    return item


def as_json(data: Any) -> str:  # noqa: ANN401 - any JSON-ready value
    """JSON with decimals as text and times in RFC 3339."""
    encoded = msgspec.json.encode(data, enc_hook=str, order="deterministic")
    return msgspec.json.format(encoded, indent=2).decode()


def plain(value: object) -> str:
    """A cell's text; empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "strftime") and hasattr(value, "hour"):
        return value.strftime("%Y-%m-%d %H:%M:%S")  # type: ignore[no-any-return]  # a datetime
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return ", ".join(str(one) for one in value)
    return str(value)
