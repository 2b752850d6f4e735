"""The comparison as most would write it: both sides as ORM objects, a dictionary."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import MetaData, Table, create_engine, select
from sqlalchemy.orm import Session, registry

from bench.measure import measured


def compare(url: str, *, differing: int, pg: int = 0) -> dict[str, Any]:
    """Load everything, group in dictionaries, compare."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    names = ("subscription", "psa_line", "customer_map", "product_map")
    mapped = {name: _mapped(engine, name) for name in names}
    result: dict[str, Any] = {}
    with measured(result, pg=pg), Session(engine) as session:
        people = {
            one.vendor_customer_id: one.psa_company_id
            for one in session.scalars(select(mapped["customer_map"]))
        }
        goods = {
            one.sku: one.psa_product_id
            for one in session.scalars(select(mapped["product_map"]))
        }
        wanted: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for one in session.scalars(select(mapped["subscription"])).all():
            key = people[one.customer_vendor_id], goods[one.sku]
            wanted[key].append((one.quantity, one.unit_cost))
        there: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for one in session.scalars(select(mapped["psa_line"])).all():
            key = one.company_vendor_id, one.product_vendor_id
            there[key].append((one.quantity, one.unit_cost))
        found = {
            key[0]
            for key in wanted.keys() | there.keys()
            if sum(one for one, _ in wanted[key]) != sum(one for one, _ in there[key])
            or {cost for _, cost in wanted[key]} != {cost for _, cost in there[key]}
        }
    result["found"] = len(found)
    result["right"] = len(found) == differing
    return result


def _mapped(engine: Any, name: str) -> type:
    made = type(name, (), {})
    registry().map_imperatively(made, Table(name, MetaData(), autoload_with=engine))
    return made
