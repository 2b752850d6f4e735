"""The subscriptions behind a bar of the dashboard: whose terms end in some days."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, g, request

from entrepot_web.auth.sessions import signed_in
from entrepot_web.criteria import Criterion
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.pages import list_view, marks, page

pages = Blueprint("console_renewals", __name__)


@pages.get("/renewals")
@signed_in("subscriptions:read")
def renewals() -> Response:
    """Show the active subscriptions whose term ends between two days, both included."""
    first, last = _day("from"), _day("to")
    zone = ZoneInfo(g.user.zone)
    view = list_view(
        SUBSCRIPTIONS,
        (
            Criterion("status", "eq", ("active",)),
            Criterion("term_end", "gte", (datetime.combine(first, time(), zone),)),
            Criterion(
                "term_end",
                "lt",
                (datetime.combine(last + timedelta(days=1), time(), zone),),
            ),
        ),
    )
    return page(
        "reseller/renewals.html",
        "start",
        view=view,
        first=first,
        last=last,
        marks=marks(),
        topic="customers",
    )


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        abort(404)
