"""backup, restore, audit, secrets, jobs: keeping a hub in order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import FAILED, USAGE, CommandFailed
from entrepot.hub.backup import service as backups
from entrepot.jobs.restore import submit_resume
from entrepot.jobs.views import RunQuery
from entrepot.store import TenantScope
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.keys import load_keyring, new_keys
from entrepot.store.secrets import SecretStore


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    audit = typer.Typer(help="The audit log.", no_args_is_help=True)
    audit.command("verify")(audit_verify)
    app.add_typer(audit, name="audit")
    secrets = typer.Typer(help="Secrets of connections.", no_args_is_help=True)
    secrets.command("rotate")(secrets_rotate)
    secrets.command("new-keys")(secrets_new_keys)
    app.add_typer(secrets, name="secrets")
    writes = typer.Typer(help="Writes to the other sides.", no_args_is_help=True)
    writes.command("status")(writes_status)
    writes.command("resume")(writes_resume)
    app.add_typer(writes, name="writes")
    jobs = typer.Typer(help="Durable work.", no_args_is_help=True)
    jobs.command("list")(jobs_list)
    jobs.command("show")(jobs_show)
    jobs.command("cancel")(jobs_cancel)
    jobs.command("retry")(jobs_retry)
    app.add_typer(jobs, name="jobs")


def backup(
    ctx: typer.Context,
    path: Path,
    check: Annotated[
        bool, typer.Option("--check", help="Only test that the file is sound.")
    ] = False,
) -> None:
    """Write a consistent copy of the whole hub to one file."""
    cli = cli_of(ctx)
    if check:
        _check(cli, path)
        return
    manifest = backups.backup(cli.hub.store, cli.operator, path)
    cli.emit(
        manifest,
        lambda console: console.print(
            f"Wrote {path}. Keep the keys elsewhere: the file does not hold them."
        ),
    )


def restore(
    ctx: typer.Context,
    path: Path,
    check: Annotated[
        bool, typer.Option("--check", help="Only test that the file is sound.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what the database holds.")
    ] = False,
) -> None:
    """Bring a backup back; writes to vendors stay paused until they were looked up."""
    cli = cli_of(ctx)
    if check:
        _check(cli, path)
        return
    keyring = load_keyring(cli.settings)
    manifest = backups.restore(
        cli.settings, cli.operator, path, replace=replace, keyring=keyring
    )
    cli.emit(manifest, lambda console: console.print(f"Restored {path}."))


def _check(cli: Cli, path: Path) -> None:
    manifest = backups.check(path, load_keyring(cli.settings))
    cli.emit(manifest, lambda console: console.print("The backup is sound."))


def audit_verify(ctx: typer.Context) -> None:
    """Prove that no audit entry was changed, removed or added."""
    cli = cli_of(ctx)
    actor = cli.actor if cli.tenant else cli.operator
    reports = cli.hub.audit.verify(actor)
    cli.table(
        "Audit chains",
        reports,
        {
            "Reseller": lambda one: one.tenant_id,
            "Entries": lambda one: one.entries,
            "First broken": lambda one: one.broken,
        },
    )
    if any(report.broken is not None for report in reports):
        raise CommandFailed(
            FAILED,
            "The audit log was tampered with or damaged.",
            "Compare it with a backup from before the first broken entry.",
            "audit_broken",
        )


def secrets_rotate(ctx: typer.Context) -> None:
    """Seal all secrets with the newest key; can be cut off and run again."""
    cli = cli_of(ctx)
    count = SecretStore(cli.hub.keyring).rotate(cli.hub.store)
    cli.emit(
        {"rotated": count},
        lambda console: console.print(f"{count} secrets have the newest key now."),
    )


def secrets_new_keys(ctx: typer.Context) -> None:
    """Print a fresh set of keys for ENTREPOT_KEYS or a keys file.

    Put them before the old ones, restart, rotate, then take the old ones away.
    """
    cli = cli_of(ctx)
    keys = [key.text() for key in new_keys()]
    cli.emit(keys, lambda console: console.print("\n".join(keys), soft_wrap=True))


def writes_status(ctx: typer.Context) -> None:
    """Say whether writes go out, and which ones nobody knows the outcome of."""
    cli = cli_of(ctx)
    paused = cli.hub.writes.paused()
    unsettled = [one.reference for one in cli.hub.writes.unsettled()]

    def show(console: Console) -> None:
        console.print(f"Held back: {paused}." if paused else "Writes go out.")
        for reference in unsettled:
            console.print(f"Outcome not known: {reference}")

    cli.emit({"paused": paused, "unsettled": unsettled}, show)


def writes_resume(
    ctx: typer.Context,
    unasked: Annotated[
        bool, typer.Option("--unasked", help="Without looking anything up.")
    ] = False,
    why: Annotated[str, typer.Option(help="Reason, for the audit log.")] = "",
) -> None:
    """Look up what may have gone out before a restore, then let writes go on."""
    cli = cli_of(ctx)
    if cli.hub.writes.paused() is None:
        cli.emit({"paused": None}, lambda console: console.print("Writes go out."))
        return
    if unasked:
        _resume_unasked(cli, why)
    else:
        cli.run(
            lambda session: submit_resume(cli.hub.jobs, session),
            "Looking up writes",
            scope=TenantScope(SYSTEM_TENANT),
        )
    cli.emit({"paused": None}, lambda console: console.print("Writes go out again."))


def _resume_unasked(cli: Cli, why: str) -> None:
    if not why:
        raise CommandFailed(
            USAGE,
            "Say why nothing is to be looked up.",
            'Add --why "…": what was sent after the backup may then be sent twice.',
            "reason_missing",
        )
    cli.hub.writes.resume(cli.operator, why)


def jobs_list(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 20,
) -> None:
    """List the latest runs."""
    cli = cli_of(ctx)
    page = cli.hub.jobs.runs.list(cli.scope, RunQuery(limit=limit))
    cli.table(
        "Runs",
        page.items,
        {
            "Id": lambda one: one.id,
            "Kind": lambda one: one.kind,
            "State": lambda one: one.state,
            "Created": lambda one: one.created_at,
            "Error": lambda one: one.error_text,
        },
    )


def jobs_show(ctx: typer.Context, run_id: str) -> None:
    """Show one run."""
    cli = cli_of(ctx)
    cli.emit(cli.hub.jobs.runs.get(cli.scope, run_id))


def jobs_cancel(ctx: typer.Context, run_id: str) -> None:
    """Ask a run to stop."""
    cli = cli_of(ctx)
    run = cli.hub.jobs.runs.cancel(cli.scope, run_id)
    cli.emit(run, lambda console: console.print(f"{run.id} is asked to stop."))


def jobs_retry(ctx: typer.Context, run_id: str) -> None:
    """Let a failed run go on at the step that failed."""
    cli = cli_of(ctx)
    run = cli.hub.jobs.runs.retry(cli.scope, run_id)
    cli.emit(run, lambda console: console.print(f"{run.id} goes on."))
