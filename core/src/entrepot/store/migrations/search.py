"""Indexes of searched tables, which metadata can't describe; see `store.search`.

On SQLite the key table gives rows a number and keeps their texts, tokens and states
side by side, since rows of the table itself have no number that lasts and are wide.
Each text ends with a line break there: any two letters then begin a trigram.
"""

# ruff: noqa: S608 - names of our own tables, from the metadata

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from entrepot.store.engine import WEB_ROLE

Columns = tuple[str, str, str]
_EXTENSIONS = (
    "SELECT extname FROM pg_extension WHERE extname IN ('pg_trgm','btree_gin')"
)
_ARGUMENTS = "text, text, text[], jsonb, text[], integer"


def install(connection: Connection, searched: Mapping[str, Columns]) -> None:
    """Add the index of every searched table.

    Args:
        connection: Inside the migration's transaction.
        searched: Tables with their columns of text, tokens and state.
    """
    for table, columns in searched.items():
        if connection.dialect.name == "sqlite":
            _sqlite(connection, table, columns)
        else:
            _postgresql(connection, table, columns)


def uninstall(connection: Connection, searched: Mapping[str, Columns]) -> None:
    """Remove what dropping the tables leaves behind."""
    for table in searched:
        if connection.dialect.name == "sqlite":
            for kind in ("_vocab", "", "_key"):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}_search{kind}"))
        else:
            name = f"entrepot_search_{table}({_ARGUMENTS})"
            connection.execute(text(f"DROP FUNCTION IF EXISTS {name}"))
    if connection.dialect.name != "sqlite":
        connection.execute(text("DROP FUNCTION IF EXISTS entrepot_pairs(text)"))


def _sqlite(connection: Connection, table: str, columns: Columns) -> None:
    column, tokens, state = columns
    number = f"(SELECT number FROM {table}_search_key WHERE row_id = old.id)"
    forget = (
        f"INSERT INTO {table}_search ({table}_search, rowid, folded) "
        f"VALUES ('delete', {number}, old.{column} || char(10));"
    )
    learn = (
        f"INSERT INTO {table}_search (rowid, folded) SELECT number, folded "
        f"FROM {table}_search_key WHERE row_id = new.id;"
    )
    for statement in (
        f"CREATE TABLE IF NOT EXISTS {table}_search_key (number INTEGER PRIMARY KEY, "
        "row_id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL, state TEXT NOT NULL, "
        "tokens TEXT NOT NULL, folded TEXT NOT NULL)",
        f"CREATE INDEX IF NOT EXISTS ix_{table}_search_key ON {table}_search_key "
        "(tenant_id)",
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_search USING fts5("
        f"folded, tokenize='trigram', content='{table}_search_key', "
        "content_rowid='number')",
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_search_vocab "
        f"USING fts5vocab('{table}_search', 'row')",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_insert AFTER INSERT ON {table} "
        f"BEGIN INSERT INTO {table}_search_key (row_id, tenant_id, state, tokens, "
        f"folded) VALUES (new.id, new.tenant_id, new.{state}, new.{tokens}, "
        f"new.{column} || char(10)); {learn} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_update AFTER UPDATE OF {column} "
        f"ON {table} WHEN old.{column} IS NOT new.{column} BEGIN {forget} "
        f"UPDATE {table}_search_key SET folded = new.{column} || char(10) "
        f"WHERE row_id = new.id; {learn} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_beside AFTER UPDATE OF {tokens}, "
        f"{state} ON {table} WHEN old.{tokens} IS NOT new.{tokens} OR old.{state} IS "
        f"NOT new.{state} BEGIN UPDATE {table}_search_key SET tokens = new.{tokens}, "
        f"state = new.{state} WHERE row_id = new.id; END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_delete BEFORE DELETE ON {table} "
        f"BEGIN {forget} DELETE FROM {table}_search_key WHERE row_id = old.id; END",
    ):
        connection.exec_driver_sql(statement)


_PAIRS = (
    "CREATE OR REPLACE FUNCTION entrepot_pairs(words text) RETURNS text[] "
    # The cost tells the planner never to ask this of every row.
    "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $body$ "
    "SELECT array(SELECT DISTINCT substr(words, at, 2) "
    "FROM generate_series(1, length(words) - 1) AS at) $body$"
)

_LOOKED_AT, _FREQUENT = 5_000, 1_000
"""Rows of a sample, and how many of them must match for walking to find enough soon."""

# A LIKE is no leakproof operator: under row-level security no index would be used for
# it. The function runs as the tables' owner and binds the reseller.
_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}(
  words text, pattern text, instead text[], wanted jsonb, states text[], most integer)
RETURNS SETOF text LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public SET enable_seqscan = on SET jit = off AS $body$
DECLARE
  own text := format('tenant_id = %L', current_setting('entrepot.tenant', true));
  walked text := 'true';
  indexed text := 'true';
  tokens text;
  one jsonb;
  seen bigint;
  found bigint;
BEGIN
  IF cardinality(states) > 0 THEN
    own := own || format(' AND {state} = ANY (%L::text[])', states);
  END IF;
  IF words <> '' THEN
    walked := format('strpos({column}, %L) > 0', words);
    indexed := CASE length(words) WHEN 1 THEN walked
      WHEN 2 THEN format('entrepot_pairs({column}) @> ARRAY[%L]', words)
      ELSE format('{column} LIKE %L', pattern) END;
    IF cardinality(instead) > 0 THEN
      tokens := format('{tokens} && %L::text[]', instead);
      walked := format('(%s OR %s)', walked, tokens);
      indexed := format('(%s OR %s)', indexed, tokens);
    END IF;
  END IF;
  FOR one IN SELECT * FROM jsonb_array_elements(wanted) LOOP
    tokens := format('{tokens} && %L::text[]',
      ARRAY(SELECT jsonb_array_elements_text(one)));
    walked := walked || ' AND ' || tokens;
    indexed := indexed || ' AND ' || tokens;
  END LOOP;
  EXECUTE format('SELECT count(*), count(*) FILTER (WHERE %s) FROM '
    '(SELECT {column}, {facets} FROM {table} WHERE %s LIMIT {looked_at}) sample',
    walked, own) INTO seen, found;
  IF seen < {looked_at} OR found >= {frequent} THEN
    indexed := walked;
  ELSE
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT id::text FROM {table} WHERE %s AND %s LIMIT %s', own, indexed, most);
END $body$
"""


def _postgresql(connection: Connection, table: str, columns: Columns) -> None:
    column, facets, state = columns
    tokens = f"string_to_array(btrim({facets}, '|'), '||')"
    there = set(connection.execute(text(_EXTENSIONS)).scalars())
    connection.exec_driver_sql(_PAIRS)
    parts = [f"entrepot_pairs({column})", f"({tokens})"]
    if "pg_trgm" in there:
        parts.insert(0, f"{column} gin_trgm_ops")
    if "btree_gin" in there:
        parts.insert(0, "tenant_id")
    # A short list of what is pending: every search reads it, and without one a load
    # takes several times as long.
    connection.exec_driver_sql(
        f"CREATE INDEX IF NOT EXISTS {table}_search ON {table} "
        f"USING gin ({', '.join(parts)}) "
        "WITH (fastupdate = on, gin_pending_list_limit = 512)"
    )
    name = f"entrepot_search_{table}"
    connection.exec_driver_sql(
        _FUNCTION.format(
            name=name,
            table=table,
            column=column,
            facets=facets,
            tokens=tokens.replace("'", "''"),
            state=state,
            looked_at=_LOOKED_AT,
            frequent=_FREQUENT,
        ).replace("%", "%%")
    )
    for statement in (
        f"REVOKE ALL ON FUNCTION {name}({_ARGUMENTS}) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {name}({_ARGUMENTS}) TO {WEB_ROLE}",
    ):
        connection.exec_driver_sql(statement)
