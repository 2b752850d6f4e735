"""What every page of the console needs: its frame, and lists as people page them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from entrepot.hub.connections.rows import REMOVED
from entrepot.hub.connections.views import ConnectionName, ConnectionView
from entrepot.hub.users.rules import ROLE_TITLES
from entrepot.sdk.errors import EntrepotError
from flask import Response, g, make_response, render_template, request
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session

from entrepot_web.api.lists import sort_of
from entrepot_web.api.problem import ApiError
from entrepot_web.auth.sessions import place_name
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.core_words import told
from entrepot_web.criteria import Criterion
from entrepot_web.cursors import CursorInvalid
from entrepot_web.freshness import Freshness
from entrepot_web.listing import Listing, Question, count, read
from entrepot_web.numerals import clock_text, moment_text, plain_number
from entrepot_web.reseller.navigation import NavGroup, navigation
from entrepot_web.reseller.present import Mark, initials, mark

ROWS = 50
TOPICS = {
    "start": "console",
    "customers": "customers",
    "subscriptions": "customers",
    "connections": "connections",
    "sync": "syncing",
    "mapping": "mapping",
    "reconciliation": "reconciliation",
    "plugins": "connections",
    "people": "people",
    "account": "people",
    "credentials": "audit",
}
"""The article of the user guide that belongs to a module."""

Beside = Callable[[Session, Sequence[Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FreshPill:
    """The state of all sources in the top bar."""

    icon: str
    tone: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What surrounds every page."""

    nav: Sequence[NavGroup]
    fresh: FreshPill | None
    theme: str
    person: str
    email: str
    initials: str
    tenant: str
    role: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """How complete a list is, in words."""

    complete: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """One page of a list as a template needs it."""

    rows: Sequence[Any]
    total: int
    total_is_exact: bool
    sort: str
    text: str
    previous: str | None
    next: str | None
    stamp: Stamp | None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """How many rows there are."""
        if not self.rows:
            if self.text or request.args:
                return gettext("Nothing matches")
            return gettext("Nothing here yet")
        shown, total = len(self.rows), plain_number(Decimal(self.total))
        if not self.total_is_exact:
            return gettext(
                "%(shown)s of more than %(total)s rows", shown=shown, total=total
            )
        return ngettext(
            "%(shown)s of %(total)s row",
            "%(shown)s of %(total)s rows",
            self.total,
            shown=shown,
            total=total,
        )

    def sorted_by(self, name: str) -> str:
        """Return the address of this list in another order."""
        wanted = f"-{name}" if self.sort == name else name
        return address(sort=wanted, cursor=None)


def page(template: str, module: str, **values: object) -> Response:
    """Return a page, or only the region that htmx asks for.

    Args:
        template: The page's template.
        module: Name of the module in the navigation.
        **values: What the template shows.
    """
    target = request.headers.get("HX-Target", "").partition("#")[2]
    if request.headers.get("HX-Request") and target == "results":
        template = template.replace(".html", "_results.html")
    values.setdefault("topic", TOPICS.get(module, "readme"))
    html = render_template(template, module=module, shell=shell(), **values)
    return make_response(html)


def tagged(html: str) -> Response:
    """Return a fragment that a browser may keep as long as it is unchanged."""
    answer = make_response(html)
    # The token against forged forms says when it was made; an older one is as good.
    token = g.get("csrf_token")
    shown = html.replace(token, "") if token else html
    answer.set_etag(hashlib.sha256(shown.encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    return answer


def shell() -> Shell:
    """Return the frame of the page for the person who looks."""
    user = g.user
    tenant = actor().tenant_id
    role = user.role_at(tenant)
    return Shell(
        nav=navigation(),
        fresh=_pill(),
        theme=user.theme,
        person=user.name,
        email=user.email,
        initials=initials(user.name),
        tenant=_tenant_name(tenant),
        role=told(ROLE_TITLES.get(role, role)),
    )


def marks() -> Mapping[str, Mark]:
    """Return how each connection of the reseller is recognised, by its id."""
    if "marks" not in g:
        titles = {item.name: item.title for item in hub().plugins.list()}
        g.marks = {
            item.id: mark(
                item.id, item.name, item.plugin, titles.get(item.plugin, ""), item.kind
            )
            for item in connection_names()
        }
    found: Mapping[str, Mark] = g.marks
    return found


def connections_in_use() -> Sequence[ConnectionView]:
    """Return the connections that aren't removed, by name; asked for once."""
    if "connections_in_use" not in g:
        g.connections_in_use = hub().connections.list(actor())
    found: Sequence[ConnectionView] = g.connections_in_use
    return found


def connection_names() -> Sequence[ConnectionName]:
    """Return all connections of the reseller, removed ones too; asked for once."""
    if "connections" not in g:
        g.connections = hub().connections.names(actor())
    found: Sequence[ConnectionName] = g.connections
    return found


def asked(
    listing: Listing, criteria: Sequence[Criterion] = (), rows: int = ROWS
) -> Question:
    """Return the question that the address asks of a list.

    Raises:
        ApiError: 400 for an order that can't be.
    """
    return Question(
        limit=rows,
        sort=sort_of(listing, request.args.get("sort", "")),
        criteria=tuple(criteria),
        tenant_id=actor().tenant_id,
        secret=parts().secret,
        text=request.args.get("q", "").replace("\0", "").strip()[:200],
        cursor=request.args.get("cursor"),
    )


def list_view(
    listing: Listing,
    criteria: Sequence[Criterion] = (),
    *,
    rows: int = ROWS,
    beside: Beside | None = None,
) -> ListView:
    """Return the page of a list that the address asks for.

    Args:
        listing: What is listed.
        criteria: The filters.
        rows: Most rows of a page.
        beside: Reads what belongs to the rows in the same snapshot.

    Raises:
        ApiError: 400 for an order or cursor that can't be.
    """
    question = asked(listing, criteria, rows)
    with hub().store.read(scope()) as session:
        try:
            found = read(session, listing, question)
        except CursorInvalid as error:
            raise ApiError(
                status=400, code="cursor_invalid", detail=str(error)
            ) from error
        total, exact = count(session, listing, question)
        fresh = parts().freshness.read(session, actor().tenant_id, listing.streams)
        facts = beside(session, found.rows) if beside else {}
    return ListView(
        rows=found.rows,
        total=total,
        total_is_exact=exact,
        sort=request.args.get("sort", listing.default_sort),
        text=question.text,
        previous=address(cursor=found.prev_cursor) if found.prev_cursor else None,
        next=address(cursor=found.next_cursor) if found.next_cursor else None,
        stamp=stamp(fresh) if listing.streams else None,
        facts=facts,
    )


def picked(name: str) -> tuple[str, ...]:
    """Return the values of a filter in the address, each once, at most fifty."""
    found = (value for value in request.args.getlist(name) if value)
    return tuple(dict.fromkeys(found))[:50]


def chosen(listing: Listing, *names: str) -> tuple[Criterion, ...]:
    """Return the criteria of the filters in the address; unknown values are dropped.

    Values of one filter are alternatives; filters narrow one another.
    """
    found = []
    for name in names:
        field = listing.fields[name]
        values = tuple(
            value for value in picked(name) if not field.values or value in field.values
        )
        if values:
            found.append(Criterion(name, "in", values))
    return tuple(found)


def address(**changed: str | None) -> str:
    """Return this page's address with some parameters changed or taken away."""
    kept = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name not in changed
    ]
    kept += [(name, value) for name, value in changed.items() if value]
    return request.path + (f"?{urlencode(kept)}" if kept else "")


def stamp(fresh: Freshness) -> Stamp:
    """Return how complete something is, in words."""
    connections = {source.connection_id for source in fresh.sources}
    if not fresh.sources:
        return Stamp(complete=False, text=gettext("Nothing has been read yet"))
    if fresh.complete and fresh.as_of is not None:
        text = ngettext(
            "Complete as of %(moment)s · %(num)s source",
            "Complete as of %(moment)s · %(num)s sources",
            len(connections),
            moment=_moment(fresh.as_of),
        )
        return Stamp(complete=True, text=text)
    reason = next((s.reason for s in fresh.sources if not s.complete), "")
    text = gettext(
        "Incomplete: %(reason)s", reason=reason or gettext("reading is under way")
    )
    return Stamp(complete=False, text=text)


def _moment(at: datetime) -> str:
    local = at.astimezone(ZoneInfo(g.user.zone))
    today = hub().clock.now().astimezone(local.tzinfo).date()
    return (
        clock_text(local)
        if local.date() == today
        else moment_text(local, year=local.year != today.year)
    )


def sentence(error: EntrepotError) -> str:
    """Return what went wrong and what to do, for people."""
    remedy = error.info.remedy
    return " ".join(told(part) for part in (error.user_message, remedy) if part)


def _pill() -> FreshPill | None:
    if not actor().may("connections:read"):
        return None
    found = [item for item in connection_names() if item.state != REMOVED]
    if not found:
        return None
    parked = [item for item in found if item.state == "parked"]
    if len(parked) == 1:
        text = gettext("%(name)s needs attention", name=parked[0].name)
        return FreshPill("alert-triangle", "fg-warn", text)
    if parked:
        text = gettext("%(num)s sources need attention", num=len(parked))
        return FreshPill("alert-triangle", "fg-warn", text)
    return FreshPill("cloud-check", "fg-ok", gettext("All sources healthy"))


def _tenant_name(tenant_id: str) -> str:
    known = place_name(tenant_id)
    if known is not None:
        return known
    try:
        return hub().tenants.get(actor(), tenant_id).name
    except EntrepotError:
        return tenant_id
