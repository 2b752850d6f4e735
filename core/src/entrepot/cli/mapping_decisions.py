"""map accept, confirm, reject, exclude, clear: deciding about mappings."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from entrepot.cli import mapping_files
from entrepot.cli.connections import psa_of
from entrepot.cli.context import Cli, cli_of, record
from entrepot.cli.mapping_files import What
from entrepot.hub.mapping.views import (
    BatchView,
    CustomerDecision,
    Impact,
    ProductDecision,
    Share,
)

_PSA = Annotated[str, typer.Option(help="PSA connection; not needed for the only one.")]
_WHY = Annotated[str, typer.Option(help="Reason, for the audit log.")]
_REASON = Annotated[str, typer.Option(help="Why it is billed nowhere.")]
_DRY = Annotated[bool, typer.Option("--dry-run", help="Only show what it touches.")]
_FACTOR = Annotated[str, typer.Option(help="PSA units per vendor unit.")]


def register(group: typer.Typer) -> None:
    """Add the commands of this module to the group `map`."""
    group.command("accept")(accept)
    confirm = typer.Typer(help="Decide about one.", no_args_is_help=True)
    confirm.command("customer")(confirm_customer)
    confirm.command("product")(confirm_product)
    group.add_typer(confirm, name="confirm")
    reject = typer.Typer(help="Never suggest this again.", no_args_is_help=True)
    reject.command("customer")(reject_customer)
    reject.command("product")(reject_product)
    group.add_typer(reject, name="reject")
    group.command("exclude")(exclude)
    group.command("clear")(clear)


def accept(
    ctx: typer.Context,
    what: What,
    suggestions: Annotated[
        list[str] | None, typer.Argument(help="Their ids; all pre-selected if none.")
    ] = None,
    method: Annotated[str, typer.Option(help="Only of this evidence.")] = "",
    why: _WHY = "",
    psa: _PSA = "",
) -> None:
    """Confirm suggestions as they are."""
    cli = cli_of(ctx)
    done = mapping_files.service_of(cli, what).accept(
        cli.actor,
        psa_of(cli, psa).id,
        ids=suggestions or None,
        method=method or None,
        why=why,
    )
    tell(cli, done)


def confirm_customer(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="Id of the vendor's customer.")],
    companies: Annotated[
        list[str],
        typer.Argument(help="PSA ids; several as ID=fixed:5, ID=percent:60, ID=rest."),
    ],
    shared: Annotated[
        bool, typer.Option("--shared", help="Another customer may have it as well.")
    ] = False,
    dry_run: _DRY = False,
    why: _WHY = "",
    psa: _PSA = "",
) -> None:
    """Say which company, or companies, a vendor's customer is."""
    cli = cli_of(ctx)
    decision = CustomerDecision(
        account_id=account,
        psa_connection_id=psa_of(cli, psa).id,
        companies=tuple(_share(one) for one in companies),
        shared=shared,
    )
    customers = cli.hub.mapping.customers
    if dry_run:
        _preview(cli, customers.preview(cli.actor, [decision]))
        return
    tell(cli, customers.confirm(cli.actor, [decision], why=why))


def _share(text: str) -> Share:
    company, equals, share = text.partition("=")
    if not equals:
        return Share(company_id=company)
    kind, _, value = share.partition(":")
    if kind not in ("fixed", "percent", "rest") or (kind != "rest") is not bool(value):
        msg = f"{text!r} is no share; write {company}=fixed:5, =percent:60 or =rest."
        raise typer.BadParameter(msg)
    if kind == "rest":
        return Share(company_id=company, share="remainder")
    return Share(
        company_id=company, share=kind, value=mapping_files.decimal(value, "share")
    )


def confirm_product(
    ctx: typer.Context,
    sku: Annotated[str, typer.Argument(help="The vendor's SKU.")],
    product: Annotated[str, typer.Argument(help="PSA id of the product.")],
    term: Annotated[str, typer.Option(help="Only of this term, e.g. P1Y.")] = "",
    billing: Annotated[str, typer.Option(help="Only of this billing cycle.")] = "",
    factor: _FACTOR = "1",
    dry_run: _DRY = False,
    why: _WHY = "",
    psa: _PSA = "",
) -> None:
    """Say which PSA product a SKU is billed as."""
    cli = cli_of(ctx)
    decision = ProductDecision(
        psa_connection_id=psa_of(cli, psa).id,
        psa_product_id=product,
        sku=sku,
        term=term,
        billing_cycle=billing,
        factor=mapping_files.decimal(factor, "--factor"),
    )
    products = cli.hub.mapping.products
    if dry_run:
        _preview(cli, products.preview(cli.actor, [decision]))
        return
    tell(cli, products.confirm(cli.actor, [decision], why=why))


def _preview(cli: Cli, impact: Impact) -> None:
    money = ", ".join(f"{one.amount} {one.currency}" for one in impact.monthly_revenue)

    def show(console: Console) -> None:
        console.print(
            f"Would touch {impact.subscriptions} subscriptions and {impact.lines} "
            f"lines on {impact.agreements} agreements; {money or 'no known revenue'} "
            "per month. Nothing was saved."
        )
        for warning in impact.warnings:
            console.print(f"! {warning}")

    cli.emit(record(impact), show)


def reject_customer(
    ctx: typer.Context, account: str, company: str, why: _WHY = "", psa: _PSA = ""
) -> None:
    """Remember that a vendor's customer isn't this company."""
    cli = cli_of(ctx)
    customers = cli.hub.mapping.customers
    pairs = [(account, company)]
    tell(cli, customers.reject(cli.actor, psa_of(cli, psa).id, pairs, why=why))


def reject_product(
    ctx: typer.Context, suggestions: list[str], why: _WHY = "", psa: _PSA = ""
) -> None:
    """Remember that suggestions for SKUs are wrong."""
    cli = cli_of(ctx)
    products = cli.hub.mapping.products
    tell(cli, products.reject(cli.actor, psa_of(cli, psa).id, suggestions, why=why))


def exclude(
    ctx: typer.Context,
    what: What,
    ids: Annotated[list[str], typer.Argument(help="Accounts, or CONNECTION/SKU.")],
    reason: _REASON,
    psa: _PSA = "",
) -> None:
    """Say that customers or SKUs are billed nowhere, and why."""
    cli = cli_of(ctx)
    connection = psa_of(cli, psa).id
    mapping = cli.hub.mapping
    if what is What.CUSTOMERS:
        done = mapping.customers.exclude(cli.actor, connection, ids, reason=reason)
    else:
        skus = [mapping_files.sku(cli, one) for one in ids]
        done = mapping.products.exclude(cli.actor, connection, skus, reason=reason)
    tell(cli, done)


def clear(
    ctx: typer.Context,
    what: What,
    ids: Annotated[list[str], typer.Argument(help="Accounts, or rows of products.")],
    why: _WHY = "",
    psa: _PSA = "",
) -> None:
    """Take decisions away; what they were about is undecided again."""
    cli = cli_of(ctx)
    connection = psa_of(cli, psa).id
    mapping = cli.hub.mapping
    act = mapping.customers.clear if what is What.CUSTOMERS else mapping.products.remove
    tell(cli, act(cli.actor, connection, ids, why=why))


def tell(cli: Cli, done: BatchView) -> None:
    """Say what a decision changed, and how to take it back."""
    cli.emit(
        done,
        lambda console: console.print(
            f"{done.rows} rows of the {done.what} map changed.\n"
            f"Take it back with: entrepot map undo {done.id}"
        ),
    )
