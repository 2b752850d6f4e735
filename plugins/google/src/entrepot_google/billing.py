"""The fixed questions to the billing export, and their answers (reference §8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Charge, Page, UsageLine

from entrepot_google import filed
from entrepot_google.mapping import charges as mapping
from entrepot_google.mapping.rows import ZONE, day_of
from entrepot_google.runtime import Cursor, client_of
from entrepot_google.settings import GoogleSettings

VENDOR_ZONE = ZONE.key
T = TypeVar("T")
_PAGE = 1000
_TABLE = re.compile(r"[a-z0-9:.-]+\.\w+\.\w+")

_LABEL = (
    "(SELECT value FROM UNNEST(system_labels)"
    " WHERE key = 'workspace.googleapis.com/{0}')"
)
CHARGES_SQL = """\
SELECT
  invoice.month AS invoice_month,
  IFNULL(entitlement_name, '') AS entitlement_name,
  IFNULL(customer_name, '') AS customer_name,
  IFNULL(channel_partner_name, '') AS channel_partner_name,
  billing_account_id,
  payer_billing_account_id,
  IFNULL(customer_correlation_id, '') AS customer_correlation_id,
  cost_type,
  IFNULL(service.id, '') AS service_id,
  IFNULL(sku.id, '') AS sku_id,
  ANY_VALUE(service.description) AS service_description,
  ANY_VALUE(sku.description) AS sku_description,
  IFNULL({usage_type}, '') AS usage_type,
  IFNULL({order_id}, '') AS order_id,
  ANY_VALUE({domain_name}) AS domain_name,
  currency,
  ANY_VALUE(usage.pricing_unit) AS unit,
  CAST(MIN(DATE(usage_start_time, '{zone}')) AS STRING) AS starts_on,
  CAST(MAX(DATE(usage_end_time, '{zone}')) AS STRING) AS ends_on,
  CAST(SUM(usage.amount_in_pricing_unit) AS STRING) AS quantity,
  CAST(SUM(cost) AS STRING) AS cost,
  CAST(SUM((SELECT IFNULL(SUM(c.amount), 0) FROM UNNEST(credits) AS c)) AS STRING)
    AS credits,
  CAST(SUM(customer_cost) AS STRING) AS customer_cost,
  CAST(SUM(cost_at_list) AS STRING) AS cost_at_list
FROM `{table}`
WHERE invoice.month IN UNNEST(@months)
  AND (@customer = '' OR customer_name = @customer)
GROUP BY invoice_month, entitlement_name, customer_name, channel_partner_name,
  billing_account_id, payer_billing_account_id, customer_correlation_id, cost_type,
  service_id, sku_id, usage_type, order_id, currency
ORDER BY invoice_month, customer_name, entitlement_name, cost_type, service_id,
  sku_id, usage_type, order_id, billing_account_id, currency
"""
USAGE_SQL = """\
SELECT
  CAST(DATE(usage_start_time, '{zone}') AS STRING) AS day,
  IFNULL(entitlement_name, '') AS entitlement_name,
  IFNULL(customer_name, '') AS customer_name,
  IFNULL(project.id, '') AS project_id,
  IFNULL(sku.id, '') AS sku_id,
  ANY_VALUE(sku.description) AS sku_description,
  currency,
  ANY_VALUE(usage.pricing_unit) AS unit,
  CAST(SUM(usage.amount_in_pricing_unit) AS STRING) AS quantity,
  CAST(SUM(cost) AS STRING) AS cost,
  CAST(SUM((SELECT IFNULL(SUM(c.amount), 0) FROM UNNEST(credits) AS c)) AS STRING)
    AS credits
FROM `{table}`
WHERE DATE(usage_start_time, '{zone}') >= @first
  AND DATE(usage_start_time, '{zone}') < @after
  AND cost_type = 'regular'
  AND {usage_type} IS NULL
  AND (@customer = '' OR customer_name = @customer)
GROUP BY day, entitlement_name, customer_name, project_id, sku_id, currency
ORDER BY day, customer_name, entitlement_name, project_id, sku_id, currency
"""


def list_charges(ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
    """Lines of the invoice months a period touches, one per group of rows."""
    customer = _customer_name(ctx, query.customer_id)
    if not _has_table(ctx):
        told = filed.charges(ctx, query, customer)
        return _page(query, told, mapping.charge)
    months = mapping.months_of(query.period)
    rows, following = _read(
        ctx,
        query,
        CHARGES_SQL,
        (
            _parameter("customer", "STRING", customer),
            _list_parameter("months", months),
        ),
    )
    table, today = _table(ctx), _today(ctx)
    made = [mapping.charge(row, table=table, today=today) for row in rows]
    return Page(items=made, next_cursor=following)


def list_usage(ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
    """Metered use by day and SKU: Google Cloud, and consumptive Workspace products."""
    customer = _customer_name(ctx, query.customer_id)
    if not _has_table(ctx):
        return _page(query, filed.usage(ctx, query, customer), mapping.usage)
    rows, following = _read(
        ctx,
        query,
        USAGE_SQL,
        (
            _parameter("customer", "STRING", customer),
            _parameter("first", "DATE", query.period.start.isoformat()),
            _parameter("after", "DATE", query.period.end.isoformat()),
        ),
    )
    table, today = _table(ctx), _today(ctx)
    made = [mapping.usage(row, table=table, today=today) for row in rows]
    return Page(items=made, next_cursor=following)


def statement(template: str, table: str) -> str:
    """The question for one table; the table's name is the only thing that varies."""
    return template.format(
        table=table,
        zone=VENDOR_ZONE,
        usage_type=_LABEL.format("usage_type"),
        order_id=_LABEL.format("order_id"),
        domain_name=_LABEL.format("domain_name"),
    )


def _read(
    ctx: PluginContext,
    query: ask.ListCharges | ask.ListUsage,
    template: str,
    parameters: tuple[dict[str, Any], ...],
) -> tuple[list[dict[str, str]], str | None]:
    """One page of rows and the cursor of the next; the job keeps the order."""
    settings: GoogleSettings = ctx.settings
    client, cursor = client_of(ctx), Cursor.of(query.cursor)
    size = min(query.page_size or _PAGE, _PAGE)
    if cursor.job is None:
        body = {
            "query": statement(template, _table(ctx)),
            "useLegacySql": False,
            "parameterMode": "NAMED",
            "queryParameters": list(parameters),
        }
        if settings.billing_location:
            body["location"] = settings.billing_location
        found = client.ask(body, size)
    else:
        found = client.results(cursor.job, cursor.location, cursor.token, size)
    following = Cursor(job=found.job, location=found.location, token=found.token)
    return found.rows, following.text() if found.token else None


def _page(
    query: ask.ListCharges | ask.ListUsage,
    told: filed.Told,
    made: Callable[..., T],
) -> Page[T]:
    """One page of what files tell, mapped as BigQuery's answers are."""
    size = min(query.page_size or _PAGE, _PAGE)
    rows, following = filed.page(told, Cursor.of(query.cursor), size)
    return Page(
        items=[made(row, table=told.source, today=told.known_on) for row in rows],
        next_cursor=following.text() if following.job else None,
        complete=not told.reason,
        incomplete_reason=told.reason or None,
    )


def _has_table(ctx: PluginContext) -> bool:
    settings: GoogleSettings = ctx.settings
    return _TABLE.fullmatch(settings.billing_table) is not None


def _table(ctx: PluginContext) -> str:
    settings: GoogleSettings = ctx.settings
    return settings.billing_table


def _customer_name(ctx: PluginContext, customer_id: str | None) -> str:
    settings: GoogleSettings = ctx.settings
    return f"{settings.account}/customers/{customer_id}" if customer_id else ""


def _today(ctx: PluginContext) -> date:
    return day_of(ctx.clock.now())


def _parameter(name: str, kind: str, value: str) -> dict[str, Any]:
    return {
        "name": name,
        "parameterType": {"type": kind},
        "parameterValue": {"value": value},
    }


def _list_parameter(name: str, values: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
        "parameterValue": {"arrayValues": [{"value": value} for value in values]},
    }
