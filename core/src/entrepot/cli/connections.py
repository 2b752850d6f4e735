"""connections: the ways to vendors and PSA systems."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import FAILED, MISSING, USAGE, CommandFailed
from entrepot.hub.connections.views import ConnectionView


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Vendors and PSA systems.", no_args_is_help=True)
    group.command("list")(connections_list)
    group.command("settings")(settings)
    group.command("add")(add)
    group.command("show")(show)
    group.command("check")(check)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("schedule")(schedule)
    group.command("remove")(remove)
    app.add_typer(group, name="connections")


def find(cli: Cli, reference: str) -> ConnectionView:
    """A connection by id or name.

    Raises:
        CommandFailed: There is none.
    """
    for one in cli.hub.connections.list(cli.actor):
        if reference in (one.id, one.name):
            return one
    raise CommandFailed(
        MISSING,
        f"There is no connection {reference!r}.",
        "See: entrepot connections list",
        "no_such_connection",
    )


def psa_of(cli: Cli, reference: str = "") -> ConnectionView:
    """A PSA connection by id or name, or the only one.

    Raises:
        CommandFailed: There is none, or there are several and none was named.
    """
    listed = cli.hub.connections.list(cli.actor)
    found = [one for one in listed if one.kind == "psa" and one.state != "removed"]
    if reference:
        found = [one for one in found if reference in (one.id, one.name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.name for one in found)
        raise CommandFailed(
            USAGE, f"There are several PSA systems: {names}.", "Name one with --psa."
        )
    word = f"PSA connection {reference!r}" if reference else "PSA connection"
    raise CommandFailed(
        MISSING,
        f"There is no {word}.",
        "See: entrepot connections list"
        if listed
        else "Add one: entrepot connections add PLUGIN",
        "no_psa",
    )


def connections_list(ctx: typer.Context) -> None:
    """List the connections with their health."""
    cli = cli_of(ctx)
    cli.table(
        "Connections",
        cli.hub.connections.list(cli.actor),
        {
            "Name": lambda one: one.name,
            "Plugin": lambda one: one.plugin,
            "State": lambda one: one.state,
            "Account": lambda one: one.account_name,
            "Last success": lambda one: one.last_ok_at,
            "What to do": lambda one: one.parked.remedy if one.parked else "",
            "Id": lambda one: one.id,
        },
    )


def settings(ctx: typer.Context, plugin: str) -> None:
    """List what a plugin wants to know."""
    cli = cli_of(ctx)
    cli.table(
        f"Settings of {plugin}",
        cli.hub.connections.settings_schema(plugin),
        {
            "Name": lambda one: one.name,
            "Label": lambda one: one.info.label,
            "Secret": lambda one: one.info.secret,
            "Required": lambda one: one.required,
            "Default": lambda one: one.default,
            "Help": lambda one: one.info.help,
        },
    )


def add(
    ctx: typer.Context,
    plugin: str,
    name: Annotated[str, typer.Option(help="As you call it.")] = "",
    value: Annotated[
        list[str] | None,
        typer.Option("--set", help="setting=value; missing ones are asked for."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Prove it before saving.")
    ] = True,
) -> None:
    """Add a connection; settings that are missing are asked for."""
    cli = cli_of(ctx)
    given = dict(_pair(one) for one in value or [])
    values = {**_asked(cli, plugin, given), **given}
    made = cli.hub.connections.add(
        cli.actor, plugin=plugin, name=name or plugin, values=values, check=check
    )
    cli.emit(
        made,
        lambda console: console.print(
            f"Added {made.name}: {made.account_name or 'not checked'}.\n"
            f"Read it with: entrepot sync {made.name}"
        ),
    )


def _asked(cli: Cli, plugin: str, given: dict[str, str]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if cli.json:
        return asked
    for field in cli.hub.connections.settings_schema(plugin):
        wanted = field.required or (field.info.secret and not field.info.advanced)
        if field.name in given or not wanted:
            continue
        if field.info.help:
            cli.say(f"[dim]{field.info.help}[/]")
        asked[field.name] = typer.prompt(field.info.label, hide_input=field.info.secret)
    return asked


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        msg = f"--set takes setting=value, not {text!r}."
        raise typer.BadParameter(msg)
    return key, value


def show(ctx: typer.Context, connection: str) -> None:
    """Show one connection, without its secrets."""
    cli = cli_of(ctx)
    cli.emit(find(cli, connection))


def check(ctx: typer.Context, connection: str) -> None:
    """Prove that a connection works."""
    cli = cli_of(ctx)
    report = cli.hub.connections.check(cli.actor, find(cli, connection).id)
    if report.error is not None:
        raise CommandFailed(
            FAILED,
            report.error.user_message,
            report.error.remedy or "",
            report.error.code,
        )
    found = report.connection
    cli.emit(
        found,
        lambda console: console.print(f"{found.name} works: {found.account_name}"),
    )


def pause(
    ctx: typer.Context,
    connection: str,
    why: Annotated[str, typer.Option(help="Reason, for the audit log.")] = "",
) -> None:
    """Stop all work of a connection."""
    cli = cli_of(ctx)
    done = cli.hub.connections.pause(cli.actor, find(cli, connection).id, why)
    cli.emit(done, lambda console: console.print(f"{done.name} is paused."))


def resume(
    ctx: typer.Context,
    connection: str,
    why: Annotated[str, typer.Option(help="Reason, for the audit log.")] = "",
) -> None:
    """Let a paused or parked connection work again."""
    cli = cli_of(ctx)
    done = cli.hub.connections.resume(cli.actor, find(cli, connection).id, why)
    cli.emit(done, lambda console: console.print(f"{done.name} is active."))


def schedule(
    ctx: typer.Context,
    connection: str,
    every: Annotated[int, typer.Option(help="Minutes between syncs; 0 stops them.")],
) -> None:
    """Read a connection regularly."""
    cli = cli_of(ctx)
    found = find(cli, connection)
    seconds = every * 60 if every else None
    cli.hub.sync.schedule(cli.actor, found.id, seconds)
    text = f"every {every} minutes" if every else "only when asked"
    cli.emit(
        {"connection": found.id, "every_seconds": seconds},
        lambda console: console.print(f"{found.name} is read {text}."),
    )


def remove(
    ctx: typer.Context,
    connection: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a connection; what was read through it stays in the books."""
    cli = cli_of(ctx)
    found = find(cli, connection)
    preview = cli.hub.connections.preview_removal(cli.actor, found.id)
    if not yes:
        for sentence in preview.consequences:
            cli.say(f"- {sentence}")
        typer.confirm(f"Remove {found.name}?", abort=True)
    done = cli.hub.connections.remove(cli.actor, found.id)
    cli.emit(done, lambda console: console.print(f"{found.name} is removed."))
