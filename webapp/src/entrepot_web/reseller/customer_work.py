"""Many customers at once: what is to be set, how far it is, what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.hub.customers.previews import Difference
from entrepot.hub.customers.tables import Customer
from entrepot.hub.customers.work_rows import WorkView
from entrepot.hub.customers.works import PART
from entrepot.sdk.errors import EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.reseller.customer_forms import matching
from entrepot_web.reseller.pages import page, picked, sentence, tagged

pages = Blueprint("console_customer_work", __name__)
FIELDS = {
    "country": lazy_gettext("Country"),
    "region": lazy_gettext("Region"),
    "locale": lazy_gettext("Language"),
}
"""A customer's own fields that many may have alike."""


@pages.route("/customers/edit", methods=["GET", "POST"])
@signed_in("customers:write")
def edit_many() -> Response | WerkzeugResponse:
    """Show which fields of many customers can be set; preview setting the ticked."""
    own = hub().customers.fields.list(actor())
    wanted = matching() if request.args.get("all") else list(picked("id"))
    problem = ""
    if request.method == "POST":
        ticked = set(request.form.getlist("set"))
        fields = {name: request.form.get(name, "") for name in FIELDS if name in ticked}
        custom = {
            one.id: request.form.get(f"field-{one.id}", "")
            for one in own
            if f"field-{one.id}" in ticked
        }
        try:
            work_id = hub().customers.works.edit(
                actor(), fields, custom, wanted, preview=True
            )
        except EntrepotError as error:
            problem = sentence(error)
        else:
            return redirect(f"/customers/work/{work_id}", 303)
    answer = page(
        "reseller/customer_many.html",
        "customers",
        count=len(wanted),
        fields=FIELDS,
        own=own,
        problem=problem,
    )
    answer.status_code = 422 if problem else 200
    return answer


@pages.get("/customers/work/<work_id>")
@signed_in("customers:write")
def customer_work(work_id: str) -> Response:
    """Show how far work on many customers is, and what became of its rows."""
    part = request.args.get("part", 0, type=int)
    return page(
        "reseller/customer_work.html", "customers", **_values(work_id, part), part=part
    )


@pages.get("/customers/work/<work_id>/progress")
@signed_in("customers:write")
def work_fragment(work_id: str) -> Response:
    """Show how far it is; asked for again every second while it runs."""
    values = _values(work_id, 0)
    html = render_template("reseller/_customer_work.html", **values, part=0)
    return tagged(html)


@pages.post("/customers/work/<work_id>/cancel")
@signed_in("customers:write")
def cancel_work(work_id: str) -> WerkzeugResponse:
    """Ask work to stop; what is done stays."""
    found = _work(work_id)
    if found.ended_at is None:
        hub().jobs.runs.cancel(scope(), work_id)
    return redirect(f"/customers/work/{work_id}", 303)


@pages.post("/customers/work/<work_id>/apply")
@signed_in("customers:write")
def apply_work(work_id: str) -> WerkzeugResponse:
    """Do what a preview showed."""
    try:
        begun = hub().customers.works.carry_out(actor(), work_id)
    except NotFound:
        abort(404)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(f"/customers/work/{work_id}", 303)
    return redirect(f"/customers/work/{begun}", 303)


def _values(work_id: str, part: int) -> dict[str, Any]:
    found = _work(work_id)
    rows = hub().customers.works.rows(actor(), work_id, max(0, part))
    ids = [row["customer_id"] for row in rows if row.get("customer_id")]
    return {
        "work": found,
        "title": _title(found),
        "rows": rows,
        "names": _names(ids),
        "parts": -(-found.total // PART),
        "outcomes": PREVIEWED if found.kind == "edit" and found.dry_run else OUTCOMES,
        "changes": _changes(found, rows),
        "labels": _labels() if found.kind == "edit" else {},
    }


def _changes(
    work: WorkView, rows: Sequence[Mapping[str, Any]]
) -> Mapping[str, Sequence[Difference]]:
    """Return what a preview would change, by customer."""
    if work.kind != "edit" or not work.dry_run:
        return {}
    ids = [row["customer_id"] for row in rows if row["outcome"] == "updated"]
    return hub().customers.works.differences(actor(), work.id, ids)


def _labels() -> dict[str, Any]:
    own = hub().customers.fields.list(actor())
    return {**FIELDS, **{one.id: one.label for one in own}}


OUTCOMES: Mapping[str, tuple[str, Any]] = {
    "created": ("ok", lazy_gettext("Created")),
    "updated": ("ok", lazy_gettext("Changed")),
    "unchanged": ("mute", lazy_gettext("Was so already")),
    "rejected": ("bad", lazy_gettext("Refused")),
}
PREVIEWED: Mapping[str, tuple[str, Any]] = {
    "updated": ("info", lazy_gettext("Would change")),
    "unchanged": ("mute", lazy_gettext("Is so already")),
    "rejected": ("bad", lazy_gettext("Can't change")),
}


def _title(work: WorkView) -> str:
    if work.kind == "import":
        text = (
            gettext("Check of %(file)s")
            if work.dry_run
            else gettext("Import of %(file)s")
        )
        return text % {"file": work.name}
    if work.kind == "edit" and work.dry_run:
        return gettext("Preview: fields of many customers")
    if work.kind == "edit":
        return gettext("Fields of many customers")
    if work.settings.get("book"):
        return gettext("Price book %(name)s for many customers", name=work.name)
    return gettext("No price book for many customers")


def _names(ids: Sequence[str]) -> dict[str, str]:
    query = select(Customer.id, Customer.name).where(Customer.id.in_(ids))
    with hub().store.read(scope()) as session:
        return {row.id: row.name for row in session.execute(query)}


def _work(work_id: str) -> WorkView:
    try:
        return hub().customers.works.get(actor(), work_id)
    except NotFound:
        abort(404)
