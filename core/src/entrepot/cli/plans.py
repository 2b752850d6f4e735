"""reconcile plan, approve, apply: putting differences right at the PSA."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from entrepot.cli.connections import psa_of
from entrepot.cli.context import Cli, cli_of, plain
from entrepot.cli.exits import FAILED, USAGE, CommandFailed
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.reconciliation.views import PlanView

_SCREENFUL = 200
_PSA = Annotated[str, typer.Option(help="PSA connection; not needed for the only one.")]


def register(group: typer.Typer) -> None:
    """Add the commands of this module to the group `reconcile`."""
    group.command("plan")(plan)
    group.command("plans")(plans_list)
    group.command("plan-show")(plan_show)
    group.command("approve")(approve)
    group.command("apply")(apply)
    group.command("discard")(discard)


def plan(
    ctx: typer.Context,
    issues: Annotated[
        list[str] | None, typer.Argument(help="Differences to correct.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Everything open that can be written.")
    ] = False,
    choose: Annotated[
        list[str] | None,
        typer.Option(help="ISSUE=alternative, where a person has to choose."),
    ] = None,
    psa: _PSA = "",
) -> None:
    """Draft the exact writes that would correct differences; nothing is written."""
    cli = cli_of(ctx)
    if bool(issues) is every:
        msg = "Name differences, or give --all."
        raise typer.BadParameter(msg)
    wanted = _all_open(cli, psa_of(cli, psa).id) if every else list(issues or ())
    choices = dict(_choice(one) for one in choose or ())
    made = cli.hub.reconciliation.plan(cli.actor, wanted, choices)
    _show(cli, made)
    cli.say(f"Approve it with: entrepot reconcile approve {made.id}")


def _all_open(cli: Cli, connection: str) -> list[str]:
    """Open differences that a write could correct.

    Raises:
        CommandFailed: There is none.
    """
    found: list[str] = []
    query = IssueQuery(psa_connection_id=connection, states=("open",), limit=_SCREENFUL)
    while True:
        part = cli.hub.reconciliation.issues(cli.actor, query)
        found += [one.id for one in part.items if one.company_id]
        if not part.has_more:
            break
        query = replace(query, last=part.last)
    if not found:
        raise CommandFailed(
            FAILED,
            "There is no open difference to correct.",
            "Compare first: entrepot reconcile run",
            "nothing_open",
        )
    return found


def _choice(text: str) -> tuple[str, str]:
    issue, equals, name = text.partition("=")
    if not equals:
        msg = f"--choose takes ISSUE=alternative, not {text!r}."
        raise typer.BadParameter(msg)
    return issue, name


def plans_list(
    ctx: typer.Context,
    state: Annotated[list[str] | None, typer.Option(help="Repeat for several.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, up to 200.")] = 20,
) -> None:
    """List plans."""
    cli = cli_of(ctx)
    found = cli.hub.reconciliation.plans(cli.actor, states=state or (), limit=limit)
    cli.table(
        "Plans",
        found.items,
        {
            "Made": lambda one: one.created_at,
            "By": lambda one: one.created_by,
            "State": lambda one: one.state,
            "Differences": lambda one: len(one.issues),
            "Approved by": lambda one: one.approved_by,
            "Message": lambda one: one.message,
            "Id": lambda one: one.id,
        },
    )


def plan_show(ctx: typer.Context, plan: str) -> None:
    """Show a plan with every write in it."""
    cli = cli_of(ctx)
    _show(cli, cli.hub.reconciliation.get_plan(cli.actor, plan))


def approve(
    ctx: typer.Context,
    plan: str,
    part: Annotated[
        list[int] | None, typer.Option(help="Only this part; repeat for several.")
    ] = None,
    reason: Annotated[str, typer.Option(help="For the audit log.")] = "",
    digest: Annotated[
        str, typer.Option(help="Of the plan that was looked at; then nothing is asked.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Approve a plan, all or some of its parts."""
    cli = cli_of(ctx)
    service = cli.hub.reconciliation
    found = service.get_plan(cli.actor, plan)
    if not (yes or digest):
        if cli.json:
            raise CommandFailed(
                USAGE,
                "Nobody can be asked with --json.",
                f"Add --yes, or --digest {found.digest}",
                "not_confirmed",
            )
        _show(cli, found)
        typer.confirm("Approve these writes?", abort=True)
    done = service.approve(
        cli.actor, plan, digest or found.digest, parts=part, reason=reason
    )
    cli.emit(
        done,
        lambda console: console.print(
            f"Approved. Write it with: entrepot reconcile apply {done.id}"
        ),
    )


def apply(ctx: typer.Context, plan: str) -> None:
    """Write an approved plan to the PSA and prove that it helped."""
    cli = cli_of(ctx)
    ref = cli.hub.reconciliation.apply(cli.actor, plan)
    cli.follow(ref, "Writing")
    done = cli.hub.reconciliation.get_plan(cli.actor, plan)
    _show(cli, done)
    if done.state != "done":
        raise CommandFailed(
            FAILED,
            done.message or f"The plan ended as {done.state}.",
            "Look at it, then compare again: entrepot reconcile run",
            f"plan_{done.state}",
        )


def discard(
    ctx: typer.Context,
    plan: str,
    reason: Annotated[str, typer.Option(help="For the audit log.")] = "",
) -> None:
    """Give a plan up that hasn't begun."""
    cli = cli_of(ctx)
    done = cli.hub.reconciliation.discard(cli.actor, plan, reason)
    cli.emit(done, lambda console: console.print(f"{done.id} is discarded."))


def _show(cli: Cli, found: PlanView) -> None:
    def tell(console: Console) -> None:
        table = Table(
            title=f"Plan {found.id}: {found.state}",
            title_justify="left",
            header_style="bold",
        )
        for name in ("Part", "Agreement", "Do", "Line", "Values", "State"):
            table.add_column(name, overflow="fold")
        for part in found.parts:
            for one in part.operations:
                values = [f"{k} {v}" for k, v in one.body.items() if v]
                row = (part.seq, one.agreement_id, one.do, one.line_id, values)
                table.add_row(*map(plain, row), one.message or one.state)
        console.print(table)
        for why in found.not_pushed:
            console.print(f"Not written: {why['text']}", markup=False)

    cli.emit(found, tell)
