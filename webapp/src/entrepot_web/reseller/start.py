"""The dashboard: the cards that the person chose."""

from __future__ import annotations

from flask import Blueprint, Response

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.reseller.cards import chosen_cards
from entrepot_web.reseller.pages import connections_in_use, page, stamp

pages = Blueprint("console_start", __name__)


@pages.get("/")
@signed_in()
def start() -> Response:
    """Show where things stand."""
    with hub().store.read(scope()) as session:
        fresh = parts().freshness.read(session, actor().tenant_id, ())
    begun = not actor().may("connections:read") or connections_in_use()
    cards = [(card, card.read()) for card in chosen_cards()] if begun else []
    return page(
        "reseller/start.html",
        "start",
        begun=begun,
        cards=cards,
        fresh=stamp(fresh),
    )
