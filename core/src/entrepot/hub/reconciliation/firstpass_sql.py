"""The statement of the first look; the same for both databases.

Both sides are put under one another, what was bought with a plus and what is billed
with a minus, and summed up per company and PSA product in one pass, so that several
subscriptions on one line, or several lines for one product, are compared as sums.
Quantities and amounts are the scaled integers as they are stored. CROSS JOIN keeps
SQLite from turning a scan into a search per row; PostgreSQL plans as it likes.

There are two forms: over everything (`COVER`), and over the companies that a run has
listed in ``recon_todo`` (`COVER_SOME`), whose rows are found by their indexes.
"""

# ruff: noqa: S608 - put together from constants of this module only

from __future__ import annotations

SUM = "sum"
"""Kind of the rows of ``recon_todo`` that name companies to be summed up."""

_DIALECTS = {
    "sqlite": {
        "$TAXABLE_IS_OFF$": "l.taxable = 0",
        # An index on the reseller would lead it to every row in random order.
        "$SCANNED$": "NOT INDEXED",
    },
    "postgresql": {"$TAXABLE_IS_OFF$": "l.taxable IS FALSE", "$SCANNED$": ""},
}


def for_dialect(statement: str, dialect: str) -> str:
    """A statement of this module as one of the databases takes it."""
    for name, meant in _DIALECTS[dialect].items():
        statement = statement.replace(name, meant)
    return statement


# Companies whose only active agreement leaves nothing open.
_HOMES = """
SELECT a.company_vendor_id AS company, MIN(a.vendor_id) AS agreement,
       MIN(a.currency) AS currency, MIN(a.billing_cycle) AS cycle
FROM psa_agreement AS a
WHERE a.tenant_id = :tenant_id AND a.connection_id = :psa
  AND a.gone_at IS NULL AND a.status = 'active' $HOMES$
GROUP BY a.company_vendor_id
HAVING COUNT(*) = 1
   AND MAX(CASE WHEN a.lock_known = :yes AND a."end" IS NULL THEN 0 ELSE 1 END) = 0
"""

# Where a vendor customer's subscriptions are billed.
_PLACES = """
SELECT m.vendor_connection_id AS connection, m.vendor_customer_id AS customer,
       m.account_id AS account, m.psa_company_id AS company,
       h.agreement AS agreement, h.currency AS currency, h.cycle AS cycle,
       CASE WHEN m.share = 'all' AND m.status = 'confirmed' AND h.company IS NOT NULL
            THEN 0 ELSE 1 END AS odd
FROM customer_map AS m LEFT JOIN homes AS h ON h.company = m.psa_company_id
WHERE m.tenant_id = :tenant_id AND m.psa_connection_id = :psa
  AND m.status IN ('confirmed', 'stale')
"""

# Every company that is mapped, with its only agreement if it is plain.
_OWNERS = """
SELECT p.company AS company, MIN(p.agreement) AS agreement
FROM places AS p
GROUP BY p.company
"""

_SUMMED = f"""
  IN (SELECT t.subject FROM recon_todo AS t
      WHERE t.tenant_id = :tenant_id AND t.run_id = :run AND t.kind = '{SUM}')
"""

# Subscriptions whose customer was not known yet have no account.
_ACCOUNTS = """
SELECT p.account AS account FROM places AS p UNION SELECT ''
"""

_BOUGHT = """
SELECT p.company AS company,
       CASE WHEN c.plain = :yes THEN c.psa_product ELSE '' END AS product,
       s.quantity AS quantity, c.price AS price, c.cost AS cost,
       CASE WHEN c.price IS NULL THEN 0 ELSE 1 END AS priced,
       CASE WHEN c.cost IS NULL THEN 0 ELSE 1 END AS costed,
       CASE WHEN c.plain = :yes AND p.odd = 0
             AND s.status = 'active' AND s.billed = :yes AND s.is_trial = :no
             AND s.scheduled = '[]' AND s.missing_runs = 0 AND s.quantity > 0
             AND s.known_at < :recent
             AND (s.auto_renew IS NULL OR s.auto_renew = :yes
                  OR s.term_end IS NULL OR s.term_end > :soon)
             AND (s.started_at IS NULL OR s.started_at <= :now)
             AND c.billed_in = p.currency AND s.billing_cycle = p.cycle
            THEN 0 ELSE 1 END AS odd,
       1 AS subscriptions
FROM $SUBSCRIPTIONS$
CROSS JOIN places AS p
CROSS JOIN recon_combo AS c
WHERE s.tenant_id = :tenant_id AND s.status <> 'ended'
  AND p.connection = s.connection_id AND p.customer = s.customer_vendor_id
  AND c.sku = s.sku AND c.offer_key = s.offer_key
  AND c.unit_cost = COALESCE(s.unit_cost, -1)
  AND c.product_id = s.product_id AND c.term = s.term
  AND c.billing_cycle = s.billing_cycle AND c.segment = s.segment
  AND c.currency = s.currency AND c.connection_id = s.connection_id
  AND c.psa_connection_id = :psa AND c.tenant_id = :tenant_id
  AND NOT (c.plain = :yes AND c.psa_product = '')
"""

_BILLED = """
SELECT l.company_vendor_id AS company, l.product_vendor_id AS product,
       -l.quantity AS quantity, l.unit_price AS price, l.unit_cost AS cost,
       0 AS priced, 0 AS costed,
       CASE WHEN l.ends IS NULL
             AND (l.effective IS NULL OR l.effective <= :today)
             AND l.bill = 'billable' AND NOT ($TAXABLE_IS_OFF$)
             AND l.included_quantity = 0
             AND l.unit_price IS NOT NULL AND l.unit_cost IS NOT NULL
             AND k.state = 'active' AND k.role = 'main'
             AND o.agreement = l.agreement_vendor_id
            THEN 0 ELSE 1 END AS odd,
       0 AS subscriptions
FROM $LINES$
LEFT JOIN line_link AS k
  ON k.tenant_id = :tenant_id AND k.psa_connection_id = :psa
 AND k.line_id = l.vendor_id
WHERE l.tenant_id = :tenant_id AND l.connection_id = :psa AND l.gone_at IS NULL
  AND o.company = l.company_vendor_id
  AND (l.ends IS NULL OR l.ends >= :today)
  AND (k.state IS NULL OR k.state <> 'unmanaged')
  AND (k.line_id IS NOT NULL OR l.product_vendor_id IN (
       SELECT g.psa_product_id FROM product_map AS g
       WHERE g.tenant_id = :tenant_id AND g.psa_connection_id = :psa
         AND g.status IN ('confirmed', 'stale')))
"""

# Prices and costs count where somebody manages them; all of a key must then be alike.
_KEYS = f"""
SELECT company,
       CASE WHEN SUM(quantity) = 0 AND MAX(odd) = 0
             AND (MAX(priced) = 0 OR MAX(price) - MIN(price) <= :cent)
             AND (MAX(costed) = 0 OR MAX(cost) - MIN(cost) <= :cent)
            THEN 0 ELSE 1 END AS differs,
       SUM(subscriptions) AS subscriptions, COUNT(*) - SUM(subscriptions) AS lines
FROM ({_BOUGHT} UNION ALL {_BILLED}) AS both_sides
GROUP BY company, product
"""

_COVER = f"""
INSERT INTO recon_coverage (psa_connection_id, scope, tenant_id, run_id, at, outcome,
    because, subscriptions, lines, keys, skipped, issues, by_sums)
WITH homes AS ({_HOMES}), places AS ({_PLACES}$PLACES$), owners AS ({_OWNERS})
SELECT :psa, company, :tenant_id, :run, :now,
       CASE WHEN MAX(differs) = 0 AND SUM(subscriptions) > 0
            THEN 'clean' ELSE 'incomplete' END,
       CASE WHEN MAX(differs) = 0 AND SUM(subscriptions) > 0
            THEN 'its sums agree' ELSE 'to be looked at in detail' END,
       CAST(SUM(subscriptions) AS INTEGER), CAST(SUM(lines) AS INTEGER), COUNT(*),
       0, 0,
       CASE WHEN MAX(differs) = 0 AND SUM(subscriptions) > 0 THEN :yes ELSE :no END
FROM ({_KEYS}) AS compared
WHERE company <> ''
GROUP BY company
ON CONFLICT (psa_connection_id, scope) DO UPDATE SET
    run_id = excluded.run_id, at = excluded.at, outcome = excluded.outcome,
    because = excluded.because, subscriptions = excluded.subscriptions,
    lines = excluded.lines, keys = excluded.keys, skipped = 0, issues = 0,
    by_sums = excluded.by_sums
WHERE recon_coverage.outcome <> excluded.outcome
   OR recon_coverage.subscriptions <> excluded.subscriptions
   OR recon_coverage.lines <> excluded.lines
   OR recon_coverage.keys <> excluded.keys
   OR recon_coverage.by_sums <> excluded.by_sums
   OR recon_coverage.skipped <> 0 OR recon_coverage.issues <> 0
"""


def _filled(statement: str, **parts: str) -> str:
    for name in ("HOMES", "PLACES", "SUBSCRIPTIONS", "LINES"):
        statement = statement.replace(f"${name}$", parts.get(name.lower(), ""))
    return statement


COVER = _filled(
    _COVER,
    subscriptions="subscription AS s $SCANNED$",
    lines="psa_line AS l CROSS JOIN owners AS o",
)
"""One statement: a row per company, written only where it says something new."""

COVER_SOME = _filled(
    _COVER,
    homes=f"AND a.company_vendor_id {_SUMMED}",
    places=f"AND m.psa_company_id {_SUMMED}",
    subscriptions=f"({_ACCOUNTS}) AS a CROSS JOIN subscription AS s",
    lines="owners AS o CROSS JOIN psa_line AS l",
).replace("WHERE s.tenant_id", "WHERE s.account_id = a.account AND s.tenant_id")
"""The same of the companies that the run lists."""

PLACES = _filled(f"""
WITH homes AS ({_HOMES})
SELECT p.company AS company, p.connection AS connection, p.customer AS customer,
       p.account AS account, p.agreement AS agreement, p.currency AS currency,
       p.cycle AS cycle, p.odd AS odd
FROM ({_PLACES}) AS p
ORDER BY p.company, p.connection, p.customer
""")
"""Where each vendor customer is billed now."""

# Both are answered by an index alone.
COUNT_BOUGHT = """
SELECT s.account_id, COUNT(*) FROM subscription AS s
WHERE s.tenant_id = :tenant_id
  AND s.account_id IN (SELECT m.account_id FROM customer_map AS m
    WHERE m.tenant_id = :tenant_id AND m.psa_connection_id = :psa)
GROUP BY s.account_id
"""
COUNT_BILLED = """
SELECT l.company_vendor_id, COUNT(*), MAX(l.known_at) FROM psa_line AS l
WHERE l.tenant_id = :tenant_id AND l.connection_id = :psa
GROUP BY l.company_vendor_id
"""

# What a row's own columns make odd by and by needs no change of the row.
TOUCHED_BOUGHT = """
SELECT DISTINCT s.customer_vendor_id, s.connection_id
FROM subscription AS s $SCANNED$
WHERE s.tenant_id = :tenant_id
  AND (s.known_at >= :since
       OR s.status <> 'ended'
          AND (s.missing_runs > 0 OR s.auto_renew = :no AND s.term_end <= :soon))
"""

NEW_KINDS = """
SELECT DISTINCT s.connection_id, s.product_id, s.sku, s.offer_key, s.term,
       s.billing_cycle, s.segment, s.currency, s.unit_cost
FROM (SELECT m.account_id AS account FROM customer_map AS m
      WHERE m.tenant_id = :tenant_id AND m.psa_connection_id = :psa
        AND m.psa_company_id $SOME$
      UNION SELECT '') AS a
CROSS JOIN subscription AS s
WHERE s.account_id = a.account AND s.tenant_id = :tenant_id AND s.status <> 'ended'
""".replace("$SOME$", _SUMMED)
"""Kinds of subscriptions that the listed companies' customers have."""
