from __future__ import annotations

import pytest
from entrepot.store.sqlscan import scan

OWNED = frozenset({("customer", "tenant_id"), ("sub", "tenant_id"), ("tenant", "id")})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM customer WHERE tenant_id = ?",
        'SELECT * FROM public."customer" AS c WHERE c."tenant_id" = %s',
        "SELECT 1 FROM customer c JOIN sub s ON s.tenant_id = c.tenant_id "
        "WHERE c.tenant_id = %(t)s",
        "SELECT 1 FROM customer, sub WHERE customer.tenant_id = ? "
        "AND sub.tenant_id IN (?)",
        "WITH x AS (SELECT id FROM sub WHERE sub.tenant_id = ?) SELECT * FROM x",
        "UPDATE customer SET name = ? WHERE ? = tenant_id",
        "DELETE FROM sub WHERE tenant_id = ? -- FROM customer",
        "INSERT INTO sub (id, tenant_id) VALUES (?, ?)",
        "INSERT INTO sub (id, tenant_id) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET "
        "name = excluded.name",
        "SELECT name FROM tenant WHERE tenant.id = ?",
        "SELECT 1 FROM sub WHERE tenant_id = ? UNION SELECT 1 FROM sub "
        "WHERE tenant_id = ?",
        "SELECT 1 FROM sub WHERE tenant_id = ? AND a IS DISTINCT FROM b FOR UPDATE",
    ],
)
def test_filtered_statements_pass(sql: str):
    found = scan(sql, OWNED)
    assert found.unfiltered == ()
    assert found.tables != ()


@pytest.mark.parametrize(
    ("sql", "missing"),
    [
        ("SELECT * FROM customer", "customer"),
        ("select * from\n  Customer where name = ?", "customer"),
        ("SELECT * FROM customer c JOIN sub s ON c.id = s.c WHERE c.tenant_id = ?",
         "sub"),
        ("SELECT * FROM other, sub WHERE x = 1", "sub"),
        ("SELECT tenant_id FROM sub", "sub"),
        ("SELECT * FROM sub ORDER BY tenant_id", "sub"),
        ("SELECT * FROM sub WHERE tenant_id <> ?", "sub"),
        ("SELECT * FROM sub WHERE tenant_id NOT IN (?)", "sub"),
        ("SELECT * FROM sub WHERE note = 'tenant_id = 1'", "sub"),
        ("SELECT * FROM sub -- WHERE tenant_id = 1", "sub"),
        ("UPDATE sub SET tenant_id = ?", "sub"),
        ("DELETE FROM sub", "sub"),
        ("TRUNCATE sub", "sub"),
        ("TRUNCATE TABLE sub", "sub"),
        ("INSERT INTO sub (id) VALUES (?)", "sub"),
        ("INSERT INTO sub VALUES (?, ?)", "sub"),
        ("INSERT INTO sub (id, tenant_id) SELECT id, tenant_id FROM customer",
         "customer"),
        ("SELECT name FROM tenant WHERE slug = ?", "tenant"),
        ("COPY sub FROM STDIN", "sub"),
        ("SELECT * FROM sub WHERE id IN (SELECT id FROM sub WHERE tenant_id = ?)",
         "sub"),
        ("SELECT 1 FROM sub WHERE sub.tenant_id = ? UNION SELECT 1 FROM sub", "sub"),
    ],
)  # fmt: skip
def test_unfiltered_statements_are_found(sql: str, missing: str):
    assert missing in scan(sql, OWNED).unfiltered


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT customer FROM orders",
        "SELECT 'FROM customer'",
        "CREATE TABLE customer (id TEXT)",
        "SELECT a, customer, b FROM orders WHERE x = 1",
        "INSERT INTO orders (customer, sub) VALUES (?, ?)",
        "PRAGMA table_info(customer)",
    ],
)
def test_other_statements_touch_nothing(sql: str):
    assert scan(sql, OWNED).tables == ()


def test_changes_are_told_from_reading():
    changed = scan(
        "INSERT INTO sub (id, tenant_id) SELECT id, tenant_id FROM customer "
        "WHERE tenant_id = ?",
        OWNED,
    ).changed
    assert changed == ("sub",)
    assert scan("DELETE FROM customer WHERE tenant_id = ?", OWNED).changed == (
        "customer",
    )
    assert scan("SELECT 1 FROM sub WHERE tenant_id = ? FOR UPDATE", OWNED).changed == ()
    assert scan("UPDATE tenant SET id = ?", OWNED).changed == ("tenant",)
