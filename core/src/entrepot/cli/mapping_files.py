"""map import, map export: decisions about mappings as CSV files."""

from __future__ import annotations

import sys
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from entrepot.cli.connections import find, psa_of
from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import REFUSED, CommandFailed
from entrepot.hub.mapping.customer_service import CustomerMappings
from entrepot.hub.mapping.product_service import ProductMappings

_PSA = Annotated[str, typer.Option(help="PSA connection; not needed for the only one.")]


class What(StrEnum):
    """What is mapped."""

    CUSTOMERS = "customers"
    PRODUCTS = "products"


def register(group: typer.Typer) -> None:
    """Add the commands of this module to the group `map`."""
    group.command("export")(mappings_export)
    group.command("import")(mappings_import)


def service_of(cli: Cli, what: What) -> CustomerMappings | ProductMappings:
    """The service of one kind of mapping."""
    mapping = cli.hub.mapping
    return mapping.customers if what is What.CUSTOMERS else mapping.products


def mappings_export(
    ctx: typer.Context,
    what: What,
    path: Annotated[Path | None, typer.Argument(help="Printed when left out.")] = None,
    psa: _PSA = "",
) -> None:
    """Write all mappings and open suggestions as CSV, to edit and import."""
    cli = cli_of(ctx)
    service = service_of(cli, what)
    text = service.export_csv(cli.actor, psa_of(cli, psa).id)
    if path is None:
        sys.stdout.write(text)
        return
    path.write_text(text, encoding="utf-8", newline="")
    lines = max(text.count("\r\n") - 1, 0)
    cli.emit(
        {"path": str(path), "lines": lines},
        lambda console: console.print(f"Wrote {lines} lines to {path}."),
    )


def mappings_import(
    ctx: typer.Context,
    what: What,
    path: Path,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would do.")
    ] = False,
    psa: _PSA = "",
) -> None:
    """Carry out the decisions of a CSV file; all of them, or none."""
    cli = cli_of(ctx)
    service = service_of(cli, what)
    text = _text(path)
    done = service.import_csv(cli.actor, psa_of(cli, psa).id, text, dry_run=dry_run)

    def show(console: Console) -> None:
        for line in done.lines:
            if line.message:
                told = f"{path}:{line.line}: {line.field} {line.message}"
                console.print(told, soft_wrap=True, markup=False)
        changed = sum(line.result in ("new", "changed") for line in done.lines)
        word = "changed" if done.saved else "would change"
        console.print(f"{changed} of {len(done.lines)} lines {word} something.")
        if done.batch is not None:
            console.print(f"Take it back with: entrepot map undo {done.batch.id}")

    cli.emit(done, show)
    if done.errors:
        raise CommandFailed(
            REFUSED,
            f"{done.errors} lines are wrong; nothing was saved.",
            "Correct them and import the file again.",
            "lines_wrong",
        )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandFailed(
            REFUSED,
            f"{path} is not encoded in UTF-8.",
            "Save it as “CSV UTF-8” and import it again.",
            "not_utf8",
        ) from error


def decimal(text: str, name: str) -> Decimal:
    """A number that was typed.

    Raises:
        BadParameter: It is no finite number; names the parameter.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        msg = f"{name} is a number such as 2.5, not {text!r}."
        raise typer.BadParameter(msg)
    return value


def sku(cli: Cli, text: str) -> tuple[str, str]:
    """A SKU of one vendor connection, written as ``CONNECTION/SKU``.

    Raises:
        BadParameter: The connection is missing.
        CommandFailed: There is no such connection.
    """
    connection, slash, code = text.partition("/")
    if not slash or not code:
        msg = f"Write CONNECTION/SKU, not {text!r}; see: entrepot connections list"
        raise typer.BadParameter(msg)
    return find(cli, connection).id, code
