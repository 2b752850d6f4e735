"""tenants, users, credentials: who may use the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from entrepot.cli.context import cli_of
from entrepot.cli.exits import MISSING, CommandFailed
from entrepot.hub.users.rules import ROLE_TITLES, role_named
from entrepot.hub.users.service import User

_LASTING = Annotated[
    bool,
    typer.Option("--lasting", help="Ask for no other password at the next sign-in."),
]
_WHY = Annotated[str, typer.Option(help="Reason, for the audit log.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    tenants = typer.Typer(help="Resellers of this hub.", no_args_is_help=True)
    tenants.command("list")(tenants_list)
    tenants.command("create")(tenants_create)
    tenants.command("suspend")(tenants_suspend)
    tenants.command("resume")(tenants_resume)
    tenants.command("export")(tenants_export)
    tenants.command("delete")(tenants_delete)
    users = typer.Typer(help="People who sign in.", no_args_is_help=True)
    users.command("list")(users_list)
    users.command("add")(users_add)
    users.command("role")(users_role)
    users.command("password")(users_password)
    users.command("lock")(users_lock)
    users.command("unlock")(users_unlock)
    machines = typer.Typer(help="Programs that use the API.", no_args_is_help=True)
    machines.command("list")(credentials_list)
    machines.command("add")(credentials_add)
    app.add_typer(tenants, name="tenants")
    app.add_typer(users, name="users")
    app.add_typer(machines, name="credentials")


def tenants_list(ctx: typer.Context) -> None:
    """List all resellers."""
    cli = cli_of(ctx)
    cli.table(
        "Resellers",
        cli.hub.tenants.list(cli.operator),
        {
            "Slug": lambda one: one.slug,
            "Name": lambda one: one.name,
            "Status": lambda one: one.status,
            "Zone": lambda one: one.billing_zone,
            "Id": lambda one: one.id,
        },
    )


def tenants_create(
    ctx: typer.Context,
    name: str,
    zone: Annotated[str, typer.Option(help="Time zone of billing days.")] = "UTC",
) -> None:
    """Add a reseller."""
    cli = cli_of(ctx)
    made = cli.hub.tenants.create(cli.operator, name=name, billing_zone=zone)
    cli.emit(made, lambda console: console.print(f"Added {made.slug} ({made.id})."))


def tenants_suspend(ctx: typer.Context, reseller: str, why: _WHY) -> None:
    """Lock a reseller out; its data stays."""
    cli = cli_of(ctx)
    done = cli.hub.tenants.suspend(cli.operator, reseller, why)
    cli.emit(done, lambda console: console.print(f"{done.slug} is suspended."))


def tenants_resume(ctx: typer.Context, reseller: str, why: _WHY) -> None:
    """Let a suspended reseller in again."""
    cli = cli_of(ctx)
    done = cli.hub.tenants.resume(cli.operator, reseller, why)
    cli.emit(done, lambda console: console.print(f"{done.slug} is active."))


def tenants_export(ctx: typer.Context, reseller: str, path: Path) -> None:
    """Write all rows of a reseller to an archive."""
    cli = cli_of(ctx)
    counts = cli.hub.tenants.export(cli.operator, reseller, path)
    rows = sum(counts.values())
    cli.emit(counts, lambda console: console.print(f"Wrote {rows} rows to {path}."))


def tenants_delete(
    ctx: typer.Context,
    reseller: str,
    why: _WHY,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a suspended reseller with everything it owns."""
    cli = cli_of(ctx)
    if not yes:
        typer.confirm(f"Delete {reseller} and all its data for good?", abort=True)
    counts = cli.hub.tenants.delete(cli.operator, reseller, why)
    rows = sum(counts.values())
    cli.emit(counts, lambda console: console.print(f"Deleted {rows} rows."))


def users_list(ctx: typer.Context) -> None:
    """List the people of this hub."""
    cli = cli_of(ctx)
    cli.table(
        "People",
        cli.hub.users.list_users(cli.operator),
        {
            "E-mail": lambda one: one.email,
            "Name": lambda one: one.name,
            "Roles": lambda one: [
                f"{ROLE_TITLES.get(role, role)} at {tenant}"
                for tenant, role in one.roles
            ],
            "Active": lambda one: one.active,
            "Id": lambda one: one.id,
        },
    )


def users_add(
    ctx: typer.Context,
    email: str,
    name: Annotated[str, typer.Option(help="As shown to others.")] = "",
    role: Annotated[str, typer.Option(help="What the person may do.")] = "read-only",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
    operator: Annotated[
        bool, typer.Option("--operator", help="They stand above all resellers, too.")
    ] = False,
    lasting: _LASTING = False,
) -> None:
    """Add a person to a reseller."""
    cli = cli_of(ctx)
    made = cli.hub.users.create_user(
        cli.operator,
        email=email,
        name=name or email.partition("@")[0],
        password=password,
        tenant_id=cli.actor.tenant_id,
        role=role_named(role),
        operator=operator,
        must_change=not lasting,
    )
    title = _title(made, cli.actor.tenant_id)
    cli.emit(made, lambda console: console.print(f"Added {made.email}: {title}."))


def _user_id(ctx: typer.Context, email: str) -> str:
    cli = cli_of(ctx)
    for user in cli.hub.users.list_users(cli.operator):
        if email in (user.email, user.id):
            return user.id
    raise CommandFailed(
        MISSING,
        f"There is nobody with the address {email}.",
        "See: entrepot users list",
        "no_such_user",
    )


def users_role(ctx: typer.Context, email: str, role: str) -> None:
    """Give a person another role at a reseller."""
    cli = cli_of(ctx)
    user_id = _user_id(ctx, email)
    tenant = cli.actor.tenant_id
    done = cli.hub.users.grant_role(cli.operator, user_id, tenant, role_named(role))
    title = _title(done, tenant)
    cli.emit(done, lambda console: console.print(f"{done.email}: {title} now."))


def _title(user: User, tenant_id: str) -> str:
    role = user.role_at(tenant_id)
    return ROLE_TITLES.get(role, role)


def users_password(
    ctx: typer.Context,
    email: str,
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
    lasting: _LASTING = False,
) -> None:
    """Set a person's password and end all their sessions."""
    cli = cli_of(ctx)
    user_id = _user_id(ctx, email)
    cli.hub.users.set_password(cli.operator, user_id, password, lasting=lasting)
    said = "The password is set."
    if not lasting:
        said += " They choose their own at the next sign-in."
    cli.emit({"email": email}, lambda console: console.print(said))


def users_lock(ctx: typer.Context, email: str) -> None:
    """Lock a person out at once."""
    _set_active(ctx, email, active=False)


def users_unlock(ctx: typer.Context, email: str) -> None:
    """Let a person in again."""
    _set_active(ctx, email, active=True)


def _set_active(ctx: typer.Context, email: str, *, active: bool) -> None:
    cli = cli_of(ctx)
    user_id = _user_id(ctx, email)
    done = cli.hub.users.set_active(cli.operator, user_id, active=active)
    word = "may sign in" if active else "is locked out"
    cli.emit(done, lambda console: console.print(f"{done.email} {word}."))


def credentials_list(ctx: typer.Context) -> None:
    """List the programs of a reseller."""
    cli = cli_of(ctx)
    cli.table(
        "Programs",
        cli.hub.credentials.list_credentials(cli.actor),
        {
            "Client id": lambda one: one.id,
            "Name": lambda one: one.name,
            "Scopes": lambda one: one.scopes,
            "Active": lambda one: one.active,
        },
    )


def credentials_add(
    ctx: typer.Context,
    name: str,
    scope: Annotated[list[str], typer.Option(help="Repeat for each scope.")],
) -> None:
    """Let a program use the API; its secret is shown this once."""
    cli = cli_of(ctx)
    made, secret = cli.hub.credentials.create_credential(
        cli.actor, name=name, scopes=tuple(scope)
    )
    cli.emit(
        {"client_id": made.id, "client_secret": secret, "scopes": made.scopes},
        lambda console: console.print(
            f"Client id {made.id}\nClient secret {secret}\n"
            "The secret is not shown again."
        ),
    )
