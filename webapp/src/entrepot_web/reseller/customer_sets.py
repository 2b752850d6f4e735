"""What a reseller sets up for its customers: imports, custom fields, price books."""

from __future__ import annotations

from entrepot.hub.customers.importing import COLUMNS, CUSTOM, REQUIRED
from entrepot.hub.customers.works import INLINE
from entrepot.sdk.errors import EntrepotError
from flask import Blueprint, Response, abort, flash, redirect, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub
from entrepot_web.reseller.pages import page, sentence

pages = Blueprint("console_customer_sets", __name__)
KINDS = {
    "text": lazy_gettext("Text"),
    "number": lazy_gettext("Number"),
    "date": lazy_gettext("Date"),
    "choice": lazy_gettext("Choice"),
    "bool": lazy_gettext("Yes or no"),
}
"""What a custom field may hold, in words."""


@pages.route("/customers/import", methods=["GET", "POST"])
@signed_in("customers:write")
def import_customers() -> Response | WerkzeugResponse:
    """Show what a file must hold; check one, or take it in."""
    problem = ""
    if request.method == "POST":
        file = request.files.get("file")
        content = file.read() if file else b""
        text = request.form.get("content", "")
        try:
            text = content.decode("utf-8-sig") if content else text
            if text.count("\n") > INLINE:
                return _begun(text, file.filename if file else "")
            made = hub().customers.imports.run(
                actor(),
                name=(file.filename if file else "") or "customers.csv",
                text=text,
                dry_run=request.form.get("do") != "import",
            )
        except UnicodeDecodeError:
            problem = gettext("Save the file as UTF-8 and send it again.")
        except EntrepotError as error:
            problem = sentence(error)
        else:
            return redirect(f"/customers/imports/{made.id}", 303)
    answer = page(
        "reseller/customer_import.html",
        "customers",
        columns=[(name, name in REQUIRED) for name in COLUMNS],
        fields=hub().customers.fields.list(actor()),
        custom=CUSTOM,
        problem=problem,
        found=None,
    )
    answer.status_code = 422 if problem else 200
    return answer


def _begun(text: str, name: str | None) -> WerkzeugResponse:
    """Let a job take in a long file; lead to where it is followed."""
    work_id = hub().customers.works.take_in(
        actor(),
        name=name or "customers.csv",
        text=text,
        dry_run=request.form.get("do") != "import",
    )
    return redirect(f"/customers/work/{work_id}", 303)


@pages.get("/customers/imports/<import_id>")
@signed_in("customers:write")
def customer_import(import_id: str) -> Response:
    """Show what became of every line of a file."""
    try:
        found = hub().customers.imports.get(actor(), import_id)
    except EntrepotError:
        abort(404)
    return page(
        "reseller/customer_import.html",
        "customers",
        found=found,
        columns=(),
        fields=(),
        custom=CUSTOM,
        problem="",
    )


@pages.get("/customers/fields")
@signed_in("customers:read")
def customer_fields() -> Response:
    """Show the custom fields."""
    return page(
        "reseller/customer_fields.html",
        "customers",
        fields=hub().customers.fields.list(actor()),
        words=KINDS,
    )


@pages.post("/customers/fields")
@signed_in("customers:write")
def change_customer_fields() -> WerkzeugResponse:
    """Add, change or remove a custom field."""
    action, _, field_id = request.form.get("do", "").partition(":")
    form = request.form
    try:
        if action == "remove":
            hub().customers.fields.remove(actor(), field_id)
            flash(gettext("The field is removed."), "ok")
        elif action == "change":
            hub().customers.fields.change(
                actor(),
                field_id,
                version=form.get("version", 0, type=int),
                label=form.get("label", ""),
                options=form.get("options", "").split(","),
                required="required" in form,
            )
            flash(gettext("The field is changed."), "ok")
        else:
            hub().customers.fields.add(
                actor(),
                key=form.get("key", "").strip(),
                label=form.get("label", ""),
                kind=form.get("kind", "text"),
                options=form.get("options", "").split(","),
                required="required" in form,
            )
            flash(gettext("The field is added."), "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect("/customers/fields", 303)


@pages.get("/price-books")
@signed_in("offers:read")
def price_books() -> Response:
    """Show the price books."""
    return page(
        "reseller/price_books.html",
        "customers",
        books=hub().customers.price_books.list(actor()),
    )


@pages.post("/price-books")
@signed_in("offers:write")
def change_price_books() -> WerkzeugResponse:
    """Add or remove a price book."""
    action, _, book_id = request.form.get("do", "").partition(":")
    try:
        if action == "remove":
            hub().customers.price_books.remove(actor(), book_id)
            flash(gettext("The price book is removed."), "ok")
        else:
            hub().customers.price_books.create(
                actor(),
                name=request.form.get("name", ""),
                currency=request.form.get("currency", ""),
                description=request.form.get("description", ""),
            )
            flash(gettext("The price book is added."), "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect("/price-books", 303)
