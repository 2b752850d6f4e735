"""reconcile: where vendors, books and PSA differ, and what is decided about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from entrepot.cli import plans
from entrepot.cli.connections import psa_of
from entrepot.cli.context import Cli, cli_of, record
from entrepot.cli.exits import FAILED, CommandFailed
from entrepot.hub.reconciliation.casefiles import runner
from entrepot.hub.reconciliation.decisions import Decide
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.views import IssueView, RunView

_PSA = Annotated[str, typer.Option(help="PSA connection; not needed for the only one.")]
_REASON = Annotated[str, typer.Option(help="Why, for those who look later.")]
_LEVEL = Annotated[int, typer.Option(help="1 recurring, 2 closed periods too.")]
_LIMIT = Annotated[int, typer.Option(help="At most so many, up to 200.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Vendors, books and PSA compared.", no_args_is_help=True)
    group.command("run")(run)
    group.command("runs")(runs)
    group.command("issues")(issues)
    group.command("show")(show)
    plans.register(group)
    group.command("ignore")(ignore)
    group.command("snooze")(snooze)
    group.command("keep")(keep)
    group.command("unmanage")(unmanage)
    group.command("settle")(settle)
    group.command("cases")(cases)
    app.add_typer(group, name="reconcile")


def run(
    ctx: typer.Context,
    company: Annotated[str, typer.Option(help="Only this company (PSA id).")] = "",
    customer: Annotated[str, typer.Option(help="Only this customer (our id).")] = "",
    level: _LEVEL = 1,
    psa: _PSA = "",
) -> None:
    """Compare what was bought with what the PSA will invoice."""
    cli = cli_of(ctx)
    if company and customer:
        msg = "Give --company or --customer, not both."
        raise typer.BadParameter(msg)
    scope = f"company:{company}" if company else "all"
    scope = f"customer:{customer}" if customer else scope
    connection = psa_of(cli, psa).id
    run_id, joined = _compare(cli, connection, scope, level)
    if joined:
        # It may have begun before what was changed last; whatever runs after its
        # end began after our command.
        run_id, _ = _compare(cli, connection, scope, level)
    _tell_run(cli, cli.hub.reconciliation.run(cli.actor, run_id))


def _compare(cli: Cli, connection: str, scope: str, level: int) -> tuple[str, bool]:
    """Run a comparison to its end; its id, and whether it had begun before."""
    ref = cli.hub.reconciliation.start(
        cli.actor, connection, scope, cause="command", level=level
    )
    return cli.follow(ref, "Comparing").id, ref.joined


def _tell_run(cli: Cli, found: RunView) -> None:
    query = IssueQuery(psa_connection_id=found.psa_connection_id)
    totals = cli.hub.reconciliation.totals(cli.actor, query)

    def tell(console: Console) -> None:
        console.print(
            f"{found.outcome}: {found.because}" if found.because else found.outcome
        )
        for one in totals:
            console.print(
                f"Open: {one.issues} differences, {one.under} {one.currency} "
                f"under-billed and {one.over} {one.currency} over-billed per month"
            )
            if one.once_under or one.once_over:
                console.print(
                    f"Of single periods: {one.once_under} {one.currency} under-billed "
                    f"and {one.once_over} {one.currency} over-billed"
                )
        console.print("Look at them with: entrepot reconcile issues")

    cli.emit({"run": record(found), "totals": [record(one) for one in totals]}, tell)


def runs(ctx: typer.Context, limit: _LIMIT = 20, psa: _PSA = "") -> None:
    """List the latest comparisons."""
    cli = cli_of(ctx)
    wanted = psa_of(cli, psa).id
    found = cli.hub.reconciliation.runs(
        cli.actor, psa_connection_id=wanted, limit=limit
    )
    cli.table(
        "Comparisons",
        found.items,
        {
            "Started": lambda one: one.created_at,
            "Scope": lambda one: one.scope,
            "State": lambda one: one.state,
            "Outcome": lambda one: one.outcome,
            "Because": lambda one: one.because,
            "By": lambda one: one.requested_by,
            "Id": lambda one: one.id,
        },
    )


def issues(
    ctx: typer.Context,
    kind: Annotated[list[str] | None, typer.Option(help="Repeat for several.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Repeat for several.")] = None,
    severity: Annotated[list[str] | None, typer.Option(help="As --kind.")] = None,
    company: Annotated[str, typer.Option(help="Only this company (PSA id).")] = "",
    customer: Annotated[str, typer.Option(help="Only this customer (our id).")] = "",
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones.")] = False,
    limit: _LIMIT = 50,
    psa: _PSA = "",
) -> None:
    """List differences with their impact."""
    cli = cli_of(ctx)
    query = IssueQuery(
        psa_connection_id=psa_of(cli, psa).id,
        open=not closed,
        kinds=tuple(kind or ()),
        states=tuple(state or ()),
        severities=tuple(severity or ()),
        company_id=company or None,
        customer_id=customer or None,
        limit=limit,
    )
    cli.table(
        "Differences",
        cli.hub.reconciliation.issues(cli.actor, query).items,
        {
            "Company": lambda one: one.company_name or one.vendor_customer_id,
            "Product": lambda one: one.product_name or one.sku,
            "What": lambda one: one.kind,
            "Expected": lambda one: _values(one.expected),
            "Found": lambda one: _values(one.actual),
            "Per cycle": _impact,
            "State": lambda one: one.state,
            "Id": lambda one: one.id,
        },
    )


def _values(values: object) -> list[str]:
    items = values.items() if hasattr(values, "items") else ()
    return [f"{name} {value}" for name, value in items if value]


def _impact(one: IssueView) -> str:
    if one.impact_recurring is None:
        return ""
    return f"{'~' if one.estimated else ''}{one.impact_recurring} {one.currency}"


def show(ctx: typer.Context, issue: str) -> None:
    """Show one difference with everything known about it."""
    cli = cli_of(ctx)
    service = cli.hub.reconciliation
    cli.emit(
        {
            **record(service.issue(cli.actor, issue)),
            "decisions": [record(one) for one in service.decisions(cli.actor, issue)],
            "history": service.issue_history(cli.actor, issue),
        }
    )


def ignore(
    ctx: typer.Context,
    issues: list[str],
    reason: _REASON,
    scope: Annotated[
        str, typer.Option(help="once, until_changed or always.")
    ] = "until_changed",
) -> None:
    """Leave differences as they are, and say why."""
    _decide(ctx, issues, Decide(resolution="ignore", scope=scope, reason=reason))


def snooze(
    ctx: typer.Context,
    issues: list[str],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day.")],
    reason: _REASON = "",
) -> None:
    """Hide differences until a day."""
    day = until.replace(tzinfo=UTC).date()
    _decide(ctx, issues, Decide(resolution="snooze", until=day, reason=reason))


def keep(
    ctx: typer.Context,
    issues: list[str],
    reason: _REASON,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, if any.")
    ] = None,
) -> None:
    """Take the PSA's value for right, from now on."""
    day = until.replace(tzinfo=UTC).date() if until else None
    _decide(ctx, issues, Decide(resolution="accept_psa", until=day, reason=reason))


def unmanage(ctx: typer.Context, issues: list[str], reason: _REASON) -> None:
    """Never compare the lines of these differences again."""
    _decide(ctx, issues, Decide(resolution="mark_unmanaged", reason=reason))


def settle(
    ctx: typer.Context,
    issues: list[str],
    reason: _REASON,
    line: Annotated[str, typer.Option(help="PSA line that settled it, if any.")] = "",
) -> None:
    """Say that closed periods were charged or credited by hand."""
    _decide(ctx, issues, Decide(resolution="settle", reason=reason, line_id=line))


def _decide(ctx: typer.Context, issues: list[str], wanted: Decide) -> None:
    cli = cli_of(ctx)
    service = cli.hub.reconciliation
    done = [service.decide(cli.actor, issue, wanted) for issue in issues]

    def tell(console: Console) -> None:
        for one in done:
            until = f" until {one.silent_until}" if one.silent_until else ""
            console.print(f"{one.id} is {one.state}{until}.")

    cli.emit([record(one) for one in done], tell)


def cases(
    ctx: typer.Context,
    directory: Path,
    level: _LEVEL = 1,
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
