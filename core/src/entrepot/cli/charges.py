"""charges, usage: what vendors metered and what they charge."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from entrepot.cli.connections import find
from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import FAILED, CommandFailed
from entrepot.hub.charges import rules
from entrepot.hub.charges.export import FORMATS
from entrepot.hub.charges.service import LineQuery

_LIMIT = Annotated[int, typer.Option(help="At most so many, up to 200.")]
_CUSTOMER = Annotated[str, typer.Option(help="Only this customer's (our id).")]
_SUBSCRIPTION = Annotated[str, typer.Option(help="Only this subscription's (our id).")]
_CONNECTION = Annotated[str, typer.Option(help="Only this one's (name or id).")]
_PERIOD = Annotated[str, typer.Option(help="Only this billing month, as 2026-03.")]
_FORMAT = Annotated[str, typer.Option("--format", help="csv or ndjson.")]
_TO = Annotated[Path | None, typer.Option("--to", help="File; else to the screen.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    charges = typer.Typer(help="What the vendors charge.", no_args_is_help=True)
    charges.command("list")(charges_list)
    charges.command("sync")(charges_sync)
    charges.command("import")(charges_import)
    charges.command("readings")(charges_readings)
    charges.command("export")(charges_export)
    app.add_typer(charges, name="charges")
    usage = typer.Typer(help="What the vendors metered.", no_args_is_help=True)
    usage.command("list")(usage_list)
    usage.command("export")(usage_export)
    app.add_typer(usage, name="usage")


def charges_list(
    ctx: typer.Context,
    customer: _CUSTOMER = "",
    subscription: _SUBSCRIPTION = "",
    connection: _CONNECTION = "",
    period: _PERIOD = "",
    kind: Annotated[str, typer.Option(help="recurring, usage, credit …")] = "",
    limit: _LIMIT = 50,
) -> None:
    """List charges."""
    cli = cli_of(ctx)
    query = _query(cli, customer, subscription, connection, period, kind, limit)
    cli.table(
        "Charges",
        cli.hub.charges.charges(cli.actor, query).items,
        {
            "Month": lambda one: one.month,
            "Customer": lambda one: one.customer_name or one.customer_vendor_id,
            "What": lambda one: one.name or one.sku,
            "Kind": lambda one: one.kind,
            "From": lambda one: one.period_start,
            "Until before": lambda one: one.period_end,
            "Quantity": lambda one: _number(one.quantity),
            "Amount": lambda one: f"{_number(one.amount)} {one.currency}",
            "Estimated": lambda one: one.estimated,
            "Source": lambda one: one.source,
        },
    )


def usage_list(
    ctx: typer.Context,
    customer: _CUSTOMER = "",
    subscription: _SUBSCRIPTION = "",
    connection: _CONNECTION = "",
    period: _PERIOD = "",
    limit: _LIMIT = 50,
) -> None:
    """List metered quantities."""
    cli = cli_of(ctx)
    query = _query(cli, customer, subscription, connection, period, "", limit)
    cli.table(
        "Usage",
        cli.hub.charges.usage(cli.actor, query).items,
        {
            "Customer": lambda one: one.customer_name or one.customer_vendor_id,
            "What": lambda one: one.name or one.sku,
            "From": lambda one: one.starts_at,
            "Until before": lambda one: one.ends_at,
            "Quantity": lambda one: f"{_number(one.quantity)} {one.unit}",
            "Cost": lambda one: f"{_number(one.cost)} {one.currency}",
            "Estimated": lambda one: one.estimated,
            "Source": lambda one: one.source,
        },
    )


def charges_sync(
    ctx: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(help="Name or id; all active vendors without.")
    ] = None,
    period: Annotated[
        str, typer.Option(help="One billing month; else all that may still change.")
    ] = "",
) -> None:
    """Read usage and charges into the books."""
    cli = cli_of(ctx)
    done = [_read(cli, target, period) for target in _targets(cli, connection)]
    _report(cli, done)


def charges_import(
    ctx: typer.Context,
    connection: Annotated[str, typer.Argument(help="Name or id.")],
    file: Annotated[
        Path, typer.Argument(help="The vendor's export.", exists=True, dir_okay=False)
    ],
) -> None:
    """Take a vendor's export from a file, and read its months into the books."""
    cli = cli_of(ctx)
    target = find(cli, connection).id
    taken = cli.hub.charges.files.take(cli.actor, target, file.name, file.read_bytes())
    _report(cli, [_read(cli, target, month) for month in taken.months])


def _report(cli: Cli, done: list[dict[str, Any]]) -> None:
    """Show what was read; fails where something could not be."""
    cli.table(
        "Read",
        done,
        {
            "Connection": lambda one: one["connection"],
            "State": lambda one: one["state"],
            "New": lambda one: one["counts"].get("new", 0),
            "Restated": lambda one: one["counts"].get("changed", 0),
            "Withdrawn": lambda one: one["counts"].get("gone", 0),
            "Unchanged": lambda one: one["counts"].get("same", 0),
            "Incomplete because": lambda one: one["incomplete"].values(),
        },
    )
    if any(one["state"] == "incomplete" for one in done):
        raise CommandFailed(
            FAILED,
            "Not everything could be read.",
            "See why: entrepot charges readings",
            "incomplete",
        )


def charges_readings(ctx: typer.Context, period: _PERIOD = "") -> None:
    """Show how completely every month was read."""
    cli = cli_of(ctx)
    cli.table(
        "Readings",
        cli.hub.charges.readings(cli.actor, month=period or None),
        {
            "Month": lambda one: one.month,
            "Connection": lambda one: one.connection_id,
            "Kind": lambda one: one.kind,
            "Lines": lambda one: one.lines,
            "Complete": lambda one: one.complete,
            "Last complete": lambda one: one.complete_at,
            "Incomplete because": lambda one: one.reason,
        },
    )


def charges_export(
    ctx: typer.Context,
    customer: _CUSTOMER = "",
    subscription: _SUBSCRIPTION = "",
    connection: _CONNECTION = "",
    period: _PERIOD = "",
    form: _FORMAT = "csv",
    to: _TO = None,
) -> None:
    """Write all charges to a file whose last line says how complete it is."""
    cli = cli_of(ctx)
    query = _query(cli, customer, subscription, connection, period, "", 1)
    _export(cli, rules.CHARGES, form, to, query)


def usage_export(
    ctx: typer.Context,
    customer: _CUSTOMER = "",
    subscription: _SUBSCRIPTION = "",
    connection: _CONNECTION = "",
    period: _PERIOD = "",
    form: _FORMAT = "csv",
    to: _TO = None,
) -> None:
    """Write all metered quantities to a file; its last line says how complete it is."""
    cli = cli_of(ctx)
    query = _query(cli, customer, subscription, connection, period, "", 1)
    _export(cli, rules.USAGE, form, to, query)


def _query(
    cli: Cli,
    customer: str,
    subscription: str,
    connection: str,
    period: str,
    kind: str,
    limit: int,
) -> LineQuery:
    return LineQuery(
        customer_id=customer or None,
        subscription_id=subscription or None,
        connection_id=find(cli, connection).id if connection else None,
        month=period or None,
        kind=kind or None,
        limit=limit,
    )


def _export(cli: Cli, kind: str, form: str, to: Path | None, query: LineQuery) -> None:
    if form not in FORMATS:
        msg = f"--format is {' or '.join(FORMATS)}, not {form}."
        raise typer.BadParameter(msg)
    lines = cli.hub.charges.export(cli.actor, kind, form, query)
    count = 0
    with to.open("w", newline="") if to else nullcontext(sys.stdout) as stream:
        for line in lines:
            stream.write(line)
            count += 1
    if to is not None:
        rows = count - (2 if form == "csv" else 1)
        cli.emit({"rows": rows, "file": str(to)}, lambda c: _told(c, rows, to))


def _told(console: Console, rows: int, to: Path) -> None:
    console.print(f"{rows} lines in {to}; the trailer at its end says how complete.")


def _targets(cli: Cli, connection: str | None) -> list[str]:
    if connection is not None:
        return [find(cli, connection).id]
    listed = cli.hub.connections.list(cli.actor, kind="vendor")
    active = [one.id for one in listed if one.state == "active"]
    if not active:
        raise CommandFailed(
            FAILED,
            "There is no active connection to a vendor.",
            "Add one: entrepot connections add PLUGIN",
            "no_connection",
        )
    return active


def _read(cli: Cli, connection_id: str, period: str) -> dict[str, Any]:
    service, name = cli.hub.charges, find(cli, connection_id).name
    wanted = service.prepare(cli.actor, connection_id, period, cause="command")
    run = cli.run(lambda session: service.submit(session, wanted), name)
    return {"connection": name, **run.result}


def _number(value: Any) -> str:  # noqa: ANN401 - a Decimal or None
    return "" if value is None else format(value, "f")
