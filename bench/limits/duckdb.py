"""DuckDB on one thread, both sides in its memory already: how fast a join can be."""

from __future__ import annotations

import sqlite3
from typing import Any

import duckdb
import psycopg

from bench.measure import measured

_TABLES = {
    "bought": "SELECT customer_vendor_id, sku, quantity, unit_cost FROM subscription",
    "billed": "SELECT company_vendor_id, product_vendor_id, quantity, unit_price, "
    "unit_cost FROM psa_line",
    "people": "SELECT vendor_customer_id, psa_company_id FROM customer_map",
    "goods": "SELECT sku, psa_product_id FROM product_map",
}
_COMPARE = """
CREATE TABLE differing AS
WITH wanted AS (
  SELECT p.psa_company_id AS company, g.psa_product_id AS product,
         sum(b.quantity) AS quantity, min(b.unit_cost) AS low, max(b.unit_cost) AS high
  FROM bought b JOIN people p ON p.vendor_customer_id = b.customer_vendor_id
  JOIN goods g ON g.sku = b.sku GROUP BY 1, 2),
there AS (
  SELECT company_vendor_id AS company, product_vendor_id AS product,
         sum(quantity) AS quantity, min(unit_cost) AS low, max(unit_cost) AS high
  FROM billed GROUP BY 1, 2)
SELECT company, product FROM wanted FULL OUTER JOIN there USING (company, product)
WHERE wanted.quantity IS DISTINCT FROM there.quantity
   OR wanted.low IS DISTINCT FROM there.low OR wanted.high IS DISTINCT FROM there.high
"""


def compare(url: str, *, keys: int, differing: int) -> dict[str, Any]:
    """Load both sides, then compare; only the comparison is measured."""
    result: dict[str, Any] = {}
    with duckdb.connect(":memory:", config={"threads": 1}) as engine:
        for name, sql in _TABLES.items():
            _load(engine, name, _rows(url, sql))
        with measured(result):
            engine.execute(_COMPARE)
        count, companies = engine.execute(
            "SELECT count(*), count(DISTINCT company) FROM differing"
        ).fetchone()  # type: ignore[misc]
    result["found"] = companies
    result["right"] = (count, companies) == (keys, differing)
    return result


def _rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as opened:
            return opened.execute(sql).fetchall()
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()  # type: ignore[arg-type]


def _load(engine: Any, name: str, rows: list[tuple[Any, ...]]) -> None:
    """A table out of rows, through columns: row by row takes minutes."""
    import numpy as np

    columns = list(zip(*rows, strict=True))
    arrays = {
        f"c{place}": np.array(column, dtype=np.int64)
        if isinstance(column[0], int)
        else np.array(column, dtype=object)
        for place, column in enumerate(columns)
    }
    engine.register("incoming", arrays)
    names = ", ".join(
        f"c{place} AS {column}" for place, column in enumerate(_names(_TABLES[name]))
    )
    engine.execute(f"CREATE TABLE {name} AS SELECT {names} FROM incoming")
    engine.unregister("incoming")


def _names(sql: str) -> list[str]:
    between = sql.removeprefix("SELECT ").partition(" FROM ")[0]
    return [name.strip() for name in between.split(",")]
