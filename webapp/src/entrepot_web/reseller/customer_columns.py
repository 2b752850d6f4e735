"""What the list of customers can show of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.subscriptions.tables import SubscriptionRow
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot_web.lists.customers import CUSTOMERS
from entrepot_web.lists.people import main_contacts
from entrepot_web.reseller.pages import marks
from entrepot_web.reseller.present import word
from entrepot_web.reseller.tables import Column, Facts, Sheet


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


def _contact(part: str) -> Any:  # noqa: ANN401 - a function
    def text(row: Any, facts: Facts) -> str:  # noqa: ANN401 - a row
        found = facts["contacts"].get(row.id)
        return getattr(found, part) if found else ""

    return text


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
    counts = session.execute(
        select(CustomerAccount.customer_id, func.count())
        .join(SubscriptionRow, SubscriptionRow.account_id == CustomerAccount.id)
        .where(CustomerAccount.customer_id.in_(ids), SubscriptionRow.status == "active")
        .group_by(CustomerAccount.customer_id)
    )
    return {
        "accounts": accounts,
        "counts": {customer: int(number) for customer, number in counts},
        "contacts": main_contacts(session, ids),
    }


SHEET = Sheet(
    name="customers",
    listing=CUSTOMERS,
    first=Column(
        key="name", title="Customer", text=lambda row, _: str(row.name), sort="name"
    ),
    columns=(
        Column(
            key="state",
            title="Status",
            text=lambda row, _: word("customer", row.state).text,
        ),
        Column(key="contact", title="Primary contact", text=_contact("name")),
        Column(key="email", title="Contact e-mail", text=_contact("email")),
        Column(key="provider", title="Cloud provider", text=_providers),
        Column(
            key="subscriptions",
            title="Subscriptions",
            text=lambda row, facts: str(facts["counts"].get(row.id, 0)),
            numeric=True,
        ),
        Column(key="custom_id", title="Own id", text=lambda row, _: str(row.custom_id)),
        Column(key="domain", title="Domain", text=_distinct("domain")),
        Column(key="country", title="Country", text=_distinct("country")),
        Column(
            key="created_at",
            title="In the books since",
            text=lambda row, _: f"{row.created_at:%Y-%m-%d}",
            sort="created_at",
        ),
        Column(
            key="updated_at",
            title="Last change",
            text=lambda row, _: f"{row.updated_at:%Y-%m-%d}",
            sort="updated_at",
        ),
    ),
    usual=("state", "contact", "email", "provider", "subscriptions", "custom_id"),
    beside=_beside,
)
