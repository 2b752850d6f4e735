"""Tokens of what a customer can be filtered by, in one text that is walked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, or_, select

from entrepot.hub.customers.records import CustomerFacet
from entrepot.hub.customers.tables import Customer
from entrepot.store.search import contained

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
    return or_(*(contained(column, literal(token(kind, str(one)))) for one in values))


def with_one(tenant_id: str, kind: str, values: Sequence[Any]) -> Select[Any]:
    """The select of the ids of customers that have one of some values.

    Each is given once: it has one of many values only if several were asked for.
    """
    query = select(_F.customer_id).where(
        _F.tenant_id == tenant_id,
        _F.kind == kind,
        _F.value.in_([str(one)[:_LONGEST] for one in values]),
    )
    return query.distinct() if len(values) > 1 else query


def rows_with_one(kind: str, values: Sequence[Any]) -> tuple[str, dict[str, str]]:
    """The text of `with_one`, giving ``row_id`` for ``:tenant_id``, and its values."""
    given = {f"f{at}": str(one)[:_LONGEST] for at, one in enumerate(values)}
    names = ", ".join(f":{name}" for name in given)
    distinct = "DISTINCT " if len(values) > 1 else ""
    query = (
        f"SELECT {distinct}customer_id AS row_id FROM customer_facet "  # noqa: S608 - names of ours
        f"WHERE tenant_id = :tenant_id AND kind = :f_kind AND value IN ({names})"
    )
    return query, {"f_kind": kind, **given}


def also(
    query: Select[Any], tenant_id: str, kind: str, values: Sequence[Any]
) -> Select[Any]:
    """Those of `with_one` that have one of some other values as well."""
    other = CustomerFacet.__table__.alias()
    return query.where(
        select(other.c.customer_id)
        .where(
            other.c.tenant_id == tenant_id,
            other.c.kind == kind,
            other.c.value.in_([str(one)[:_LONGEST] for one in values]),
            other.c.customer_id == _F.customer_id,
        )
        .exists()
    )
