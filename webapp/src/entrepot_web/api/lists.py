"""Any list as an answer of the API: a page, some fields of it, or a whole table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from entrepot.store import UnitSession
from flask import request
from sqlalchemy.orm import Session

from entrepot_web.api import sparse, tables
from entrepot_web.api.frame import Answer
from entrepot_web.api.problem import ApiError, bad_request
from entrepot_web.api.shapes import Meta, Page, PageLinks, Source
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.criteria import FilterInvalid, parse
from entrepot_web.cursors import CursorInvalid
from entrepot_web.freshness import Freshness
from entrepot_web.listing import Listing, Question, Slice, count, read
from entrepot_web.prepared import Unprepared

Item = TypeVar("Item")
_OWN = {"limit", "cursor", "sort", "q", "include"}
MOST = 200
USUAL = 50

Rows = Callable[[Session, Sequence[Any]], list[Item]]


def page(
    listing: Listing,
    view: Rows[Item],
    *,
    allowed: tuple[str, ...] = (),
    plain: Rows[Any] | None = None,
) -> Answer:
    """Return the page that the current request asks for, or all rows as a table.

    Args:
        listing: What is listed.
        view: Turns rows into answers; may read more in the same snapshot.
        allowed: Further query parameters that the operation reads itself.
        plain: The same for whole answers, of rows whose values have the form that
            JSON shows; None when the answers need the values themselves.

    Raises:
        ApiError: 400 for a parameter that is unknown or wrong.
    """
    question = ask(listing, allowed)
    names = sparse.wanted(listing)
    if tables.asked_for():
        return tables.stream(listing, question, view, names)
    shown = plain if names is None and plain is not None else view
    with hub().store.read(scope()) as session:
        found = _read(session, listing, question, plain=shown is plain)
        total = count(session, listing, question) if _wants_total() else None
        fresh = parts().freshness.read(session, actor().tenant_id, listing.streams)
        data: list[Any] = shown(session, found.rows)
    if names is not None:
        data = sparse.cut(data, names)
    body = Page(data=data, page=_links(found), meta=_meta(fresh, total))
    return Answer(body=body, headers=_link_header(found))


def ask(listing: Listing, allowed: tuple[str, ...] = ()) -> Question:
    """Return the request's question to a list.

    Raises:
        ApiError: 400 for a parameter that is unknown or wrong.
    """
    for name in request.args:
        known = name in _OWN or name in allowed or name == sparse.parameter(listing)
        if not known and not name.startswith("filter"):
            raise bad_request(
                "unknown_parameter",
                f"{name[:80]!r} isn't a parameter here. Use limit, cursor, sort, q, "
                f"include, {sparse.parameter(listing)} or filter[...].",
                name[:80],
            )
    try:
        criteria = parse(request.args.items(multi=True), listing.fields)
    except FilterInvalid as error:
        raise bad_request("filter_invalid", str(error), error.parameter) from error
    return Question(
        limit=_limit(),
        sort=sort_of(listing, request.args.get("sort", "")),
        criteria=criteria,
        tenant_id=actor().tenant_id,
        secret=parts().secret,
        text=_text(listing),
        cursor=request.args.get("cursor"),
    )


def sort_of(listing: Listing, text: str) -> tuple[tuple[str, bool], ...]:
    """Return the (field, descending) pairs of a ``sort`` parameter.

    Raises:
        ApiError: 400 for a field that can't be sorted by.
    """
    found: list[tuple[str, bool]] = []
    for part in (text or listing.default_sort).split(","):
        name = part.removeprefix("-")
        if name not in listing.sorts or name in (known for known, _ in found):
            allowed = ", ".join(listing.sorts)
            raise bad_request("sort_invalid", f"Sort by one of {allowed}.", "sort")
        found.append((name, part.startswith("-")))
    return tuple(found)


def _read(
    session: UnitSession, listing: Listing, question: Question, *, plain: bool
) -> Slice:
    try:
        try:
            return parts().prepared.read(session, listing, question, plain=plain)
        except Unprepared:
            return read(session, listing, question)
    except CursorInvalid as error:
        raise ApiError(
            status=400,
            code="cursor_invalid",
            detail=str(error),
            next_steps=("begin_without_cursor",),
        ) from error


def _limit() -> int:
    text = request.args.get("limit")
    if text is None:
        return USUAL
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MOST:
        raise bad_request("limit_invalid", f"limit is 1 to {MOST}.", "limit")
    return int(text)


def _text(listing: Listing) -> str:
    text = request.args.get("q", "").strip()
    if text and listing.search is None:
        raise bad_request("unknown_parameter", "This list has no free text.", "q")
    if len(text) > 200 or "\0" in text:
        raise bad_request("text_invalid", "q has at most 200 characters.", "q")
    return text


def _wants_total() -> bool:
    wanted = request.args.get("include")
    if wanted not in (None, "total"):
        raise bad_request("include_invalid", "include may be: total.", "include")
    return wanted == "total"


def _links(found: Slice) -> PageLinks:
    return PageLinks(
        next_cursor=found.next_cursor,
        prev_cursor=found.prev_cursor,
        has_more=found.next_cursor is not None,
    )


def _meta(fresh: Freshness, total: tuple[int, bool] | None) -> Meta:
    sources = [
        Source(
            connection_id=source.connection_id,
            stream=source.stream,
            complete=source.complete,
            complete_at=source.complete_at,
            reason=source.reason,
        )
        for source in fresh.sources
    ]
    return Meta(
        complete=fresh.complete,
        as_of=fresh.as_of,
        freshness=sources,
        total=total[0] if total else None,
        total_is_exact=total[1] if total else None,
    )


def _link_header(found: Slice) -> dict[str, str]:
    kept = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name != "cursor"
    ]

    def link(cursor: str | None, rel: str) -> str:
        extra = [("cursor", cursor)] if cursor else []
        return f'<{request.path}?{urlencode([*kept, *extra])}>; rel="{rel}"'

    links = [link(None, "first")]
    if found.next_cursor:
        links.append(link(found.next_cursor, "next"))
    if found.prev_cursor:
        links.append(link(found.prev_cursor, "prev"))
    return {"Link": ", ".join(links)}
