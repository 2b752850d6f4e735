"""Rows of the mapping bench: what names them, what both sides say, what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.mapping.product_service import decision_of
from entrepot.hub.mapping.seen import Seen
from entrepot.hub.mapping.tables import CustomerMap, ProductMap
from entrepot.hub.mapping.views import CustomerDecision, ProductDecision, Share
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.hub.subscriptions.tables import SubscriptionRow
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot_web.context import hub, scope
from entrepot_web.reseller.present import money


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing that both sides say.

    Attributes:
        label: What it is.
        vendor: As the vendor has it.
        psa: As the PSA has it.
        same: Whether they agree; a match of several words counts when one agrees.
    """

    label: str
    vendor: str
    psa: str
    same: bool


def key_of(row: Any) -> str:  # noqa: ANN401 - a row of either list
    """Return what names a row of a work list in forms."""
    account = getattr(row, "account_id", None)
    return str(account) if account else f"{row.connection_id}|{row.sku}"


def pair_of(key: str) -> tuple[str, str]:
    """Return connection and SKU of a product row's key."""
    connection, _bar, sku = key.partition("|")
    return connection, sku


def target_of(mapping: Any) -> str:  # noqa: ANN401 - a map of either kind
    """Return the PSA's id that a map points to."""
    return str(getattr(mapping, "psa_company_id", "") or mapping.psa_product_id)


def suggested_ids(maps: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return the ids of maps among the ticked rows.

    Every row posts what it showed, ticked or not, as ``key=map=version``; only ticked
    ones count.
    """
    known = _shown(maps)
    return [known[key].map_id for key in keys if key in known and known[key].map_id]


def seen_of(what: str, maps: Sequence[str], keys: Sequence[str]) -> Mapping[Any, Seen]:
    """Return what the ticked rows showed, by account id, or by connection and SKU."""
    known = _shown(maps)
    return {
        key if what == "customers" else pair_of(key): known[key]
        for key in keys
        if key in known
    }


def _shown(maps: Iterable[str]) -> dict[str, Seen]:
    found = {}
    for entry in maps:
        parts = entry.rsplit("=", 2)
        if len(parts) == 3 and (parts[2] or "0").isdecimal():
            found[parts[0]] = Seen(parts[1], int(parts[2] or 0))
    return found


def decisions_of(
    what: str, psa: str, ids: Sequence[str]
) -> list[CustomerDecision] | list[ProductDecision]:
    """Return the decisions that would confirm suggestions as they are."""
    table: Any = CustomerMap if what == "customers" else ProductMap
    query = select(table).where(
        table.id.in_(ids[:500]),
        table.psa_connection_id == psa,
        table.status == "suggested",
    )
    with hub().store.read(scope()) as session:
        rows = session.scalars(query).all()
        if what == "products":
            return [decision_of(row) for row in rows]
        return [
            CustomerDecision(
                account_id=row.account_id,
                psa_connection_id=psa,
                companies=(Share(company_id=row.psa_company_id),),
            )
            for row in rows
        ]


def side_by_side(what: str, psa: str, row: Any, target: str = "") -> tuple[Pair, ...]:  # noqa: ANN401 - a row
    """Return what vendor and PSA say of the same thing, line by line.

    Args:
        what: ``customers`` or ``products``.
        psa: The PSA connection.
        row: A row of the work list.
        target: The PSA's id to compare with; empty = the suggestion, if any.
    """
    wanted = target or (target_of(row.mapping) if row.mapping else "")
    with hub().store.read(scope()) as session:
        if what == "customers":
            found = _customer(session, psa, row.account_id, wanted)
        else:
            found = _product(session, psa, (row.connection_id, row.sku), wanted)
    pairs = [_pair(label, left, right) for label, left, right in found]
    return tuple(one for one in pairs if one.vendor or one.psa)


def _pair(label: str, left: Sequence[str], right: Sequence[str]) -> Pair:
    mine = [one for one in left if one]
    theirs = [one for one in right if one]
    known = {_plain(one) for one in theirs}
    same = any(_plain(one) in known for one in mine)
    return Pair(label, ", ".join(mine), ", ".join(theirs), same)


def _plain(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())


def _customer(
    session: Session, psa: str, account_id: str, target: str
) -> list[tuple[str, Sequence[str], Sequence[str]]]:
    mine = session.get(CustomerAccount, account_id)
    theirs = _target(session, PsaCompany, psa, target)
    names = (
        (_("Name"), "name", "name"),
        (_("Tax number"), "tax_id", "tax_id"),
        (_("Phone"), "phone", "phone"),
        (_("E-mail"), "email", "email"),
        (_("City"), "city", "city"),
        (_("Postal code"), "postal_code", "postal_code"),
        (_("Country"), "country", "country"),
    )
    found: list[tuple[str, Sequence[str], Sequence[str]]] = [
        (label, [getattr(mine, left, "")], [getattr(theirs, right, "")])
        for label, left, right in names
    ]
    domains = [*(mine.domains if mine else ()), mine.domain if mine else ""]
    ours, known = list(dict.fromkeys(domains)), theirs.domains if theirs else []
    found.insert(1, (_("Domains"), ours, list(known)))
    found.append(
        (
            _("Ids"),
            [mine.vendor_id if mine else "", *_ids(mine)],
            [
                theirs.identifier if theirs else "",
                theirs.vendor_id if theirs else "",
                *_ids(theirs),
            ],
        )
    )
    return found


def _ids(row: Any) -> list[str]:  # noqa: ANN401 - a row with ids in other systems
    return [entry[1] for entry in (row.external_ids if row else ())]


def _product(
    session: Session, psa: str, key: tuple[str, str], target: str
) -> list[tuple[str, Sequence[str], Sequence[str]]]:
    connection, sku = key
    query = select(SubscriptionRow).where(
        SubscriptionRow.connection_id == connection, SubscriptionRow.sku == sku
    )
    mine = session.scalars(query.order_by(SubscriptionRow.id).limit(1)).first()
    theirs = _target(session, PsaProductRow, psa, target)
    cost = money(mine.unit_cost, mine.currency) if mine and mine.unit_cost else ""
    paid = money(theirs.cost, theirs.currency) if theirs and theirs.cost else ""
    asked = money(theirs.price, theirs.currency) if theirs and theirs.price else ""
    numbers = ("identifier", "vendor_sku", "part_number", "cross_reference")
    term = f"{mine.term} {mine.billing_cycle}".strip() if mine else ""
    return [
        (_("Name"), [mine.name if mine else ""], [theirs.name if theirs else ""]),
        (
            _("Numbers"),
            [sku, mine.product_id if mine else ""],
            [getattr(theirs, name, "") for name in numbers],
        ),
        (_("Term"), [term], []),
        (_("Unit cost"), [cost], [paid]),
        (_("Price"), [], [asked]),
        (_("Category"), [], [theirs.category if theirs else ""]),
    ]


def _target(session: Session, table: Any, psa: str, target: str) -> Any:  # noqa: ANN401 - a row or None
    if not target:
        return None
    query = select(table).where(table.connection_id == psa, table.vendor_id == target)
    return session.scalars(query).first()
