"""Search or jump to: one endpoint for the search page and the command palette."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from entrepot.hub.connections.rows import REMOVED
from entrepot.hub.connections.views import ConnectionName
from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from entrepot_web.articles import topics
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.listing import Listing, Question, Search, read
from entrepot_web.lists.customers import CUSTOMERS, CustomerFinder
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.navigation import navigation
from entrepot_web.reseller.pages import connection_names, page

pages = Blueprint("console_palette", __name__)
FEW = 6
MANY = 20
NEAR = 500
"""Rows that match among which the first in the list's order are shown."""
FRAGMENT = "palette-found"
"""Id of the region that asks for a fragment instead of the page."""


class Near:
    """A list's search that stops early: here a few rows are enough.

    Args:
        search: The list's own.
    """

    def __init__(self, search: Search) -> None:
        self._search = search

    def hits(
        self, session: Session, tenant_id: str, text: str, most: int
    ) -> Sequence[str]:
        """Return keys of rows that hold the text; see `Search`."""
        return self._search.hits(session, tenant_id, text, min(most, NEAR))

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that a row holds the text; see `Search`."""
        return self._search.condition(session, tenant_id, text)


_CUSTOMERS = replace(CUSTOMERS, finder=CustomerFinder(NEAR))
_SUBSCRIPTIONS = replace(SUBSCRIPTIONS, search=Near(SUBSCRIPTIONS.search))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing to jump to, or to do.

    Attributes:
        href: Where it leads; of an action, where its form goes.
        beside: A second, quieter text.
        fields: What an action sends; empty for a plain link.
    """

    title: str
    href: str
    icon: str
    beside: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits of one kind."""

    title: str
    hits: Sequence[Hit]


@pages.get("/search")
@signed_in()
def search() -> Response:
    """Find customers and subscriptions, pages and actions by their words."""
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    few = request.headers.get("HX-Target", "").endswith("#" + FRAGMENT)
    found = [*_places(text), *_records(text, FEW if few else MANY)]
    groups = [group for group in found if group.hits]
    if few:
        html = render_template("reseller/_palette.html", groups=groups, text=text)
        return make_response(html)
    return page("reseller/search.html", "", jump=text, groups=groups, topic="console")


def _places(text: str) -> Iterator[Hits]:
    """Yield the pages, actions and help whose words begin with those asked for."""
    if not text and not request.headers.get("HX-Request"):
        return
    yield Hits(gettext("Pages"), _named(text, _pages()))
    yield Hits(gettext("Actions"), _named(text, _actions()))
    if text:
        yield Hits(gettext("Help"), _named(text, _articles()))


def _named(text: str, hits: Iterator[Hit]) -> list[Hit]:
    wanted = text.casefold().split()
    return [
        hit
        for hit in hits
        if all(
            any(word.startswith(one) for word in hit.title.casefold().split())
            for one in wanted
        )
    ][:MANY]


def _pages() -> Iterator[Hit]:
    for group in navigation():
        for link in group.links:
            yield Hit(title=str(link.title), href=link.href, icon=link.icon)
    yield Hit(title=gettext("Notifications"), href="/notices", icon="bell")
    yield Hit(title=gettext("Preferences"), href="/preferences", icon="settings")
    yield Hit(title=gettext("Help"), href="/help", icon="help-circle")


def _articles() -> Iterator[Hit]:
    for topic in topics():
        yield Hit(title=topic.title, href=f"/help/{topic.name}", icon="book")


def _actions() -> Iterator[Hit]:
    may = actor().may
    if may("connections:write"):
        title = gettext("Add a connection")
        yield Hit(title=title, href="/connections/new", icon="plus")
    if may("sync:write") and may("connections:read"):
        for one in _in_use():
            yield Hit(
                title=gettext("Read changes of %(name)s", name=one.name),
                href="/sync-runs",
                icon="refresh",
                fields={"connection_id": one.id, "mode": "incremental"},
            )
    if may("reconciliations:write") and may("connections:read"):
        for one in (one for one in _in_use() if one.kind == "psa"):
            yield Hit(
                title=gettext("Compare with %(name)s again", name=one.name),
                href="/reconciliation",
                icon="scale",
                fields={"psa": one.id},
            )
    for theme, title, icon in (
        ("light", gettext("Light colours"), "sun"),
        ("dark", gettext("Dark colours"), "moon"),
        ("system", gettext("Colours of the system"), "device-desktop"),
    ):
        yield Hit(title=title, href="/preferences", icon=icon, fields={"theme": theme})
    yield Hit(title=gettext("Choose dashboard cards"), href="/cards", icon="columns")
    yield Hit(
        title=gettext("Sign out"), href="/logout", icon="logout", fields={"out": "1"}
    )


def _in_use() -> list[ConnectionName]:
    return [one for one in connection_names() if one.state != REMOVED]


def _records(text: str, most: int) -> Iterator[Hits]:
    if not text:
        return
    with hub().store.read(scope()) as session:
        if actor().may("customers:read"):
            yield Hits(gettext("Customers"), _customers(session, text, most))
        if actor().may("subscriptions:read"):
            yield Hits(gettext("Subscriptions"), _subscriptions(session, text, most))


def _customers(session: Session, text: str, most: int) -> list[Hit]:
    return [
        Hit(
            title=row.name,
            href=f"/customers/{row.id}",
            icon="users",
            beside=row.custom_id,
        )
        for row in read(session, _CUSTOMERS, _question(_CUSTOMERS, text, most)).rows
    ]


def _subscriptions(session: Session, text: str, most: int) -> list[Hit]:
    question = _question(_SUBSCRIPTIONS, text, most)
    return [
        Hit(
            title=row.friendly_name or row.name,
            href=f"/subscriptions/{row.id}",
            icon="repeat",
            beside=row.customer_name or "",
        )
        for row in read(session, _SUBSCRIPTIONS, question).rows
    ]


def _question(listing: Listing, text: str, most: int) -> Question:
    return Question(
        limit=most,
        sort=((listing.default_sort, False),),
        criteria=(),
        tenant_id=actor().tenant_id,
        secret=parts().secret,
        text=text,
    )
