"""The application: global options, sub-commands, errors to exit codes."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.exc import OperationalError
from typer.exceptions import TyperException

from entrepot.cli import (
    books,
    charges,
    connections,
    demo,
    mapping,
    people,
    plugins,
    reconcile,
    serve,
    setup,
    simulators,
    sync,
    upkeep,
)
from entrepot.cli.context import Cli, as_json
from entrepot.cli.exits import BUG, MEANINGS, UNREACHABLE, USAGE, Failure, failure_of

_EPILOG = (
    "Options --json, --tenant and --config may stand anywhere. Exit codes: "
    + "; ".join(f"{code} {text}" for code, text in MEANINGS.items())
    + "."
)

app = typer.Typer(
    name="entrepot",
    help="One set of books between cloud vendors and a reseller's PSA.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Settings file (TOML); else ENTREPOT_CONFIG.")
    ] = None,
    tenant: Annotated[
        str, typer.Option(help="Reseller by id or slug; not needed for the only one.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Options of every command."""
    ctx.obj = Cli(config=config, tenant=tenant, json=json)
    ctx.call_on_close(ctx.obj.close)


for _module in (
    setup,
    serve,
    people,
    upkeep,
    connections,
    sync,
    books,
    charges,
    mapping,
    reconcile,
    plugins,
    simulators,
    demo,
):
    _module.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a code that means something."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    ordered = globals_first(given)
    as_data = "--json" in ordered
    try:
        command = typer.main.get_command(app)
        code = command.main(ordered, prog_name="entrepot", standalone_mode=False)
    except typer.Abort:
        sys.exit(130)
    except TyperException as error:
        sys.exit(_misunderstood(error, as_data=as_data))
    except Exception as error:  # noqa: BLE001 - the last handler of the process
        sys.exit(_tell(error, as_data=as_data))
    sys.exit(code if isinstance(code, int) else 0)


def globals_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options moved to the front. Pure."""
    front: list[str] = []
    rest: list[str] = []
    pending = list(arguments)
    while pending:
        one = pending.pop(0)
        if one == "--":
            rest += [one, *pending]
            break
        if one == "--json":
            front.append(one)
        elif one in ("--tenant", "--config") and pending:
            front += [one, pending.pop(0)]
        elif one.startswith(("--tenant=", "--config=")):
            front.append(one)
        else:
            rest.append(one)
    return front + rest


def _misunderstood(error: TyperException, *, as_data: bool) -> int:
    """Say what was wrong with the words of the command itself."""
    if as_data:
        told = error.format_message()
        failure = Failure(USAGE, "usage", told, "See: entrepot --help")
        return _show(failure, as_data=True)
    error.show()  # type: ignore[attr-defined]  # all that Typer's parser raises have it
    return USAGE


def _tell(error: Exception, *, as_data: bool) -> int:
    failure = failure_of(error)
    if failure is None and isinstance(error, OperationalError):
        failure = Failure(
            UNREACHABLE,
            "database_unreachable",
            f"The database does not answer: {error.orig}",
            "Check ENTREPOT_DATABASE_URL and that the server runs.",
        )
    if failure is None:
        logging.getLogger(__name__).debug("command failed", exc_info=error)
        traceback.print_exception(error)
        failure = Failure(
            BUG,
            type(error).__name__,
            f"This is a fault of the program: {error}",
            "Please report it with the lines above.",
        )
    return _show(failure, as_data=as_data)


def _show(failure: Failure, *, as_data: bool) -> int:
    if as_data:
        document = {
            "error": failure.word,
            "message": failure.text,
            "remedy": failure.remedy,
            "field": failure.field,
        }
        sys.stderr.write(as_json(document) + "\n")
    else:
        console = Console(stderr=True, highlight=False)
        console.print(f"[bold red]{failure.text}[/]", soft_wrap=True)
        if failure.remedy:
            console.print(failure.remedy, soft_wrap=True)
    return failure.code
