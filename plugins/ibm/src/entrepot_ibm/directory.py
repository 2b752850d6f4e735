"""Who is a customer of the partner: a walk through billing options and usage (T14).

There is no listing of customers (§1.2). Month after month, the latest first, billing
options and then usage reports are read, a page of the vendor's for a page of ours; a
customer comes with the first row that names it. Who was named already is remembered in
memory; where that is lost, the pages before the cursor are read again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from entrepot.sdk import queries as ask
from entrepot.sdk.context import PluginContext
from entrepot.sdk.model import Page, VendorCustomer
from entrepot.sdk.model.time import add_months

from entrepot_ibm.client import MOST, PARTNER_OPTIONS, Client
from entrepot_ibm.mapping import parties
from entrepot_ibm.runtime import Cursor, Runtime, client_of, cursor_lost
from entrepot_ibm.settings import IbmSettings

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_OPTIONS = "options"
_EMPTY_PAGES = 10  # of the vendor's, behind which ours ends although it is empty
_WALKS = 4


@dataclass(slots=True)
class Walk:
    """Where a walk stands.

    Attributes:
        month: The latest month, ``yyyy-mm``.
        size: Rows of a page of the vendor's.
        step: Which report of which month is read.
        pages: Pages read of it.
        token: Asks for its next page.
        seen: Customers that were named.
    """

    month: str
    size: int
    step: int = 0
    pages: int = 0
    token: str | None = None
    seen: set[str] = field(default_factory=set)

    @property
    def cursor(self) -> str:
        """Names this place."""
        return Cursor(
            part=self.month, size=self.size, row=self.step, page=self.pages
        ).text()


def directory_page(
    ctx: PluginContext, query: ask.ListCustomers
) -> Page[VendorCustomer]:
    """One page of customers of the partner."""
    runtime: Runtime = ctx.runtime
    steps = _steps(ctx)
    walk = _standing(ctx, query, steps)
    found: list[parties.PartnerCustomer] = []
    for _ in range(_EMPTY_PAGES):
        found = _next(client_of(ctx), walk, steps)
        if found or walk.step == len(steps):
            break
    items = [parties.partner_customer(each) for each in found]
    if walk.step == len(steps):
        return Page(items=items)
    with runtime.lock:
        while len(runtime.walks) >= _WALKS:
            runtime.walks.pop(next(iter(runtime.walks)))
        runtime.walks[walk.cursor] = walk
    return Page(items=items, next_cursor=walk.cursor)


def recent_months(ctx: PluginContext, latest: str = "") -> list[str]:
    """The months that are searched, the latest first."""
    settings: IbmSettings = ctx.settings
    first = ctx.clock.now().date().replace(day=1)
    if latest:
        first = date.fromisoformat(f"{latest}-01")
    back = range(int(settings.months_back))
    return [f"{add_months(first, -step):%Y-%m}" for step in back]


def _steps(ctx: PluginContext) -> tuple[str, ...]:
    """What is read of each month, in order."""
    settings: IbmSettings = ctx.settings
    return (_OPTIONS, "reports") * int(settings.months_back)


def _standing(
    ctx: PluginContext, query: ask.ListCustomers, steps: tuple[str, ...]
) -> Walk:
    """The walk that stands where the cursor says."""
    runtime: Runtime = ctx.runtime
    if query.cursor is None:
        size = min(query.page_size or PARTNER_OPTIONS, PARTNER_OPTIONS)
        return Walk(f"{ctx.clock.now():%Y-%m}", size)
    with runtime.lock:
        kept = runtime.walks.pop(query.cursor, None)
    if kept is not None:
        return kept
    wanted = Cursor.of(query.cursor)
    if not _MONTH.fullmatch(wanted.part):
        raise cursor_lost()
    walk = Walk(wanted.part, wanted.size or PARTNER_OPTIONS)
    client = client_of(ctx)
    while (walk.step, walk.pages) < (wanted.row, wanted.page):
        if walk.step == len(steps):
            break
        _next(client, walk, steps)
    return walk


def _next(
    client: Client, walk: Walk, steps: tuple[str, ...]
) -> list[parties.PartnerCustomer]:
    """The customers that the next page of the vendor's names first."""
    if walk.step == len(steps):
        return []
    first = date.fromisoformat(f"{walk.month}-01")
    month = f"{add_months(first, -(walk.step // 2)):%Y-%m}"
    if steps[walk.step] == _OPTIONS:
        options, token = client.options_page(month, walk.token, walk.size)
        rows = parties.directory(options, ())
    else:
        reports, token = client.reports_page(month, walk.token, min(walk.size, MOST))
        rows = parties.directory((), reports)
    walk.token, walk.pages = token, walk.pages + 1
    if token is None:
        walk.step, walk.pages = walk.step + 1, 0
    found = [each for each in rows if each.id not in walk.seen]
    walk.seen.update(each.id for each in found)
    return found
