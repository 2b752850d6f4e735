"""Mapping: undecided customers and products, suggestions, decisions, undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from entrepot.hub.mapping.views import (
    CustomerDecision,
    Impact,
    ListQuery,
    ProductDecision,
    Share,
)
from entrepot.hub.paging import Slice
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web import cursors
from entrepot_web.api.mappings import STATUSES, start_matching
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.reseller.mapping_pairs import (
    Pair,
    decisions_of,
    key_of,
    pair_of,
    seen_of,
    side_by_side,
    suggested_ids,
    target_of,
)
from entrepot_web.reseller.pages import address, marks, page, sentence

pages = Blueprint("console_mapping", __name__)
CANDIDATES = 30


@dataclass(frozen=True, slots=True)
class Opened:
    """A row of the bench beside its best target.

    Attributes:
        row: Of either list.
        pairs: What both sides say, line by line.
        impact: What accepting the suggestion would touch; None without one.
        then: Key of the row to go on with; empty when it is the last one.
    """

    row: Any
    pairs: tuple[Pair, ...]
    impact: Impact | None
    then: str


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
    return _bench(what, psa)


def _bench(
    what: str, psa: str, problem: str = "", status: int = 200, field: str = ""
) -> Response:
    """Return the bench; after a refusal, with what was ticked and typed."""
    asked = request.args.get("status", "undecided")
    method = request.args.get("method", "")
    query = ListQuery(
        psa_connection_id=psa,
        status=asked if asked in STATUSES else None,
        method=method or None,
        text=request.args.get("q", "").replace("\0", "").strip()[:200],
        last=_last(what),
    )
    found = _desk(what).list(actor(), query)
    opened = next(
        (row for row in found.items if key_of(row) == request.args.get("open")), None
    )
    known = hub().mapping.psa_connections(actor())
    evidence = hub().mapping.evidence(actor(), psa)
    batches = hub().mapping.batches(actor(), limit=6).items
    answer = page(
        "reseller/mapping.html",
        "mapping",
        what=what,
        psa=psa,
        psas=[marks()[one] for one in known if one in marks()],
        rows=found.items,
        next=_next(what, found),
        status=asked,
        method=method,
        text=query.text,
        # What people decide and what the matcher finds shows at once, what a reading
        # brings some seconds later.
        progress=parts().kept.read(
            ("mapping", actor().tenant_id, psa, evidence, batches[:1]),
            lambda: hub().mapping.progress(actor(), psa),
        ),
        evidence=[one for one in evidence if one.what == what],
        batches=batches,
        opened=_opened(what, psa, opened, found.items) if opened else None,
        ticked=request.form.getlist("key"),
        why=request.form.get("why", ""),
        problem=problem,
        field=field,
        marks=marks(),
    )
    answer.status_code = status
    return answer


def _opened(what: str, psa: str, row: Any, rows: Sequence[Any]) -> Opened:  # noqa: ANN401 - a row
    """Return a row beside its best target, with what accepting would touch."""
    keys = [key_of(one) for one in rows]
    after = keys[keys.index(key_of(row)) + 1 :] + keys[: keys.index(key_of(row))]
    mapping = row.mapping
    suggested = mapping is not None and mapping.status == "suggested"
    impact = None
    if suggested:
        target = target_of(mapping)
        impact = _desk(what).preview(actor(), [_decision(what, psa, row, target)])
    return Opened(
        row=row,
        pairs=side_by_side(what, psa, row),
        impact=impact,
        then=next((key for key in after if key != key_of(row)), ""),
    )


@pages.get("/mapping/<any(customers,products):what>/choose")
@signed_in("mappings:read")
def choose(what: str) -> Response:
    """Show candidates for one customer or product, and search for others."""
    psa, key = request.args.get("psa", ""), request.args.get("key", "")
    return _choice(what, psa, key, request.args.get("target", ""))


@pages.post("/mapping/<any(customers,products):what>/choose")
@signed_in("mappings:write")
def confirm(what: str) -> Response | WerkzeugResponse:
    """Confirm a target that a person chose, or show why that can't be."""
    psa, key = request.form.get("psa", ""), request.form.get("key", "")
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    target = request.form.get("target", "")
    decision = _decision(what, psa, _row(what, psa, key), target)
    seen = seen_of(what, request.form.getlist("map"), [key])
    try:
        done = _desk(what).confirm(actor(), [decision], seen=seen)
    except EntrepotError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _choice(what, psa, key, target, sentence(error), status)
    return saved(what, psa, done.rows)


def _choice(
    what: str, psa: str, key: str, target: str, problem: str = "", status: int = 200
) -> Response:
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    row = _row(what, psa, key)
    impact = None
    if target:
        impact = _desk(what).preview(actor(), [_decision(what, psa, row, target)])
    answer = page(
        "reseller/mapping_choose.html",
        "mapping",
        what=what,
        psa=psa,
        key=key,
        row=row,
        text=text or row.name,
        candidates=candidates_of(what, psa, text or row.name.split()[0]),
        target=target,
        impact=impact,
        pairs=side_by_side(what, psa, row, target) if target else (),
        problem=problem,
        marks=marks(),
    )
    answer.status_code = status
    return answer


@pages.post("/mapping/<any(customers,products):what>/preview")
@signed_in("mappings:read")
def preview(what: str) -> Response | WerkzeugResponse:
    """Show what accepting the ticked suggestions would touch, before it is saved."""
    psa = request.form.get("psa", "")
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    keys, maps = request.form.getlist("key"), request.form.getlist("map")
    decisions = decisions_of(what, psa, suggested_ids(maps, keys))
    if not decisions:
        problem = _("Tick rows with a suggestion first.")
        return _bench(what, psa, problem, 422)
    return page(
        "reseller/mapping_preview.html",
        "mapping",
        what=what,
        psa=psa,
        keys=keys,
        maps=[entry for entry in maps if entry.rsplit("=", 2)[0] in keys],
        count=len(decisions),
        left=len(keys) - len(decisions),
        impact=_desk(what).preview(actor(), decisions),
    )


@pages.get("/mapping/<any(customers,products):what>/<any(decide,preview):_act>")
@signed_in("mappings:read")
def back_to_list(what: str, _act: str) -> WerkzeugResponse:
    """Lead back to the bench, for who had to sign in again while deciding."""
    return redirect(f"/mapping/{what}")


@pages.post("/mapping/<any(customers,products):what>/decide")
@signed_in("mappings:write")
def decide(what: str) -> Response | WerkzeugResponse:
    """Accept, exclude or clear the ticked rows, if they are as they were shown."""
    psa = request.form.get("psa", "")
    if psa not in hub().mapping.psa_connections(actor()):
        abort(404)
    desk = _desk(what)
    keys, maps = request.form.getlist("key"), request.form.getlist("map")
    why = request.form.get("why", "").strip()
    method = request.form.get("method") or None
    seen = seen_of(what, maps, keys)
    ids = suggested_ids(maps, keys)
    picked = keys if what == "customers" else [pair_of(key) for key in keys]
    acts: dict[str, Callable[[], Any]] = {
        "accept": lambda: desk.accept(actor(), psa, ids=ids, seen=seen),
        "accept_all": lambda: desk.accept(actor(), psa, method=method),
        "exclude": lambda: desk.exclude(actor(), psa, picked, reason=why, seen=seen),
        "clear": lambda: (
            desk.clear(actor(), psa, keys, why=why, seen=seen)
            if what == "customers"
            else desk.remove(actor(), psa, ids, seen=seen)
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
    flash(_("Looking for suggestions. They appear here in a moment."), "ok")
    return redirect("/mapping/customers", 303)


@pages.post("/mapping/batches/<batch_id>/undo")
@signed_in("mappings:write")
def undo(batch_id: str) -> WerkzeugResponse:
    """Take a decision back."""
    try:
        done = hub().mapping.undo(actor(), batch_id)
        told = ngettext(
            "Undone: %(num)d row is as it was before.",
            "Undone: %(num)d rows are as they were before.",
            done.rows,
        )
        flash(told, "ok")
    except NotFound:
        abort(404)
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect("/mapping/customers", 303)


def _carry_out(
    what: str, psa: str, act: Callable[[], Any]
) -> Response | WerkzeugResponse:
    try:
        rows = act().rows
    except EntrepotError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _bench(what, psa, sentence(error), status, error.info.field or "")
    return saved(what, psa, rows)


def saved(what: str, psa: str, rows: int) -> WerkzeugResponse:
    """Lead back to the list with how many rows were saved, and to the next one."""
    told = ngettext(
        "Saved: %(num)d row. You can undo it on the right.",
        "Saved: %(num)d rows. You can undo it on the right.",
        rows,
    )
    flash(told, "ok")
    then = request.form.get("then", "")
    more = f"&open={quote(then)}" if then else ""
    return redirect(f"/mapping/{what}?psa={psa}{more}", 303)


def _desk(what: str) -> Any:  # noqa: ANN401 - one of two services with equal verbs
    return hub().mapping.customers if what == "customers" else hub().mapping.products


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


def candidates_of(what: str, psa: str, text: str) -> list[Any]:
    """Return companies or products of the PSA that a text names, at most thirty."""
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
    if not found.has_more or found.last is None or request.method == "POST":
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
