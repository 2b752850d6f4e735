"""Facts: how objects were, asked by when it was true and by when it was known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.hub.catalog.tables import Offer, OfferFact
from entrepot.hub.customers.tables import CustomerAccount, CustomerAccountFact
from entrepot.hub.psa.tables import PsaLine, PsaLineFact
from sqlalchemy import select

from entrepot_web.api.frame import Operation, Resource
from entrepot_web.api.problem import not_found
from entrepot_web.api.shapes import Collection, Moment, Shape
from entrepot_web.api.subscriptions import AS_OF, moment_parameter
from entrepot_web.context import hub, scope

facts = Resource("facts", "How accounts, offers and PSA lines were at other times.")


class FactShape(Shape, frozen=True, kw_only=True):
    """A state: true from `valid_from` on, known from `known_at` on.

    Attributes:
        change: ``new``, ``changed``, ``gone`` or ``back``.
        values: The fields as the other side gave them; amounts are text.
    """

    object_id: str
    valid_from: Moment
    known_at: Moment
    change: str
    run_id: str
    values: dict[str, Any]


_HISTORY: dict[str, Any] = {
    "returns": Collection[FactShape],
    "errors": (404,),
    "parameters": AS_OF,
}


@facts.operation(
    "GET",
    "/customer-accounts/<string:account_id>/history",
    Operation(permission="customers:read", **_HISTORY),
)
def list_account_history(account_id: str) -> Collection[FactShape]:
    """List every state of a vendor account we have known, newest knowledge first."""
    return _history("account", account_id, CustomerAccount, CustomerAccountFact)


@facts.operation(
    "GET",
    "/offers/<string:offer_id>/history",
    Operation(permission="offers:read", **_HISTORY),
)
def list_offer_history(offer_id: str) -> Collection[FactShape]:
    """List every state and price of an offer we have known, newest knowledge first."""
    return _history("offer", offer_id, Offer, OfferFact)


@facts.operation(
    "GET",
    "/psa/lines/<string:line_id>/history",
    Operation(permission="psa:read", **_HISTORY),
)
def list_line_history(line_id: str) -> Collection[FactShape]:
    """List every state of a PSA line we have known, newest knowledge first."""
    return _history("line", line_id, PsaLine, PsaLineFact)


def _history(
    what: str,
    object_id: str,
    owner: type[Any],
    fact: Any,  # noqa: ANN401 - a table
) -> Collection[FactShape]:
    query = (
        select(fact)
        .where(fact.object_id == object_id)
        .order_by(fact.known_at.desc(), fact.valid_from.desc())
    )
    valid, known = moment_parameter("as_of"), moment_parameter("known_at")
    if valid is not None:
        query = query.where(fact.valid_from <= valid)
    if known is not None:
        query = query.where(fact.known_at <= known)
    with hub().store.read(scope()) as session:
        if session.get(owner, object_id) is None:
            raise not_found(what, object_id)
        found: Sequence[Any] = session.scalars(query).all()
        return Collection(data=[_shape(item) for item in found])


def _shape(item: Any) -> FactShape:  # noqa: ANN401 - a row of any table of facts
    return FactShape(
        object_id=item.object_id,
        valid_from=item.valid_from,
        known_at=item.known_at,
        change=item.change,
        run_id=item.run_id,
        values=item.payload,
    )
