"""Indexes of searched tables, which metadata can't describe; see `store.search`.

On SQLite the key table gives rows a number and keeps their texts, tokens, states and
what they are sorted by side by side, since rows of the table itself have no number that
lasts and are wide.
Each text ends with a line break there: any two letters then begin a trigram.
"""

# ruff: noqa: S608 - names of our own tables, from the metadata

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from entrepot.store.engine import WEB_ROLE

Columns = tuple[str, str, str, str]
_EXTENSIONS = (
    "SELECT extname FROM pg_extension WHERE extname IN ('pg_trgm','btree_gin')"
)
_SOUGHT = "text, text, text[], jsonb, text[]"
_ARGUMENTS = {
    "sought": _SOUGHT,
    "search": f"{_SOUGHT}, integer",
    "page": f"{_SOUGHT}, integer, text, text, boolean, integer",
}
"""Functions beside a searched table, with the types of their arguments."""


def install(connection: Connection, searched: Mapping[str, Columns]) -> None:
    """Add the index of every searched table.

    Args:
        connection: Inside the migration's transaction.
        searched: Tables with their columns of text, tokens, state and order.
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
            for kind, arguments in _ARGUMENTS.items():
                name = f"entrepot_{kind}_{table}({arguments})"
                connection.execute(text(f"DROP FUNCTION IF EXISTS {name}"))
    if connection.dialect.name != "sqlite":
        connection.execute(text("DROP FUNCTION IF EXISTS entrepot_pairs(text)"))


def _sqlite(connection: Connection, table: str, columns: Columns) -> None:
    column, tokens, state, ordered = columns
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
        "tokens TEXT NOT NULL, sorted TEXT NOT NULL, folded TEXT NOT NULL)",
        f"CREATE INDEX IF NOT EXISTS ix_{table}_search_key ON {table}_search_key "
        "(tenant_id)",
        f"CREATE INDEX IF NOT EXISTS ix_{table}_search_key_sorted ON "
        f"{table}_search_key (tenant_id, sorted, row_id)",
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_search USING fts5("
        f"folded, tokenize='trigram', content='{table}_search_key', "
        "content_rowid='number')",
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_search_vocab "
        f"USING fts5vocab('{table}_search', 'row')",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_insert AFTER INSERT ON {table} "
        f"BEGIN INSERT INTO {table}_search_key (row_id, tenant_id, state, tokens, "
        f"sorted, folded) VALUES (new.id, new.tenant_id, new.{state}, new.{tokens}, "
        f"new.{ordered}, new.{column} || char(10)); {learn} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_update AFTER UPDATE OF {column} "
        f"ON {table} WHEN old.{column} IS NOT new.{column} BEGIN {forget} "
        f"UPDATE {table}_search_key SET folded = new.{column} || char(10) "
        f"WHERE row_id = new.id; {learn} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_search_beside AFTER UPDATE OF {tokens}, "
        f"{state}, {ordered} ON {table} WHEN old.{tokens} IS NOT new.{tokens} OR "
        f"old.{state} IS NOT new.{state} OR old.{ordered} IS NOT new.{ordered} "
        f"BEGIN UPDATE {table}_search_key SET tokens = new.{tokens}, "
        f"state = new.{state}, sorted = new.{ordered} WHERE row_id = new.id; END",
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

_LOOKED_AT, _FREQUENT = 2_000, 400
"""Rows of a sample, and how many of them must match for walking to find enough soon."""

# A LIKE is no leakproof operator: under row-level security no index would be used for
# it. The functions run as the tables' owner and bind the reseller.
_RUN = """SECURITY DEFINER
SET search_path = public SET enable_seqscan = on SET jit = off AS $body$"""

# Conditions: of the reseller and the states, for asking the index, for reading rows as
# they lie, for reading them in their order; and whether rows that match lie dense.
_CONDITIONS = """
CREATE OR REPLACE FUNCTION entrepot_sought_{table}(
  words text, pattern text, instead text[], wanted jsonb, states text[],
  OUT own text, OUT indexed text, OUT scanned text, OUT walked text,
  OUT frequent boolean)
LANGUAGE plpgsql STABLE {run}
DECLARE
  tokens text;
  either text;
  one jsonb;
  seen bigint;
  matched bigint;
BEGIN
  own := format('tenant_id = %L', current_setting('entrepot.tenant', true));
  scanned := 'true';
  indexed := 'true';
  IF cardinality(states) > 0 THEN
    own := own || format(' AND {state} = ANY (%L::text[])', states);
  END IF;
  IF words <> '' THEN
    scanned := format('strpos({column}, %L) > 0', words);
    indexed := CASE length(words) WHEN 1 THEN scanned
      WHEN 2 THEN format('entrepot_pairs({column}) @> ARRAY[%L]', words)
      ELSE format('{column} LIKE %L', pattern) END;
    IF cardinality(instead) > 0 THEN
      tokens := format('{tokens} && %L::text[]', instead);
      scanned := format('(%s OR %s)', scanned, tokens);
      indexed := format('(%s OR %s)', indexed, tokens);
    END IF;
  END IF;
  walked := scanned;
  FOR one IN SELECT * FROM jsonb_array_elements(wanted) LOOP
    tokens := format('{tokens} && %L::text[]',
      ARRAY(SELECT jsonb_array_elements_text(one)));
    scanned := scanned || ' AND ' || tokens;
    indexed := indexed || ' AND ' || tokens;
    SELECT string_agg(format('strpos({facets}, %L) > 0', '|' || token || '|'), ' OR ')
      INTO either FROM jsonb_array_elements_text(one) AS token;
    walked := format('%s AND (%s)', walked, either);
  END LOOP;
  EXECUTE format('SELECT count(*), count(*) FILTER (WHERE %s) FROM '
    '(SELECT {column}, {facets} FROM {table} WHERE %s LIMIT {looked_at}) sample',
    walked, own) INTO seen, matched;
  frequent := seen < {looked_at} OR matched >= {often};
END $body$
"""

_SEARCH = """
CREATE OR REPLACE FUNCTION entrepot_search_{table}(
  words text, pattern text, instead text[], wanted jsonb, states text[], most integer)
RETURNS SETOF text LANGUAGE plpgsql STABLE {run}
DECLARE
  s record;
BEGIN
  s := entrepot_sought_{table}(words, pattern, instead, wanted, states);
  IF s.frequent THEN
    s.indexed := s.scanned;
  ELSE
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT id::text FROM {table} WHERE %s AND %s LIMIT %s', s.own, s.indexed, most);
END $body$
"""

# What is found is sorted where it is less than what is counted. Else rows are read in
# their order until the page is full: it takes less than reading all to sort them.
_PAGE = """
CREATE OR REPLACE FUNCTION entrepot_page_{table}(
  words text, pattern text, instead text[], wanted jsonb, states text[], most integer,
  place text, row_id text, down boolean, size integer,
  OUT number integer, OUT ids text[])
LANGUAGE plpgsql STABLE {run}
DECLARE
  s record;
  beyond text := 'true';
  way text := CASE WHEN down THEN 'DESC' ELSE 'ASC' END;
  cut text;
BEGIN
  s := entrepot_sought_{table}(words, pattern, instead, wanted, states);
  IF row_id IS NOT NULL THEN
    beyond := format('({ordered}, id) %s (%L, %L)',
      CASE WHEN down THEN '<' ELSE '>' END, place, row_id);
  END IF;
  cut := format('ORDER BY {ordered} %s, id %s LIMIT %s', way, way, size);
  IF s.frequent THEN
    s.indexed := s.scanned;
  ELSE
    PERFORM set_config('enable_seqscan', 'off', true);
  END IF;
  EXECUTE format('WITH hit AS MATERIALIZED (SELECT id, {ordered} FROM {table} '
    'WHERE %s AND %s LIMIT %s), n AS (SELECT count(*)::integer AS n FROM hit) '
    'SELECT n, CASE WHEN n < %s THEN ARRAY(SELECT id::text FROM hit WHERE %s %s) END '
    'FROM n', s.own, s.indexed, most, most, beyond, cut) INTO number, ids;
  IF ids IS NOT NULL THEN
    RETURN;
  END IF;
  PERFORM set_config('enable_seqscan', 'on', true);
  EXECUTE format('SELECT ARRAY(SELECT id::text FROM {table} WHERE %s AND %s AND %s %s)',
    s.own, s.walked, beyond, cut) INTO ids;
END $body$
"""


def _postgresql(connection: Connection, table: str, columns: Columns) -> None:
    column, facets, state, ordered = columns
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
    functions = {"sought": _CONDITIONS, "search": _SEARCH, "page": _PAGE}
    for kind, function in functions.items():
        connection.exec_driver_sql(
            function.format(
                run=_RUN,
                table=table,
                column=column,
                facets=facets,
                tokens=tokens.replace("'", "''"),
                state=state,
                ordered=ordered,
                looked_at=_LOOKED_AT,
                often=_FREQUENT,
            ).replace("%", "%%")
        )
        name = f"entrepot_{kind}_{table}({_ARGUMENTS[kind]})"
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        if kind != "sought":
            connection.exec_driver_sql(
                f"GRANT EXECUTE ON FUNCTION {name} TO {WEB_ROLE}"
            )
