"""The cards of the dashboard: which there are, what they show, who sees them where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from entrepot.hub.reconciliation.queries import IssueQuery
from flask import Blueprint, Response, flash, g, redirect, request
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.i18n import choices, preferences
from entrepot_web.reseller import figures
from entrepot_web.reseller.notices import notices
from entrepot_web.reseller.pages import connections_in_use, marks, page
from entrepot_web.reseller.sync_runs import latest_runs, strips
from entrepot_web.reseller.waiting import undecided

pages = Blueprint("console_cards", __name__)
KEPT = "dashboard"
"""Name of the preference that holds the keys of the cards, in order."""

Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card.

    Attributes:
        key: Its name, and that of its template.
        about: One sentence for whoever chooses cards.
        needs: Permissions without which it isn't offered.
        read: Returns what its template shows.
        wide: Whether it takes the whole width.
    """

    key: str
    title: LazyString
    about: LazyString
    needs: tuple[str, ...]
    read: Callable[[], Shown]
    wide: bool = False


def _money() -> Shown:
    totals = hub().reconciliation.totals(actor(), IssueQuery())
    with hub().store.read(scope()) as session:
        without = figures.amountless(session)
    return {
        "totals": [one for one in totals if one.currency],
        "nameless": [one for one in totals if not one.currency],
        "without": without,
    }


def _books() -> Shown:
    def ask() -> figures.Books:
        with hub().store.read(scope()) as session:
            return figures.books(session, hub().clock.now())

    return {"books": parts().kept.read(("books", actor().tenant_id), ask)}


def _todo() -> Shown:
    found = notices()
    return {"notices": found[:6], "more": max(0, len(found) - 6)}


def _trend() -> Shown:
    with hub().store.read(scope()) as session:
        return {"trends": figures.trends(session, hub().clock.now())}


def _renewals() -> Shown:
    zone = ZoneInfo(g.user.zone)
    today = hub().clock.now().astimezone(zone).date()
    start = datetime.combine(today, time(), zone)

    def ask() -> Sequence[figures.Week]:
        with hub().store.read(scope()) as session:
            return figures.weeks_ahead(session, today, start)

    return {"weeks": parts().kept.read(("weeks", actor().tenant_id, start), ask)}


def _unmapped() -> Shown:
    return {"undecided": undecided(), "marks": marks()}


def _connections() -> Shown:
    order = {"parked": 0, "paused": 1}
    found = connections_in_use()
    ranked = sorted(found, key=lambda one: (order.get(one.state, 2), one.name))
    return {"connections": ranked, "marks": marks()}


def _health() -> Shown:
    with hub().store.read(scope()) as session:
        found = figures.health(session, hub().clock.now())
    return {
        "connections": connections_in_use(),
        "health": found,
        "strips": strips(),
        "marks": marks(),
    }


def _runs() -> Shown:
    return {"runs": latest_runs(8), "marks": marks()}


CARDS = (
    Card(
        key="money",
        title=lazy_gettext("Money at risk"),
        about=lazy_gettext("Under- and over-billed per currency, never netted."),
        needs=("reconciliations:read",),
        read=_money,
        wide=True,
    ),
    Card(
        key="books",
        title=lazy_gettext("In the books"),
        about=lazy_gettext("Customers, active subscriptions, what ends soon."),
        needs=("customers:read", "subscriptions:read"),
        read=_books,
        wide=True,
    ),
    Card(
        key="todo",
        title=lazy_gettext("Waiting for you"),
        about=lazy_gettext("What needs somebody, and what you waited for."),
        needs=(),
        read=_todo,
    ),
    Card(
        key="connections",
        title=lazy_gettext("Connections"),
        about=lazy_gettext("Those that need attention first."),
        needs=("connections:read",),
        read=_connections,
    ),
    Card(
        key="trend",
        title=lazy_gettext("Drift in thirty days"),
        about=lazy_gettext("How open money developed from comparison to comparison."),
        needs=("reconciliations:read",),
        read=_trend,
    ),
    Card(
        key="renewals",
        title=lazy_gettext("Renewals ahead"),
        about=lazy_gettext("Terms that end in the next eight weeks."),
        needs=("subscriptions:read",),
        read=_renewals,
    ),
    Card(
        key="unmapped",
        title=lazy_gettext("Not mapped yet"),
        about=lazy_gettext("Customers at vendors that no PSA company stands for."),
        needs=("mappings:read", "connections:read"),
        read=_unmapped,
    ),
    Card(
        key="health",
        title=lazy_gettext("Sync health"),
        about=lazy_gettext("How the readings of the last week went."),
        needs=("sync:read", "connections:read"),
        read=_health,
    ),
    Card(
        key="runs",
        title=lazy_gettext("Latest sync runs"),
        about=lazy_gettext("What was read last, with its result."),
        needs=("sync:read", "connections:read"),
        read=_runs,
        wide=True,
    ),
)


def offered() -> Sequence[Card]:
    """Return the cards that the person may see."""
    may = actor().may
    return [card for card in CARDS if all(may(one) for one in card.needs)]


def chosen_cards() -> Sequence[Card]:
    """Return the cards of the person's dashboard, in their order; all by default."""
    known = {card.key: card for card in offered()}
    kept = choices().get(KEPT)
    keys = kept if isinstance(kept, list) else list(known)
    return [known[key] for key in keys if key in known]


@pages.get("/cards")
@signed_in()
def choose_cards() -> Response:
    """Show which cards the dashboard has and in what order."""
    shown = chosen_cards()
    keys = {card.key for card in shown}
    return page(
        "reseller/cards.html",
        "start",
        shown=shown,
        others=[card for card in offered() if card.key not in keys],
        moved=request.args.get("moved", ""),
        topic="console",
    )


@pages.post("/cards")
@signed_in()
def change_cards() -> WerkzeugResponse:
    """Show, hide or move one card, take a whole order, or go back to the usual one."""
    keys = [card.key for card in chosen_cards()]
    action, _, key = request.form.get("do", "").partition(":")
    known = {card.key for card in offered()}
    if action == "usual":
        preferences().choose(actor(), KEPT, None)
    elif action == "everybody":
        preferences().choose_for_all(actor(), KEPT, keys)
        flash(gettext("Everybody who chose no cards of their own sees these."), "ok")
    elif action == "order":
        wanted = list(dict.fromkeys(key.split(",")))
        preferences().choose(actor(), KEPT, [one for one in wanted if one in known])
    elif key in known:
        preferences().choose(actor(), KEPT, rearranged(keys, action, key))
    return redirect(f"/cards?moved={key}" if key in known else "/cards", 303)


def rearranged(keys: Sequence[str], action: str, key: str) -> list[str]:
    """Return the cards after one step: ``add``, ``remove``, ``up`` or ``down``."""
    others = [one for one in keys if one != key]
    if action == "add":
        return [*others, key]
    if action in ("up", "down") and key in keys:
        at = keys.index(key) + (-1 if action == "up" else 1)
        others.insert(max(0, at), key)
        return others
    return others if action == "remove" else list(keys)
