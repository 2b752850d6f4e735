"""Mapping: undecided customers and products, suggestions, decisions, undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from entrepot.hub.mapping.views import (
    CustomerDecision,
    ListQuery,
    ProductDecision,
    Share,
)
from entrepot.hub.paging import Slice
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.sdk.errors import EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, request
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web import cursors
from entrepot_web.api.mappings import STATUSES, start_matching
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.reseller.pages import address, marks, page, sentence

pages = Blueprint("console_mapping", __name__)
CANDIDATES = 30


@pages.get("/mapping")
@signed_in("mappings:read")
def mapping() -> WerkzeugResponse:
    """Lead to the customers."""
    return redirect("/mapping/customers")


@pages.get("/mapping/<any(customers,products):what>")
@signed_in("mappings:read")
def work_list(what: str) -> Response:
    """Show what is undecided, with suggestions and their evidence."""
    known = hub().mapping.psa_connections(actor())
    if not known:
        return page("reseller/mapping_empty.html", "mapping")
    psa = request.args.get("psa", known[0])
    if psa not in known:
        abort(404)
    status = request.args.get("status", "undecided")
    query = ListQuery(
        psa_connection_id=psa,
        status=status if status in STATUSES else None,
        text=request.args.get("q", "").replace("\0", "").strip()[:200],
        last=_last(what),
    )
    found = _desk(what).list(actor(), query)
    return page(
        "reseller/mapping.html",
        "mapping",
        what=what,
        psa=psa,
        psas=[marks()[one] for one in known if one in marks()],
        rows=found.items,
        next=_next(what, found),
        status=status,
        text=query.text,
        progress=hub().mapping.progress(actor(), psa),
        batches=hub().mapping.batches(actor(), limit=6).items,
        marks=marks(),
    )


@pages.get("/mapping/<any(customers,products):what>/choose")
@signed_in("mappings:read")
def choose(what: str) -> Response:
    """Show candidates for one customer or product, and search for others."""
    psa, key = request.args.get("psa", ""), request.args.get("key", "")
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    row = _row(what, psa, key)
    target = request.args.get("target", "")
    impact = None
    if target:
        impact = _desk(what).preview(actor(), [_decision(what, psa, row, target)])
    return page(
        "reseller/mapping_choose.html",
        "mapping",
        what=what,
        psa=psa,
        key=key,
        row=row,
        text=text or row.name,
        candidates=_candidates(what, psa, text or row.name.split()[0]),
        target=target,
        impact=impact,
        marks=marks(),
    )


@pages.post("/mapping/<any(customers,products):what>/choose")
@signed_in("mappings:write")
def confirm(what: str) -> WerkzeugResponse:
    """Confirm a target that a person chose."""
    psa, key = request.form.get("psa", ""), request.form.get("key", "")
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    row = _row(what, psa, key)
    decision = _decision(what, psa, row, request.form.get("target", ""))
    return _carry_out(what, psa, lambda: _desk(what).confirm(actor(), [decision]).rows)


@pages.post("/mapping/<any(customers,products):what>/decide")
@signed_in("mappings:write")
def decide(what: str) -> WerkzeugResponse:
    """Accept, exclude or clear the ticked rows."""
    psa = request.form.get("psa", "")
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    desk = _desk(what)
    keys, maps = request.form.getlist("key"), request.form.getlist("map")
    why = request.form.get("why", "").strip()

    picked = keys if what == "customers" else [_pair(key) for key in keys]
    acts: dict[str, Callable[[], Any]] = {
        "accept": lambda: desk.accept(actor(), psa, ids=_suggested(maps, keys)),
        "accept_all": lambda: desk.accept(actor(), psa),
        "exclude": lambda: desk.exclude(actor(), psa, picked, reason=why),
        "clear": lambda: (
            desk.clear(actor(), psa, keys, why=why)
            if what == "customers"
            else desk.remove(actor(), psa, _suggested(maps, keys))
        ),
    }
    act = acts.get(request.form.get("action", ""))
    if act is None:
        abort(400)
    return _carry_out(what, psa, act)


@pages.post("/mapping/refresh")
@signed_in("mappings:write")
def refresh() -> WerkzeugResponse:
    """Run the matcher."""
    start_matching("", "button")
    flash("Looking for suggestions. They appear here in a moment.", "ok")
    return redirect("/mapping/customers", 303)


@pages.post("/mapping/batches/<batch_id>/undo")
@signed_in("mappings:write")
def undo(batch_id: str) -> WerkzeugResponse:
    """Take a decision back."""
    try:
        done = hub().mapping.undo(actor(), batch_id)
        flash(f"Undone: {done.rows} rows are as they were before.", "ok")
    except NotFound:
        abort(404)
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect("/mapping/customers", 303)


def _carry_out(what: str, psa: str, act: Callable[[], Any]) -> WerkzeugResponse:
    try:
        rows = act().rows
        noun = "row" if rows == 1 else "rows"
        flash(f"Saved: {rows} {noun}. You can undo it on the right.", "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect(f"/mapping/{what}?psa={psa}", 303)


def _desk(what: str) -> Any:  # noqa: ANN401 - one of two services with equal verbs
    return hub().mapping.customers if what == "customers" else hub().mapping.products


def _suggested(maps: list[str], keys: list[str]) -> list[str]:
    """Return the ids of suggestions among the ticked rows.

    Every row posts its map id, ticked or not, as ``key=map``; only ticked ones count.
    """
    known = dict(entry.rsplit("=", 1) for entry in maps if "=" in entry)
    return [known[key] for key in keys if known.get(key)]


def _pair(key: str) -> tuple[str, str]:
    connection, _, sku = key.partition("|")
    return connection, sku


def _row(what: str, psa: str, key: str) -> Any:  # noqa: ANN401 - a row of either list
    """Return the row of the work list that a key names."""
    wanted = ListQuery(psa_connection_id=psa, limit=200)
    while True:
        found = _desk(what).list(actor(), wanted)
        for row in found.items:
            if key_of(row) == key:
                return row
        if not found.has_more:
            abort(404)
        wanted = ListQuery(psa_connection_id=psa, limit=200, last=found.last)


def key_of(row: Any) -> str:  # noqa: ANN401 - a row of either list
    """Return what names a row of a work list in forms."""
    account = getattr(row, "account_id", None)
    return str(account) if account else f"{row.connection_id}|{row.sku}"


def _decision(what: str, psa: str, row: Any, target: str) -> Any:  # noqa: ANN401 - of either kind
    version = row.mapping.version if row.mapping else None
    if what == "customers":
        return CustomerDecision(
            account_id=row.account_id,
            psa_connection_id=psa,
            companies=(Share(company_id=target),),
            shared=bool(request.values.get("shared")),
            version=version,
        )
    return ProductDecision(
        psa_connection_id=psa,
        psa_product_id=target,
        vendor_connection_id=row.connection_id,
        sku=row.sku,
        sku_name=row.name,
    )


def _candidates(what: str, psa: str, text: str) -> list[Any]:
    table: Any = PsaCompany if what == "customers" else PsaProductRow
    query = (
        select(table)
        .where(
            table.connection_id == psa,
            table.gone_at.is_(None),
            table.name.icontains(text, autoescape=True)
            | table.identifier.icontains(text, autoescape=True),
        )
        .order_by(table.name, table.id)
        .limit(CANDIDATES)
    )
    with hub().store.read(scope()) as session:
        return list(session.scalars(query))


def _next(what: str, found: Slice[Any]) -> str | None:
    if not found.has_more or found.last is None:
        return None
    place = cursors.Position(found.last, backward=False)
    return address(cursor=cursors.encode(place, parts().secret, _binding(what)))


def _last(what: str) -> tuple[Any, ...] | None:
    cursor = request.args.get("cursor")
    if not cursor:
        return None
    kinds = ("text",) * (3 if what == "customers" else 4)
    try:
        return cursors.decode(cursor, parts().secret, _binding(what), kinds).values
    except cursors.CursorInvalid:
        abort(400)


def _binding(what: str) -> str:
    kept = sorted(item for item in request.args.items() if item[0] != "cursor")
    return repr((actor().tenant_id, "mapping", what, kept))
