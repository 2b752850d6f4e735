"""reconcile: where vendors, books and PSA differ, and putting it right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from entrepot.cli.context import cli_of
from entrepot.cli.exits import FAILED, CommandFailed
from entrepot.hub.reconciliation.casefiles import runner


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Vendors, books and PSA compared.", no_args_is_help=True)
    group.command("cases")(cases)
    app.add_typer(group, name="reconcile")


def cases(
    ctx: typer.Context,
    directory: Path,
    level: Annotated[int, typer.Option(help="1 recurring, 2 closed periods too.")] = 1,
) -> None:
    """Run a directory of worked cases through the rules."""
    cli = cli_of(ctx)
    results = runner.run_cases(directory, level)

    def show(console: Console) -> None:
        for line in runner.format_results(results):
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    cli.emit(runner.as_json(results), show)
    missed = [one for one in results if not one.passed]
    if missed:
        raise CommandFailed(FAILED, f"{len(missed)} of {len(results)} cases missed.")
