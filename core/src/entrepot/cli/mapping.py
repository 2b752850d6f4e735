"""map: which vendor customer is which company, which SKU which product."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from sqlalchemy.orm import Session

from entrepot.cli import mapping_decisions, mapping_files
from entrepot.cli.connections import psa_of
from entrepot.cli.context import cli_of
from entrepot.cli.mapping_decisions import tell
from entrepot.cli.mapping_files import What, service_of
from entrepot.hub.mapping.jobs import JOB as SUGGEST
from entrepot.hub.mapping.views import ListQuery
from entrepot.jobs.submit import RunRef

_PSA = Annotated[str, typer.Option(help="PSA connection; not needed for the only one.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Customers and products mapped.", no_args_is_help=True)
    group.command("suggest")(suggest)
    group.command("progress")(progress)
    group.command("list")(mappings_list)
    mapping_decisions.register(group)
    group.command("decisions")(decisions)
    group.command("undo")(undo)
    mapping_files.register(group)
    app.add_typer(group, name="map")


def suggest(ctx: typer.Context, psa: _PSA = "") -> None:
    """Look for mappings now; it also happens after every sync."""
    cli = cli_of(ctx)
    connection = psa_of(cli, psa).id

    def submit(session: Session) -> RunRef:
        return cli.hub.jobs.submit(
            session,
            SUGGEST,
            run_id=f"{SUGGEST}:{uuid4().hex}",
            args={"psa_connection_id": connection},
            exclusive=f"{SUGGEST}:{cli.actor.tenant_id}",
            requested_by=cli.actor.name,
            cause="command",
        )

    run = cli.run(submit, "Suggestions")
    found: dict[str, Any] = run.result or {}
    text = ", ".join(f"{count} {name}" for name, count in found.items() if count)
    cli.emit(found, lambda console: console.print(text or "Nothing new was found."))


def progress(ctx: typer.Context, psa: _PSA = "") -> None:
    """Count what is decided and what isn't."""
    cli = cli_of(ctx)
    found = cli.hub.mapping.progress(cli.actor, psa_of(cli, psa).id)

    def show(console: Console) -> None:
        for name, count in (("Customers", found.customers), ("SKUs", found.products)):
            console.print(
                f"{name}: {count.undecided} of {count.total} undecided "
                f"({count.waiting} with subscriptions, {count.preselected} to accept); "
                f"{count.confirmed} confirmed, {count.excluded} excluded, "
                f"{count.stale} stale"
            )

    cli.emit(found, show)


def mappings_list(
    ctx: typer.Context,
    what: What,
    status: Annotated[
        str, typer.Option(help="undecided, suggested, confirmed, excluded, stale …")
    ] = "",
    band: Annotated[str, typer.Option(help="preselected, suggestion or none.")] = "",
    text: Annotated[str, typer.Option(help="Part of the name.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many, up to 200.")] = 50,
    psa: _PSA = "",
) -> None:
    """List customers or SKUs with their mapping or best suggestion."""
    cli = cli_of(ctx)
    query = ListQuery(
        psa_connection_id=psa_of(cli, psa).id,
        status=status or None,
        band=band or None,
        text=text,
        limit=limit,
    )
    found = service_of(cli, what).list(cli.actor, query)
    key = "account_id" if what is What.CUSTOMERS else "sku"
    cli.table(
        f"Mapping of {what}",
        found.items,
        {
            "Name": lambda one: one.name,
            "Status": lambda one: one.status,
            "Is": lambda one: one.mapping and one.mapping.target_name,
            "Score": lambda one: one.mapping and one.mapping.confidence,
            "Because": lambda one: _evidence(one.mapping),
            "Instead": lambda one: _rivals(one.mapping),
            "Subscriptions": lambda one: one.subscriptions,
            "Id": lambda one: getattr(one, key),
            "Suggestion": lambda one: one.mapping and one.mapping.id,
        },
    )


def _evidence(mapping: Any) -> list[str]:  # noqa: ANN401 - either kind's view or None
    return [str(one.get("text", "")) for one in mapping.evidence] if mapping else []


def _rivals(mapping: Any) -> list[str]:  # noqa: ANN401 - as above
    return [str(one.get("name", "")) for one in mapping.rivals] if mapping else []


def decisions(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(help="At most so many, up to 200.")] = 20,
) -> None:
    """List what was decided, newest first."""
    cli = cli_of(ctx)
    cli.table(
        "Decisions",
        cli.hub.mapping.batches(cli.actor, limit=limit).items,
        {
            "At": lambda one: one.at,
            "Who": lambda one: one.actor_name,
            "What": lambda one: f"{one.action} {one.what}",
            "Rows": lambda one: one.rows,
            "Why": lambda one: one.why,
            "Undone": lambda one: one.undone_by is not None,
            "Id": lambda one: one.id,
        },
    )


def undo(ctx: typer.Context, decision: str) -> None:
    """Put everything back to what it was before a decision."""
    cli = cli_of(ctx)
    tell(cli, cli.hub.mapping.undo(cli.actor, decision))
