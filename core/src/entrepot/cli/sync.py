"""sync: reading connections into the books."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli.connections import find
from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import FAILED, CommandFailed
from entrepot.hub.sync.service import SyncRunView


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("sync")(sync)


def sync(
    ctx: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(help="Name or id; all active ones when left out.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, not only what changed.")
    ] = False,
    customer: Annotated[
        str, typer.Option(help="Only this one: our id, or with CONNECTION its own.")
    ] = "",
    runs: Annotated[
        bool, typer.Option("--runs", help="List the latest runs instead.")
    ] = False,
) -> None:
    """Read connections into the books, and show how far it is."""
    cli = cli_of(ctx)
    if runs:
        _show(cli, cli.hub.sync.runs(cli.actor, limit=20))
        return
    if customer:
        done = _customer(cli, connection, customer)
    else:
        done = [_one(cli, target, full) for target in _targets(cli, connection)]
    _show(cli, done)
    worst = [run for run in done if run.state != "complete"]
    if worst:
        run = worst[0]
        raise CommandFailed(
            FAILED,
            run.error_text or f"Incomplete: {run.incomplete_reason}",
            run.remedy or "Run it again; what could be read is in the books.",
            run.error_code or "incomplete",
        )


def _targets(cli: Cli, connection: str | None) -> list[str]:
    if connection is not None:
        return [find(cli, connection).id]
    listed = cli.hub.connections.list(cli.actor)
    active = [one.id for one in listed if one.state == "active"]
    if not active:
        raise CommandFailed(
            FAILED,
            "There is no active connection.",
            "Add one: entrepot connections add PLUGIN",
            "no_connection",
        )
    return active


def _customer(cli: Cli, connection: str | None, customer: str) -> list[SyncRunView]:
    """Read one customer: all its accounts, or the one of a connection.

    Raises:
        CommandFailed: None of its connections can be read.
    """
    service = cli.hub.sync
    if connection is not None:
        found = find(cli, connection)
        started = [
            service.start_subject(cli.actor, found.id, customer, cause="command")
        ]
    else:
        started = service.start_customer(cli.actor, customer, cause="command")
    if not started:
        raise CommandFailed(
            FAILED,
            "No connection of this customer can be read now.",
            "See what to do: entrepot connections list",
            "no_connection",
        )
    done = [cli.follow(ref, "Customer") for ref in started]
    return [service.run(cli.actor, run.id) for run in done]


def _one(cli: Cli, connection_id: str, full: bool) -> SyncRunView:
    service = cli.hub.sync
    mode = "full" if full else "incremental"
    wanted = service.prepare(cli.actor, connection_id, mode=mode, cause="command")
    run = cli.run(
        lambda session: service.submit(session, cli.actor, wanted),
        find(cli, connection_id).name,
    )
    return service.run(cli.actor, run.id)


def _show(cli: Cli, runs: list[SyncRunView]) -> None:
    cli.table(
        "Sync runs",
        runs,
        {
            "Connection": lambda one: one.connection_id,
            "Mode": lambda one: one.mode,
            "State": lambda one: one.state,
            "Started": lambda one: one.started_at,
            "Read": lambda one: _total(one, "read"),
            "New": lambda one: _total(one, "new"),
            "Changed": lambda one: _total(one, "changed"),
            "Gone": lambda one: _total(one, "gone"),
            "Incomplete because": lambda one: one.error_text or one.incomplete_reason,
        },
    )


def _total(run: SyncRunView, name: str) -> int:
    return sum(counts.get(name, 0) for counts in run.counts.values())
