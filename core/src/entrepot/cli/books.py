"""customers, subscriptions: what the books hold."""

from __future__ import annotations

from typing import Annotated

import typer

from entrepot.cli.context import cli_of
from entrepot.hub.customers.service import CustomerQuery
from entrepot.hub.subscriptions.service import SubscriptionQuery

_LIMIT = Annotated[int, typer.Option(help="At most so many, up to 200.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("customers")(customers)
    app.command("subscriptions")(subscriptions)


def customers(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="Part of a name or domain.")] = "",
    limit: _LIMIT = 50,
) -> None:
    """List customers."""
    cli = cli_of(ctx)
    part = cli.hub.customers.list(cli.actor, CustomerQuery(text=text, limit=limit))
    cli.table(
        "Customers",
        part.items,
        {
            "Name": lambda one: one.name,
            "Domains": lambda one: one.domains,
            "Subscriptions": lambda one: one.subscriptions,
            "Id": lambda one: one.id,
        },
    )


def subscriptions(
    ctx: typer.Context,
    customer: Annotated[str, typer.Option(help="Only this customer's (our id).")] = "",
    limit: _LIMIT = 50,
) -> None:
    """List subscriptions."""
    cli = cli_of(ctx)
    query = SubscriptionQuery(customer_id=customer or None, limit=limit)
    part = cli.hub.subscriptions.list(cli.actor, query)
    cli.table(
        "Subscriptions",
        part.items,
        {
            "Customer": lambda one: one.customer_name,
            "Product": lambda one: one.name,
            "Quantity": lambda one: one.quantity,
            "Status": lambda one: one.status,
            "Term": lambda one: one.term,
            "Billing": lambda one: one.billing_cycle,
            "Id": lambda one: one.id,
        },
    )
