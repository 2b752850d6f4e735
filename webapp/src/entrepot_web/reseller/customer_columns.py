"""What the list of customers can show of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from entrepot.hub.customers.fields import FieldView
from entrepot.hub.customers.records import CustomerDetail, PriceBook
from entrepot.hub.customers.setup import Setup
from entrepot.hub.customers.tables import CustomerAccount
from flask import g, has_request_context
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot_web.context import actor, hub
from entrepot_web.lists.customers import CUSTOM, CUSTOMERS, with_custom
from entrepot_web.reseller.pages import marks
from entrepot_web.reseller.present import word
from entrepot_web.reseller.tables import Column, Facts, Sheet

LIST = "customers"


def _accounts(row: Any, facts: Facts) -> list[Any]:  # noqa: ANN401 - a row
    found: list[Any] = facts["accounts"].get(row.id, [])
    return found


def _distinct(name: str) -> Any:  # noqa: ANN401 - a function
    def text(row: Any, facts: Facts) -> str:  # noqa: ANN401 - a row
        values = (getattr(account, name) for account in _accounts(row, facts))
        return ", ".join(dict.fromkeys(value for value in values if value))

    return text


def _providers(row: Any, facts: Facts) -> str:  # noqa: ANN401 - a row
    known = marks()
    ids = dict.fromkeys(account.connection_id for account in _accounts(row, facts))
    return ", ".join(known[one].name if one in known else one for one in ids)


def _of_row(name: str) -> Any:  # noqa: ANN401 - a function
    return lambda row, _: str(getattr(row, name))


def _count(key: str, title: Any, sort: str, name: str) -> Column:  # noqa: ANN401 - a lazy text
    return Column(
        key=key,
        title=title,
        text=_of_row(name),
        numeric=True,
        kind="number",
        sort=sort,
    )


def _custom(field_id: str) -> Any:  # noqa: ANN401 - a function
    return lambda row, facts: facts["custom"].get(row.id, {}).get(field_id, "")


def list_setup() -> Setup:
    """Return what the list shows of the reseller's set-up; asked for once."""
    if "list_setup" not in g:
        g.list_setup = hub().customers.setup.read(actor(), LIST)
        g.connections = g.list_setup.connections
    found: Setup = g.list_setup
    return found


def _beside(session: Session, rows: Sequence[Any]) -> Facts:
    ids = [row.id for row in rows]
    found = session.execute(
        select(
            CustomerAccount.customer_id,
            CustomerAccount.connection_id,
            CustomerAccount.domain,
            CustomerAccount.country,
        )
        .where(CustomerAccount.customer_id.in_(ids))
        .order_by(CustomerAccount.id)
    )
    accounts: dict[str, list[Any]] = {}
    for account in found:
        accounts.setdefault(account.customer_id, []).append(account)
    return {"accounts": accounts, "books": _books(session)}


def _books(session: Session) -> Mapping[str, str]:
    """Return names of price books by id; a page knows them from the list's set-up."""
    if has_request_context() and "list_setup" in g:
        return list_setup().price_books
    books = session.execute(select(PriceBook.id, PriceBook.name))
    return {row.id: row.name for row in books}


def _beside_custom(session: Session, rows: Sequence[Any]) -> Facts:
    own = session.execute(
        select(CustomerDetail.customer_id, CustomerDetail.custom).where(
            CustomerDetail.customer_id.in_([row.id for row in rows])
        )
    )
    custom = {row.customer_id: row.custom for row in own}
    return {**_beside(session, rows), "custom": custom}


SHEET = Sheet(
    name="customers",
    listing=CUSTOMERS,
    first=Column(
        key="name",
        title=lazy_gettext("Customer"),
        text=_of_row("name"),
        sort="name",
    ),
    columns=(
        Column(
            key="state",
            title=lazy_gettext("Status"),
            text=lambda row, _: str(word("customer", row.state).text),
        ),
        Column(
            key="contact",
            title=lazy_gettext("Primary contact"),
            text=_of_row("contact_name"),
            sort="contact_name",
        ),
        Column(
            key="email",
            title=lazy_gettext("Contact e-mail"),
            text=_of_row("contact_email"),
            sort="contact_email",
        ),
        Column(key="provider", title=lazy_gettext("Cloud provider"), text=_providers),
        _count(
            "purchased",
            lazy_gettext("Purchased items"),
            "purchased_items",
            "n_purchased",
        ),
        _count("orders", lazy_gettext("Orders"), "orders", "n_orders"),
        _count(
            "notifications",
            lazy_gettext("Notifications"),
            "notifications",
            "n_notifications",
        ),
        Column(
            key="custom_id",
            title=lazy_gettext("Own id"),
            text=_of_row("custom_id"),
            sort="custom_id",
        ),
        Column(
            key="price_book",
            title=lazy_gettext("Price book"),
            text=lambda row, facts: facts["books"].get(row.price_book_id, ""),
        ),
        Column(key="domain", title=lazy_gettext("Domain"), text=_distinct("domain")),
        Column(key="country", title=lazy_gettext("Country"), text=_distinct("country")),
        Column(
            key="created_at",
            title=lazy_gettext("In the books since"),
            text=lambda row, _: f"{row.created_at:%Y-%m-%d}",
            kind="date",
            sort="created_at",
        ),
        Column(
            key="updated_at",
            title=lazy_gettext("Last change"),
            text=lambda row, _: f"{row.updated_at:%Y-%m-%d}",
            kind="date",
            sort="updated_at",
        ),
    ),
    usual=("state", "contact", "email", "provider", "purchased", "orders", "custom_id"),
    beside=_beside,
)


def sheet(fields: Sequence[FieldView]) -> Sheet:
    """Return the list of customers with a reseller's custom fields as columns."""
    own = tuple(
        Column(key=f"{CUSTOM}{one.key}", title=one.label, text=_custom(one.id))
        for one in fields
    )
    if not own:
        return SHEET
    return replace(
        SHEET,
        listing=with_custom(fields),
        columns=(*SHEET.columns, *own),
        beside=_beside_custom,
    )


def shown(found: Sheet) -> tuple[Column, ...]:
    """Return the columns that all people of the reseller see."""
    return found.chosen(hub().customers.views.read(actor(), LIST).columns)
