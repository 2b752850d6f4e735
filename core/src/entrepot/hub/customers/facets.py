"""Tokens of what a customer can be filtered by, in one text that is walked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from entrepot.hub.customers.records import CustomerFacet
from entrepot.hub.customers.tables import Customer

Facet = tuple[str, str]
_F = CustomerFacet.__table__.c
_LONGEST = 500


def token(kind: str, value: str) -> str:
    """The token of a facet; no value can be taken for another."""
    plain = value[:_LONGEST].replace("%", "%25").replace("|", "%7C")
    return f"|{kind}={plain}|"


def tokens(facets: Iterable[Facet]) -> str:
    """All tokens of a customer; empty when there are none."""
    return "".join(token(kind, value) for kind, value in facets)


def has(kind: str, values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition that a customer has one of some values, for a walk."""
    column = Customer.__table__.c.facets
    return or_(
        *(column.contains(token(kind, str(one)), autoescape=True) for one in values)
    )


def with_one(tenant_id: str, kind: str, values: Sequence[Any]) -> Select[Any]:
    """The select of the ids of customers that have one of some values."""
    return select(_F.customer_id).where(
        _F.tenant_id == tenant_id,
        _F.kind == kind,
        _F.value.in_([str(one)[:_LONGEST] for one in values]),
    )
