"""init, db upgrade, doctor: a hub that is ready to work."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from entrepot.app import Hub
from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import FAILED, CommandFailed
from entrepot.jobs.engine import migrate
from entrepot.jobs.lease import workers
from entrepot.store import Actor, SystemScope, system_actor
from entrepot.store.engine import WEB_ROLE
from entrepot.store.keys import load_keyring
from entrepot.store.migrations.run import current_revision, is_current, upgrade
from entrepot.store.state import writes_paused

MANY_CONNECTIONS = 50
_ENOUGH_BYTES = 500_000_000


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    database = typer.Typer(help="The database.", no_args_is_help=True)
    database.command("upgrade")(db_upgrade)
    app.command("init")(init)
    app.add_typer(database, name="db")
    app.command("doctor")(doctor)


def init(
    ctx: typer.Context,
    reseller: Annotated[str, typer.Option(help="Name of your company.")] = "",
    email: Annotated[str, typer.Option(help="Sign-in of the first person.")] = "",
    password: Annotated[
        str, typer.Option(help="Password; a good one is made up when left out.")
    ] = "",
    zone: Annotated[str, typer.Option(help="Time zone of billing days.")] = "UTC",
) -> None:
    """Make keys and tables, the first reseller and the first person.

    Running it again changes nothing that is there.
    """
    cli = cli_of(ctx)
    prepare_database(cli)
    made: dict[str, str] = {"database": cli.settings.database_kind}
    hub = cli.hub
    if reseller and not hub.tenants.list(cli.operator):
        tenant = hub.tenants.create(cli.operator, name=reseller, billing_zone=zone)
        made["reseller"] = tenant.slug
        cli.tenant = tenant.id
    if email and not hub.users.list_users(cli.operator):
        password = password or secrets.token_urlsafe(15)
        hub.users.create_user(
            cli.operator,
            email=email,
            name=email.partition("@")[0],
            password=password,
            tenant_id=cli.actor.tenant_id,
            role="owner",
            operator=True,
        )
        made |= {"email": email, "password": password}
    cli.emit(made, lambda console: console.print(_welcome(made)))


def prepare_database(cli: Cli) -> None:
    """Make the folder, the keys and the tables, as far as they are missing."""
    cli.settings.data_dir.mkdir(parents=True, exist_ok=True)
    load_keyring(cli.settings)
    upgrade(cli.settings)
    role = WEB_ROLE if cli.settings.database_kind == "postgresql" else None
    migrate(cli.settings, application_role=role)


def _welcome(made: dict[str, str]) -> str:
    lines = [f"The {made['database']} database is ready."]
    if "reseller" in made:
        lines.append(f"Reseller {made['reseller']} was added.")
    if "password" in made:
        lines.append(f"Sign in as {made['email']} with {made['password']}")
        lines.append("The password is not shown again.")
    lines.append("Start the hub with: entrepot serve")
    return "\n".join(lines)


def db_upgrade(ctx: typer.Context) -> None:
    """Bring the tables to this version of the program."""
    cli = cli_of(ctx)
    prepare_database(cli)
    revision = current_revision(cli.bare_hub.store.engine)
    cli.emit(
        {"revision": revision},
        lambda console: console.print(f"The database is at {revision}."),
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the doctor looked at."""

    name: str
    ok: bool
    text: str
    remedy: str = ""


def doctor(ctx: typer.Context) -> None:
    """Look at everything that can be wrong, and say what to do."""
    cli = cli_of(ctx)
    findings = [look(cli) for look in _LOOKS]
    cli.table(
        "Doctor",
        findings,
        {
            "Checked": lambda one: one.name,
            "": lambda one: "ok" if one.ok else "!",
            "Found": lambda one: one.text,
            "Remedy": lambda one: one.remedy,
        },
    )
    if not all(finding.ok for finding in findings):
        raise CommandFailed(FAILED, "Not everything is well; see above.")


def _python(_cli: Cli) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), version)


def _database(cli: Cli) -> Finding:
    hub = cli.bare_hub
    kind = cli.settings.database_kind
    if not is_current(hub.store.engine):
        return Finding("Database", False, "not up to date", "entrepot db upgrade")
    text = kind if kind != "sqlite" else f"sqlite {sqlite3.sqlite_version}"
    return Finding("Database", True, text)


def _scale(cli: Cli) -> Finding:
    hub = cli.bare_hub
    if cli.settings.database_kind != "sqlite" or not is_current(hub.store.engine):
        return Finding("Scale", True, "any number of processes")
    count = sum(
        len(hub.connections.list(_reader(tenant.id)))
        for tenant in hub.tenants.list(cli.operator)
        if tenant.status == "active"
    )
    return Finding(
        "Scale",
        count <= MANY_CONNECTIONS,
        f"{count} connections on SQLite, one worker",
        "" if count <= MANY_CONNECTIONS else "Move to PostgreSQL",
    )


def _keys(cli: Cli) -> Finding:
    load_keyring(cli.settings)
    return Finding("Keys", True, "present")


def _plugins(cli: Cli) -> Finding:
    failed = [one for one in cli.bare_hub.plugins.list() if one.state == "failed"]
    text = "; ".join(f"{one.name}: {one.reason}" for one in failed)
    loaded = len(cli.bare_hub.plugins.names())
    return Finding(
        "Plugins",
        not failed,
        text or f"{loaded} loaded",
        "Reinstall or remove the failing plugin" if failed else "",
    )


def _parked(cli: Cli) -> Finding:
    hub = cli.bare_hub
    if not is_current(hub.store.engine):
        return Finding("Connections", True, "not looked at")
    parked = [
        one
        for tenant in hub.tenants.list(cli.operator)
        for one in hub.connections.list(_reader(tenant.id))
        if one.state == "parked"
    ]
    text = "; ".join(
        f"{one.name}: {one.parked.message}" for one in parked if one.parked
    )
    remedy = parked[0].parked.remedy if parked and parked[0].parked else ""
    return Finding("Connections", not parked, text or "none parked", remedy)


def _workers(cli: Cli) -> Finding:
    if cli.settings.database_kind == "sqlite":
        return Finding("Workers", True, "one, started by entrepot serve")
    hub = cli.bare_hub
    if not is_current(hub.store.engine):
        return Finding("Workers", True, "not looked at")
    with hub.store.engine.connect() as connection:
        found = workers(connection)
    remedy = "" if found else "entrepot serve --role worker"
    return Finding("Workers", bool(found), f"{len(found)} alive", remedy)


def _writes(cli: Cli) -> Finding:
    hub: Hub = cli.bare_hub
    if not is_current(hub.store.engine):
        return Finding("Writes", True, "not looked at")
    with hub.store.read(SystemScope("doctor")) as session:
        paused = writes_paused(session)
    return Finding(
        "Writes",
        paused is None,
        "allowed" if paused is None else f"paused: {paused}",
        "" if paused is None else "Start a worker, or run: entrepot writes resume",
    )


def _disk(cli: Cli) -> Finding:
    folder = cli.settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else ".").free
    return Finding(
        "Disk",
        free > _ENOUGH_BYTES,
        f"{free / 1e9:.1f} GB free",
        "" if free > _ENOUGH_BYTES else "Make room in the data folder",
    )


_LOOKS: tuple[Callable[[Cli], Finding], ...] = (
    _python,
    _disk,
    _keys,
    _database,
    _scale,
    _plugins,
    _parked,
    _workers,
    _writes,
)


def _reader(tenant_id: str) -> Actor:
    return system_actor("doctor", tenant_id)
