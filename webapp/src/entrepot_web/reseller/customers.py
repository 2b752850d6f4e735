"""Customers: the list, its columns, views, filters and file."""

from __future__ import annotations

from entrepot.hub.customers.records import CustomerFacet, PriceBook
from entrepot.hub.customers.tables import Customer
from entrepot.sdk.errors import EntrepotError
from entrepot.store.search import fold
from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext, lazy_gettext
from sqlalchemy import case, func, select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.criteria import Criterion
from entrepot_web.listing import Listing, Question, read
from entrepot_web.lists.customers import CUSTOM
from entrepot_web.reseller.customer_columns import LIST, SHEET, list_setup, sheet, shown
from entrepot_web.reseller.managed_lists import (
    Managed,
    change_columns,
    change_views,
    columns_page,
)
from entrepot_web.reseller.pages import (
    asked,
    chosen,
    list_view,
    marks,
    page,
    picked,
    sentence,
)
from entrepot_web.reseller.tables import export

pages = Blueprint("console_customers", __name__)
FILTERS = ("name", "state", "connection_id", "contact", "country", "price_book_id")
MANAGED = Managed(LIST, "/customers", lazy_gettext("Customers"))
OPTIONS = 50


@pages.get("/customers")
@signed_in("customers:read")
def customer_list() -> Response:
    """Show the customers."""
    setup = list_setup()
    found = sheet(setup.fields)
    view = list_view(found.listing, criteria(found.listing), beside=found.beside)
    return page(
        "reseller/customers.html",
        "customers",
        view=view,
        sheet=found,
        columns=found.chosen(setup.shared.columns),
        fields=setup.fields,
        views=setup.shared.saved,
        marks=marks(),
        options=_options,
        labels={
            "pick": gettext("Pick %(name)s"),
            "summary": gettext("Summary of %(name)s"),
        },
    )


@pages.get("/customers/export.csv")
@pages.get("/customers/export.xlsx")
@signed_in("customers:read")
def export_customers() -> Response:
    """Give the customers as a file: the columns, filters and order of the screen."""
    found = sheet(hub().customers.fields.list(actor()))
    question = asked(found.listing, criteria(found.listing))
    ids = () if request.args.get("all") else picked("id")
    return export(found, question, shown(found), ids)


@pages.get("/customers/options/<name>")
@signed_in("customers:read")
def filter_options(name: str) -> Response:
    """Show options of one filter that match what was typed, with their counts."""
    fields = hub().customers.fields.list(actor())
    known = (*FILTERS, *(f"{CUSTOM}{one.key}" for one in fields))
    if name not in known or name == "state":
        abort(404)
    on = picked(name)
    options = _options(name, request.args.get("find", ""))
    html = render_template(
        "reseller/customer_options.html",
        name=name,
        options=options,
        on=on,
        texts={value: text for value, text, _ in _options(name)} if on else {},
    )
    return Response(html)


@pages.get("/customers/columns")
@signed_in("customers:write")
def customer_columns() -> Response:
    """Show which columns the list has and in what order."""
    return columns_page(MANAGED, sheet(hub().customers.fields.list(actor())))


@pages.post("/customers/columns")
@signed_in("customers:write")
def change_customer_columns() -> WerkzeugResponse:
    """Show, hide or move a column; save for everybody, or leave all as it was."""
    return change_columns(MANAGED, sheet(hub().customers.fields.list(actor())))


@pages.post("/customers/views")
@signed_in("customers:write")
def change_customer_views() -> WerkzeugResponse:
    """Save the list's filters and order under a name, or remove such a view."""
    return change_views(MANAGED)


def criteria(listing: Listing) -> tuple[Criterion, ...]:
    """Return the filters of the address, those by custom fields included."""
    own = [name for name in listing.fields if name.startswith(CUSTOM)]
    return chosen(listing, *FILTERS, *own)


def _options(name: str, typed: str = "") -> list[tuple[str, str, int | None]]:
    """Return value, text and count of a filter's options, the most frequent first."""
    wanted = fold(typed[:100].replace("\0", ""))
    if name == "name":
        return _names(wanted)
    kinds = {"connection_id": "provider", "price_book_id": "price_book"}
    kind = kinds.get(name, name)
    texts: dict[str, str] = {}
    if name == "connection_id":
        texts = {one.id: one.name for one in marks().values()}
    elif name == "price_book_id":
        with hub().store.read(scope()) as reading:
            books = reading.execute(select(PriceBook.id, PriceBook.name)).all()
        texts = {one.id: one.name for one in books}
    elif name.startswith(CUSTOM):
        key = name.removeprefix(CUSTOM)
        fields = hub().customers.fields.list(actor())
        kind = next((f"field:{one.id}" for one in fields if one.key == key), "")
    facet, number = CustomerFacet, func.count()
    query = (
        select(facet.value, number.label("number"))
        .where(facet.kind == kind)
        .group_by(facet.value)
        .order_by(number.desc(), facet.value)
    )
    if wanted and not texts:
        # Of a group, not of each of its rows: a sum in the condition says so.
        matches = facet.value.icontains(typed.strip(), autoescape=True)
        query = query.having(case((matches, number), else_=0) > 0)
    with hub().store.read(scope()) as reading:
        found = reading.execute(query.limit(500 if texts else OPTIONS)).all()
    rows = [(one.value, texts.get(one.value, one.value), one.number) for one in found]
    kept = rows if not texts else [one for one in rows if wanted in fold(one[1])]
    return [(value, text, count) for value, text, count in kept[:OPTIONS]]


def _names(wanted: str) -> list[tuple[str, str, int | None]]:
    question = Question(
        limit=OPTIONS,
        sort=(("name", False),),
        criteria=(),
        tenant_id=actor().tenant_id,
        secret=parts().secret,
        text=wanted,
    )
    with hub().store.read(scope()) as reading:
        rows = read(reading, SHEET.listing, question).rows
    return [(fold(row.name), row.name, None) for row in rows]


@pages.post("/customers/<customer_id>/refresh")
@signed_in("sync:write")
def refresh_customer(customer_id: str) -> WerkzeugResponse:
    """Read this customer at its vendors now."""
    with hub().store.read(scope()) as reading:
        found = reading.get(Customer, customer_id)
        if found is None or found.tenant_id != actor().tenant_id:
            abort(404)
    back = url_for("console_profile.customer", customer_id=customer_id)
    try:
        runs = hub().sync.start_customer(actor(), customer_id)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(back, 303)
    if not runs:
        flash(
            gettext("None of this customer's connections can be read right now."),
            "warn",
        )
        return redirect(back, 303)
    flash(
        gettext("Reading this customer now. The page shows the result in seconds."),
        "ok",
    )
    return redirect(url_for("console_sync.sync_run", run_id=runs[0].run_id), 303)
