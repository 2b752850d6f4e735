"""plugins: what is installed, what works, what does not and why."""

from __future__ import annotations

import typer

from entrepot.cli.context import cli_of


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    plugins = typer.Typer(help="Installed plugins.", no_args_is_help=True)
    plugins.command("list")(plugins_list)
    app.add_typer(plugins, name="plugins")


def plugins_list(ctx: typer.Context) -> None:
    """List all plugins, the failed ones with the reason."""
    cli = cli_of(ctx)
    cli.table(
        "Plugins",
        cli.bare_hub.plugins.list(),
        {
            "Name": lambda one: one.name,
            "Title": lambda one: one.title,
            "Kind": lambda one: one.kind,
            "Version": lambda one: one.version,
            "State": lambda one: one.state,
            "Reason": lambda one: one.reason,
            "Gaps": lambda one: [gap.hook for gap in one.gaps],
        },
    )
