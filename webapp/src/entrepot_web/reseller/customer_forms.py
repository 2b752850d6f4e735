"""Adding, editing, deleting and erasing one customer; what many of them get."""

from __future__ import annotations

from urllib.parse import urlencode

from entrepot.hub.customers.editing import OWN, CustomerDetails
from entrepot.hub.customers.erasing import KEPT
from entrepot.hub.customers.rules import CustomerInvalid
from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.customers.works import INLINE, MOST
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.listing import filtered
from entrepot_web.reseller.customer_columns import sheet
from entrepot_web.reseller.customer_facts import (
    costs,
    figures,
    next_renewal,
    sources,
)
from entrepot_web.reseller.customers import criteria
from entrepot_web.reseller.pages import asked, marks, page, sentence
from entrepot_web.reseller.tables import CHUNK

pages = Blueprint("console_customer_forms", __name__)
EXPORTS = {"export": "export.csv", "export-xlsx": "export.xlsx"}


@pages.route("/customers/new", methods=["GET", "POST"])
@signed_in("customers:write")
def new_customer() -> Response | WerkzeugResponse:
    """Show the empty form; add the customer it describes."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        fields, custom = _given()
        try:
            made = hub().customers.editing.create(actor(), fields, custom)
        except CustomerInvalid as error:
            problems = {one.field: one.text for one in error.problems}
        else:
            flash(gettext("The customer is added."), "ok")
            found = urlencode({"q": fields.get("name", ""), "made": made})
            return redirect(f"/customers?{found}", 303)
    return _form(None, problems)


@pages.route("/customers/<customer_id>/edit", methods=["GET", "POST"])
@signed_in("customers:write")
def edit_customer(customer_id: str) -> Response | WerkzeugResponse:
    """Show a customer's own fields; save them unless somebody else did meanwhile."""
    found = _found(customer_id)
    problems: dict[str, str] = {}
    theirs = False
    if request.method == "POST":
        fields, custom = _given()
        try:
            version = int(request.form.get("version", "0"))
            hub().customers.editing.change(
                actor(), customer_id, version=version, fields=fields, custom=custom
            )
        except Conflict:
            theirs = True
        except CustomerInvalid as error:
            problems = {one.field: one.text for one in error.problems}
        except EntrepotError as error:
            problems = {"": sentence(error)}
        else:
            flash(gettext("The customer is saved."), "ok")
            return redirect(f"/customers/{customer_id}/edit", 303)
    return _form(found, problems, theirs=theirs)


@pages.post("/customers/<customer_id>/delete")
@signed_in("customers:write")
def delete_customer(customer_id: str) -> WerkzeugResponse:
    """Delete a customer, or say what stands against it."""
    found = _found(customer_id)
    try:
        why = request.form.get("why", "")[:500]
        hub().customers.editing.delete(actor(), customer_id, why=why)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(f"/customers/{customer_id}/edit", 303)
    flash(gettext("%(name)s is deleted.", name=found.fields["name"]), "ok")
    return redirect("/customers", 303)


@pages.post("/customers/<customer_id>/erase")
@signed_in("customers:approve")
def erase_customer(customer_id: str) -> WerkzeugResponse:
    """Erase what is known of a customer's people, once its name was typed."""
    found = _found(customer_id)
    back = f"/customers/{customer_id}/edit"
    if request.form.get("name", "").strip() != found.fields["name"]:
        flash(
            gettext("Type the customer's name to confirm; nothing is erased."), "warn"
        )
        return redirect(back, 303)
    try:
        why = request.form.get("why", "")[:500]
        done = hub().customers.erasing.erase(actor(), customer_id, why=why)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(back, 303)
    flash(
        gettext(
            "Erased: %(contacts)s contacts, %(facts)s earlier states, %(entries)s "
            "entries of the audit log.",
            contacts=done.contacts,
            facts=done.facts,
            entries=done.audit_entries,
        ),
        "ok",
    )
    return redirect(back, 303)


@pages.get("/customers/<customer_id>/summary")
@signed_in("customers:read")
def customer_summary(customer_id: str) -> Response:
    """Show the few lines that a row of the list unfolds to."""
    found, now = _found(customer_id), hub().clock.now()
    priced = actor().may("subscriptions:read")
    with hub().store.read(scope()) as session:
        told = {
            "accounts": session.scalars(
                select(CustomerAccount)
                .where(CustomerAccount.customer_id == customer_id)
                .order_by(CustomerAccount.id)
            ).all(),
            "figures": figures(session, customer_id, now),
            "costs": costs(session, customer_id) if priced else None,
            "next": next_renewal(session, customer_id, now) if priced else None,
            "sources": sources(session, customer_id, {}),
        }
    html = render_template(
        "reseller/customer_summary.html", found=found, now=now, marks=marks(), **told
    )
    return Response(html)


@pages.post("/customers/bulk")
@signed_in("customers:read")
def change_many() -> WerkzeugResponse:
    """Do something with the picked rows, or with all that the address matches."""
    action = request.form.get("do", "")
    query = request.query_string.decode("ascii", "replace")
    back = "/customers" + (f"?{query}" if query else "")
    every = request.form.get("all") == "1"
    ids = [one for one in request.form.getlist("id") if one][:CHUNK]
    if not every and not ids:
        flash(gettext("Pick customers first."), "warn")
        return redirect(back, 303)
    if action in EXPORTS:
        rest = "all=1" if every else urlencode([("id", one) for one in ids])
        return redirect(f"/customers/{EXPORTS[action]}?{query}&{rest}", 303)
    if action == "edit":
        if len(ids) == 1 and not every:
            return redirect(f"/customers/{ids[0]}/edit", 303)
        rest = "all=1" if every else urlencode([("id", one) for one in ids])
        return redirect(f"/customers/edit?{query}&{rest}", 303)
    actor().require("customers:write")
    try:
        return _assign(ids, every=every) or redirect(back, 303)
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect(back, 303)


def _assign(ids: list[str], *, every: bool) -> WerkzeugResponse | None:
    """Assign the chosen price book to the picked customers, or to all that match."""
    wanted = matching() if every else ids
    book = request.form.get("book", "") or None
    if len(wanted) > INLINE:
        work_id = hub().customers.works.assign(actor(), book, wanted)
        return redirect(f"/customers/work/{work_id}", 303)
    done = hub().customers.price_books.assign(actor(), book, wanted)
    text = gettext(
        "Price book: %(changed)s changed, %(same)s had it already.",
        changed=done.changed,
        same=done.same,
    )
    reasons = " ".join(reason for _, reason in done.refused[:3])
    flash(f"{text} {reasons}".strip(), "warn" if reasons else "ok")
    return None


def matching() -> list[str]:
    """Return ids of all customers that the address matches."""
    found = sheet(hub().customers.fields.list(actor()))
    question = asked(found.listing, criteria(found.listing), CHUNK)
    with hub().store.read(scope()) as session:
        query = filtered(session, found.listing, question)
        wanted = query.with_only_columns(found.listing.key).limit(MOST + 1)
        return list(session.scalars(wanted))


def _form(
    found: CustomerDetails | None, problems: dict[str, str], *, theirs: bool = False
) -> Response:
    fields = hub().customers.fields.list(actor())
    answer = page(
        "reseller/customer_edit.html",
        "customers",
        found=found,
        given=request.form if request.method == "POST" else None,
        problems=problems,
        theirs=theirs,
        fields=fields,
        kept=KEPT,
    )
    answer.status_code = 409 if theirs else 422 if problems else 200
    return answer


def _given() -> tuple[dict[str, str], dict[str, str]]:
    """Return fields and custom values of the sent form."""
    form = request.form
    fields = {name: form[name] for name in OWN if name in form}
    custom = {
        name.removeprefix("field-"): value
        for name, value in form.items()
        if name.startswith("field-")
    }
    return fields, custom


def _found(customer_id: str) -> CustomerDetails:
    try:
        return hub().customers.editing.details(actor(), customer_id)
    except NotFound:
        abort(404)
