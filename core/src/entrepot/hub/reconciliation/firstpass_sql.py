"""The statement of the first look; the same for both databases.

Two groupings joined by a third: each side is grouped to company and product first, so
that several subscriptions on one line, or several lines for one product, are compared
as sums. Quantities and amounts are the scaled integers as they are stored.
"""

# ruff: noqa: S608 - put together from constants of this module only

from __future__ import annotations

TAXABLE_IS_OFF = {"sqlite": "l.taxable = 0", "postgresql": "l.taxable IS FALSE"}

_EXPECTED = """
SELECT m.psa_company_id AS company,
       CASE WHEN c.plain = :yes THEN c.psa_product ELSE '' END AS product,
       SUM(s.quantity) AS wanted, 0 AS billed,
       MIN(c.price) AS price_low, MAX(c.price) AS price_high,
       MIN(c.cost) AS cost_low, MAX(c.cost) AS cost_high,
       NULL AS line_price_low, NULL AS line_price_high,
       NULL AS line_cost_low, NULL AS line_cost_high,
       MAX(CASE WHEN c.plain = :yes
                 AND m.share = 'all' AND m.status = 'confirmed'
                 AND s.status = 'active' AND s.billed = :yes AND s.is_trial = :no
                 AND s.scheduled = '[]' AND s.missing_runs = 0 AND s.quantity > 0
                 AND s.known_at < :recent
                 AND (s.auto_renew IS NULL OR s.auto_renew = :yes
                      OR s.term_end IS NULL OR s.term_end > :soon)
                 AND (s.started_at IS NULL OR s.started_at <= :now)
                THEN 0 ELSE 1 END) AS odd,
       COUNT(*) AS subscriptions, 0 AS lines,
       MIN(s.currency) AS currency_low, MAX(s.currency) AS currency_high,
       MIN(s.billing_cycle) AS cycle_low, MAX(s.billing_cycle) AS cycle_high
FROM subscription AS s
JOIN customer_map AS m
  ON m.tenant_id = :tenant_id AND m.psa_connection_id = :psa
 AND m.vendor_connection_id = s.connection_id
 AND m.vendor_customer_id = s.customer_vendor_id
 AND m.status IN ('confirmed', 'stale')
JOIN recon_combo AS c
  ON c.tenant_id = :tenant_id AND c.run_id = :run
 AND c.connection_id = s.connection_id AND c.product_id = s.product_id
 AND c.sku = s.sku AND c.offer_key = s.offer_key AND c.term = s.term
 AND c.billing_cycle = s.billing_cycle AND c.segment = s.segment
 AND c.currency = s.currency AND c.unit_cost = COALESCE(s.unit_cost, -1)
WHERE s.tenant_id = :tenant_id AND s.status <> 'ended'
  AND NOT (c.plain = :yes AND c.psa_product = '')
GROUP BY 1, 2
"""

_AGREEMENTS = """
SELECT a.company_vendor_id AS company, COUNT(*) AS active,
       MIN(a.vendor_id) AS only_one, MIN(a.currency) AS currency,
       MIN(a.billing_cycle) AS cycle,
       MAX(CASE WHEN a.lock_known = :yes AND a."end" IS NULL THEN 0 ELSE 1 END) AS odd
FROM psa_agreement AS a
WHERE a.tenant_id = :tenant_id AND a.connection_id = :psa
  AND a.gone_at IS NULL AND a.status = 'active'
GROUP BY a.company_vendor_id
"""

_BILLED = f"""
SELECT l.company_vendor_id AS company, l.product_vendor_id AS product,
       0 AS wanted, SUM(l.quantity) AS billed,
       NULL AS price_low, NULL AS price_high, NULL AS cost_low, NULL AS cost_high,
       MIN(l.unit_price) AS line_price_low, MAX(l.unit_price) AS line_price_high,
       MIN(l.unit_cost) AS line_cost_low, MAX(l.unit_cost) AS line_cost_high,
       MAX(CASE WHEN l.ends IS NULL
                 AND (l.effective IS NULL OR l.effective <= :today)
                 AND l.bill = 'billable' AND NOT ($TAXABLE_IS_OFF$)
                 AND l.included_quantity = 0
                 AND l.unit_price IS NOT NULL AND l.unit_cost IS NOT NULL
                 AND k.state = 'active' AND k.role = 'main'
                 AND b.active = 1 AND b.odd = 0
                 AND b.only_one = l.agreement_vendor_id
                THEN 0 ELSE 1 END) AS odd,
       0 AS subscriptions, COUNT(*) AS lines,
       MIN(b.currency) AS currency_low, MAX(b.currency) AS currency_high,
       MIN(b.cycle) AS cycle_low, MAX(b.cycle) AS cycle_high
FROM psa_line AS l
LEFT JOIN line_link AS k
  ON k.tenant_id = :tenant_id AND k.psa_connection_id = :psa
 AND k.line_id = l.vendor_id
LEFT JOIN ({_AGREEMENTS}) AS b ON b.company = l.company_vendor_id
WHERE l.tenant_id = :tenant_id AND l.connection_id = :psa AND l.gone_at IS NULL
  AND l.company_vendor_id IN (
       SELECT n.psa_company_id FROM customer_map AS n
       WHERE n.tenant_id = :tenant_id AND n.psa_connection_id = :psa
         AND n.status IN ('confirmed', 'stale'))
  AND (l.ends IS NULL OR l.ends >= :today)
  AND (k.state IS NULL OR k.state <> 'unmanaged')
  AND (k.id IS NOT NULL OR l.product_vendor_id IN (
       SELECT p.psa_product_id FROM product_map AS p
       WHERE p.tenant_id = :tenant_id AND p.psa_connection_id = :psa
         AND p.status IN ('confirmed', 'stale')))
GROUP BY 1, 2
"""

_KEYS = f"""
SELECT company, product,
       CASE WHEN SUM(wanted) = SUM(billed)
             AND MAX(odd) = 0
             AND COALESCE(MIN(price_low), 0) = COALESCE(MAX(price_high), 0)
             AND COALESCE(MIN(cost_low), 0) = COALESCE(MAX(cost_high), 0)
             AND (MAX(price_low) IS NULL OR (
                  ABS(MAX(price_low) - MIN(line_price_low)) <= :cent
              AND ABS(MAX(price_low) - MAX(line_price_high)) <= :cent))
             AND (MAX(cost_low) IS NULL OR (
                  ABS(MAX(cost_low) - MIN(line_cost_low)) <= :cent
              AND ABS(MAX(cost_low) - MAX(line_cost_high)) <= :cent))
             AND MIN(currency_low) = MAX(currency_high)
             AND MIN(cycle_low) = MAX(cycle_high)
            THEN 0 ELSE 1 END AS differs,
       SUM(subscriptions) AS subscriptions, SUM(lines) AS lines
FROM ({_EXPECTED} UNION ALL {_BILLED}) AS both_sides
GROUP BY company, product
"""

COVER = f"""
INSERT INTO recon_coverage (psa_connection_id, scope, tenant_id, run_id, at, outcome,
    because, subscriptions, lines, keys, skipped, issues)
SELECT :psa, company, :tenant_id, :run, :now,
       CASE WHEN MAX(differs) = 0 AND SUM(subscriptions) > 0
            THEN 'clean' ELSE 'incomplete' END,
       CASE WHEN MAX(differs) = 0 AND SUM(subscriptions) > 0
            THEN 'its sums agree' ELSE 'to be looked at in detail' END,
       CAST(SUM(subscriptions) AS INTEGER), CAST(SUM(lines) AS INTEGER), COUNT(*),
       0, 0
FROM ({_KEYS}) AS compared
WHERE company <> ''
GROUP BY company
ON CONFLICT (psa_connection_id, scope) DO UPDATE SET
    run_id = excluded.run_id, at = excluded.at, outcome = excluded.outcome,
    because = excluded.because, subscriptions = excluded.subscriptions,
    lines = excluded.lines, keys = excluded.keys, skipped = 0, issues = 0
WHERE recon_coverage.outcome <> excluded.outcome
   OR recon_coverage.subscriptions <> excluded.subscriptions
   OR recon_coverage.lines <> excluded.lines
   OR recon_coverage.keys <> excluded.keys
   OR recon_coverage.skipped <> 0 OR recon_coverage.issues <> 0
"""
"""One statement: a row per company, written only where it says something new."""
