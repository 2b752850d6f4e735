"""Usage and charges of one customer, month by month."""

from __future__ import annotations

from datetime import UTC, datetime

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Charge, Page, Period, UsageLine

from entrepot_ibm import wire
from entrepot_ibm.mapping import money
from entrepot_ibm.mapping.spelling import months
from entrepot_ibm.reads import credit, required
from entrepot_ibm.runtime import Cursor, client_of
from entrepot_ibm.settings import IbmSettings
from entrepot_ibm.tokens import may_read_instances


def charges(ctx: PluginContext, query: ask.ListCharges) -> Page[Charge]:
    """One month of charges per page."""
    settings: IbmSettings = ctx.settings
    owner = required(query.customer_id)
    month, following = _step(query.period, query.cursor)
    frame = _frame(ctx, owner, month)
    sold: list[wire.ReportWire] = []
    if settings.is_partner and settings.selling_viewpoint:
        sold = client_of(ctx).reports(month, owner, settings.selling_viewpoint)
    made = money.charges(_reports(ctx, owner, month), frame, sold)
    if settings.is_partner and settings.commitment_charges == "monthly":
        when = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        made += money.commitment_charges(*credit(ctx, owner, when), frame)
    return Page(items=made, next_cursor=following)


def usage(ctx: PluginContext, query: ask.ListUsage) -> Page[UsageLine]:
    """One month of usage per page: per plan, or per instance where that is wanted."""
    settings: IbmSettings = ctx.settings
    owner = required(query.customer_id)
    month, following = _step(query.period, query.cursor)
    frame = _frame(ctx, owner, month)
    readable = may_read_instances(settings, ctx.secrets, owner)
    if settings.usage_detail == "instance" and readable:
        rows = client_of(ctx, owner).instance_usage(owner, month)
        return Page(items=money.instance_usage(rows, frame), next_cursor=following)
    reports = _reports(ctx, owner, month)
    return Page(items=money.usage(reports, frame), next_cursor=following)


def _reports(ctx: PluginContext, owner: str, month: str) -> list[wire.ReportWire]:
    settings: IbmSettings = ctx.settings
    client = client_of(ctx)
    if settings.is_partner:
        return client.reports(month, owner)
    return client.account_report(owner, month)


def _frame(ctx: PluginContext, owner: str, month: str) -> money.Book:
    settings: IbmSettings = ctx.settings
    today = ctx.clock.now().date()
    day = int(settings.invoice_day)
    return money.book(owner, month, today, day, settings.currency)


def _step(period: Period, cursor: str | None) -> tuple[str, str | None]:
    """The month that a cursor stands for, and the cursor of the next."""
    wanted = months(period)
    row = min(Cursor.of(cursor).row, len(wanted) - 1)
    more = Cursor(row=row + 1).text() if row + 1 < len(wanted) else None
    return wanted[row], more
