"""The start page, the search box, and small things around the person."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.hub.customers.tables import Customer
from entrepot.hub.reconciliation.queries import IssueQuery
from entrepot.hub.subscriptions.tables import SubscriptionRow
from flask import Blueprint, Response, g, jsonify, redirect, request
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import load_person, signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.listing import Question, read
from entrepot_web.lists.customers import CUSTOMERS
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.pages import marks, page, stamp
from entrepot_web.reseller.subscription_columns import SOON
from entrepot_web.reseller.sync_runs import latest_runs

pages = Blueprint("console_start", __name__)


@pages.get("/")
@signed_in()
def start() -> Response:
    """Show where things stand."""
    with hub().store.read(scope()) as session:
        customers = session.scalar(select(func.count()).select_from(Customer)) or 0
        ahead = _ahead(session)
        fresh = parts().freshness.read(session, actor().tenant_id, ())
    may = actor().may
    return page(
        "reseller/start.html",
        "start",
        customers=customers,
        ahead=ahead,
        fresh=stamp(fresh),
        connections=hub().connections.list(actor()) if may("connections:read") else (),
        totals=hub().reconciliation.totals(actor(), IssueQuery())
        if may("reconciliations:read")
        else (),
        runs=latest_runs(8) if may("sync:read") else (),
        marks=marks() if may("connections:read") else {},
    )


@dataclass(frozen=True, slots=True)
class Ahead:
    """Active subscriptions, and those whose term ends within thirty days."""

    active: int
    renewing: int
    expiring: int


def _ahead(session: Session) -> Ahead:
    """Return what is active and what ends soon, counted in one pass."""
    row, now = SubscriptionRow, hub().clock.now()
    soon = and_(row.term_end >= now, row.term_end < now + SOON)
    found = session.execute(
        select(
            func.count(),
            func.count().filter(soon, row.auto_renew.is_(True)),
            func.count().filter(soon, row.auto_renew.is_(False)),
        ).where(row.status == "active")
    ).one()
    return Ahead(*found)


@pages.get("/search")
@signed_in()
def search() -> Response:
    """Find customers and subscriptions by name."""
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    found = {}
    with hub().store.read(scope()) as session:
        for listing, permission in (
            (CUSTOMERS, "customers:read"),
            (SUBSCRIPTIONS, "subscriptions:read"),
        ):
            if text and actor().may(permission):
                question = Question(
                    limit=20,
                    sort=((listing.default_sort, False),),
                    criteria=(),
                    tenant_id=actor().tenant_id,
                    secret=parts().secret,
                    text=text,
                )
                found[listing.name] = read(session, listing, question).rows
    return page("reseller/search.html", "", jump=text, found=found)


@pages.get("/session")
def session_alive() -> tuple[Response, int]:
    """Say whether the person is still signed in."""
    return (jsonify(ok=True), 200) if load_person() else (jsonify(ok=False), 401)


@pages.post("/preferences")
@signed_in()
def preferences() -> WerkzeugResponse:
    """Store the colours the person wants."""
    theme = request.form.get("theme", "system")
    hub().users.set_preferences(actor(), theme=theme, zone=g.user.zone)
    back = request.form.get("back", "/")
    safe = back.startswith("/") and not back.startswith(("//", "/\\"))
    return redirect(back if safe else "/", 303)
