"""Whose a difference is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.mapping.tables import CustomerMap
from entrepot.hub.reconciliation.tables import ReconIssue
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.hub.sync.driver import among

_ACCOUNT: Any = CustomerAccount.__table__.c
_SUBSCRIPTION: Any = SubscriptionRow.__table__.c
_MAP: Any = CustomerMap.__table__.c


def owners_of(
    session: Session, psa_connection_id: str, issues: Iterable[ReconIssue]
) -> dict[str, str]:
    """Return the customers of differences by the differences' ids.

    A difference is its vendor customer's, else its first subscription's, else its
    company's. What is nobody's is left out.
    """
    listed = list(issues)
    if not listed:
        return {}
    by_account = _by_account(session, {one.vendor_customer_id for one in listed} - {""})
    by_subscription = _by_subscription(
        session, {one.subscriptions[0] for one in listed if one.subscriptions}
    )
    by_company = _by_company(
        session, psa_connection_id, {one.company_id for one in listed} - {""}
    )
    found = {}
    for issue in listed:
        first = issue.subscriptions[0] if issue.subscriptions else ""
        owner = (
            by_account.get((issue.vendor_connection_id, issue.vendor_customer_id))
            or by_subscription.get(first)
            or by_company.get(issue.company_id)
        )
        if owner:
            found[issue.id] = owner
    return found


def _by_account(session: Session, ids: set[str]) -> dict[tuple[str, str], str]:
    row = CustomerAccount
    query = select(row.connection_id, row.vendor_id, row.customer_id).where(
        among(session.connection(), _ACCOUNT.vendor_id, sorted(ids))
    )
    return {(one[0], one[1]): one[2] for one in session.execute(query)} if ids else {}


def _by_subscription(session: Session, ids: set[str]) -> dict[str, str]:
    query = (
        select(SubscriptionRow.id, CustomerAccount.customer_id)
        .select_from(SubscriptionRow)
        .join(CustomerAccount, CustomerAccount.id == SubscriptionRow.account_id)
        .where(among(session.connection(), _SUBSCRIPTION.id, sorted(ids)))
    )
    return {one[0]: one[1] for one in session.execute(query)} if ids else {}


def _by_company(session: Session, psa: str, ids: set[str]) -> dict[str, str]:
    """The customer of each company; of several that share one, the oldest."""
    query = (
        select(CustomerMap.psa_company_id, func.min(Customer.id))
        .select_from(CustomerMap)
        .join(CustomerAccount, CustomerAccount.id == CustomerMap.account_id)
        .join(Customer, Customer.id == CustomerAccount.customer_id)
        .where(
            CustomerMap.psa_connection_id == psa,
            CustomerMap.status == "confirmed",
            among(session.connection(), _MAP.psa_company_id, sorted(ids)),
        )
        .group_by(CustomerMap.psa_company_id)
    )
    return {one[0]: one[1] for one in session.execute(query)} if ids else {}
