"""One customer: overview, inventory, orders, activity, people, accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from entrepot.hub.customers.records import CustomerDetail, PriceBook
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.sdk.errors import Conflict, EntrepotError
from entrepot.store.search import holds
from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.criteria import Criterion
from entrepot_web.lists.orders import ORDERS, STATUS_WORDS
from entrepot_web.lists.subscriptions import INVENTORY
from entrepot_web.reseller.customer_activity import Asked, Place, Told, events
from entrepot_web.reseller.customer_facts import (
    alerts,
    companies,
    costs,
    figures,
    sources,
    standing,
)
from entrepot_web.reseller.orders_read import orders_read, telling
from entrepot_web.reseller.pages import (
    chosen,
    connection_names,
    list_view,
    marks,
    page,
    sentence,
    stamp,
    tagged,
)

pages = Blueprint("console_profile", __name__)
RECENT = 6
CANDIDATES = 10


@pages.get("/customers/<customer_id>")
@pages.get("/customers/<customer_id>/inventory")
@signed_in("customers:read")
def customer(customer_id: str) -> Response:
    """Show a customer with what it has bought."""
    now = hub().clock.now()
    found = customer_of(customer_id)
    every = _cadence(found.id)
    with hub().store.read(scope()) as session:
        summed = figures(session, customer_id, now)
        priced = actor().may("subscriptions:read")
        spent = costs(session, customer_id) if priced else None
        warned = alerts(session, customer_id, now)
        recent = events(session, _asked(customer_id, most=RECENT)).events
        read_from = sources(session, customer_id, every)
    criteria = (
        Criterion("customer_id", "eq", (customer_id,)),
        *chosen(INVENTORY, "status", "connection_id"),
    )
    frame = frame_of(found, "inventory")
    own = {one.connection_id for one in frame["own"]}
    warned += standing(one for one in connection_names() if one.id in own)
    return page(
        "reseller/customer.html",
        "customers",
        **frame,
        figures=summed,
        costs=spent,
        alerts=warned,
        recent=recent,
        view=list_view(INVENTORY, criteria),
        sources=read_from,
    )


@pages.get("/customers/<customer_id>/orders")
@signed_in("subscriptions:read")
def customer_orders(customer_id: str) -> Response:
    """Show the orders that the vendors report."""
    found = customer_of(customer_id)
    criteria = (
        Criterion("customer_id", "eq", (customer_id,)),
        *chosen(ORDERS, "status"),
    )
    with hub().store.read(scope()) as session:
        fresh = orders_read(session, customer_id, telling())
    view = list_view(ORDERS, criteria)
    return page(
        "reseller/customer_orders.html",
        "customers",
        **frame_of(found, "orders"),
        view=replace(view, stamp=stamp(fresh) if fresh.sources else None),
        words=STATUS_WORDS,
    )


@pages.get("/customers/<customer_id>/activity")
@signed_in("customers:read")
def customer_activity(customer_id: str) -> Response:
    """Show what happened to a customer, newest first."""
    found = customer_of(customer_id)
    asked = _asked(
        customer_id,
        text=request.args.get("q", "").replace("\0", "").strip()[:200],
        before=_place(),
    )
    return page(
        "reseller/customer_activity.html",
        "customers",
        **frame_of(found, "activity"),
        told=_told(asked),
        text=asked.text,
        live=asked.before is None,
    )


@pages.get("/customers/<customer_id>/activity/newest")
@signed_in("customers:read")
def newest_activity(customer_id: str) -> Response:
    """Give the newest events alone, for the open page; unchanged ones cost nothing."""
    found = customer_of(customer_id)
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    told = _told(_asked(customer_id, text=text))
    return tagged(
        render_template(
            "reseller/_activity.html", customer=found, told=told, text=text, live=True
        )
    )


@pages.route("/customers/<customer_id>/information", methods=["GET", "POST"])
@signed_in("customers:read")
def customer_information(customer_id: str) -> Response | WerkzeugResponse:
    """Show a customer's own fields; save them unless somebody else did meanwhile."""
    if request.method == "POST":
        actor().require("customers:write")
    found = customer_of(customer_id)
    problem, status, theirs = "", 200, None
    if request.method == "POST":
        given = {name: request.form.get(name, "") for name in ("name", "custom_id")}
        try:
            version = int(request.form.get("version", "0"))
            hub().customers.rename(actor(), customer_id, version=version, **given)
        except Conflict:
            status, theirs = 409, found
        except EntrepotError as error:
            problem, status = sentence(error), 422
        else:
            flash(gettext("The customer is saved."), "ok")
            return redirect(f"/customers/{customer_id}/information", 303)
    answer = page(
        "reseller/customer_information.html",
        "customers",
        **frame_of(found, "information"),
        given=request.form,
        problem=problem,
        theirs=theirs,
    )
    answer.status_code = status
    return answer


@pages.get("/customers/<customer_id>/contacts")
@signed_in("customers:read")
def customer_contacts(customer_id: str) -> Response:
    """Show the people at a customer's accounts."""
    found = customer_of(customer_id)
    return page(
        "reseller/customer_contacts.html",
        "customers",
        **frame_of(found, "contacts"),
        contacts=hub().customers.contacts(actor(), customer_id),
    )


@pages.get("/customers/<customer_id>/accounts")
@signed_in("customers:read")
def customer_accounts(customer_id: str) -> Response:
    """Show a customer's accounts at vendors, and candidates to join with it."""
    found = customer_of(customer_id)
    accounts = hub().customers.accounts(actor(), customer_id)
    text = request.args.get("q", "").strip()[:200]
    return page(
        "reseller/customer_accounts.html",
        "customers",
        **frame_of(found, "accounts"),
        accounts=accounts,
        consoles={
            one.id: hub().links.find(
                actor(), one.connection_id, "customer", one.vendor_id
            )
            for one in accounts
        },
        text=text,
        candidates=_candidates(customer_id, text) if text else (),
    )


@pages.post("/customers/<customer_id>/merge")
@signed_in("mappings:write")
def merge_customer(customer_id: str) -> WerkzeugResponse:
    """Join another customer's accounts to this one."""
    customer_of(customer_id)
    try:
        hub().customers.merge(
            actor(),
            customer_id,
            request.form.get("other", ""),
            why=request.form.get("why", "")[:500],
        )
        flash(gettext("Joined. Split an account off to take it back."), "ok")
    except EntrepotError as error:
        flash(sentence(error), "warn")
    return redirect(f"/customers/{customer_id}/accounts", 303)


@pages.post("/customers/<customer_id>/split")
@signed_in("mappings:write")
def split_customer(customer_id: str) -> WerkzeugResponse:
    """Give one of a customer's accounts a customer of its own."""
    customer_of(customer_id)
    try:
        why = request.form.get("why", "")[:500]
        made = hub().customers.split(actor(), request.form.get("account", ""), why=why)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect(f"/customers/{customer_id}/accounts", 303)
    flash(gettext("The account has a customer of its own now."), "ok")
    return redirect(f"/customers/{made}", 303)


def customer_of(customer_id: str) -> Customer:
    """Return a customer of the reseller; another one's is not found."""
    with hub().store.read(scope()) as session:
        found = session.get(Customer, customer_id)
    if found is None or found.tenant_id != actor().tenant_id:
        abort(404)
    return found


def frame_of(found: Customer, tab: str) -> dict[str, Any]:
    """Return what the head and the menu of every page of a customer need."""
    with hub().store.read(scope()) as session:
        accounts = session.scalars(
            select(CustomerAccount)
            .where(CustomerAccount.customer_id == found.id)
            .order_by(CustomerAccount.id)
        ).all()
        billed = (
            companies(session, [one.id for one in accounts])
            if actor().may("psa:read")
            else []
        )
        book = session.get(PriceBook, found.price_book_id or "")
        detail = session.get(CustomerDetail, found.id)
    return {
        "customer": found,
        "own": accounts,
        "companies": billed,
        "book": book,
        "kind": detail.kind if detail is not None else "",
        "tab": tab,
        "rail": True,
        "marks": marks(),
    }


def _cadence(customer_id: str) -> dict[str, int]:
    """Return how often a customer's vendors are read by themselves, in seconds."""
    if not actor().may("sync:read"):
        return {}
    query = select(CustomerAccount.connection_id).where(
        CustomerAccount.customer_id == customer_id
    )
    with hub().store.read(scope()) as session:
        ids = session.scalars(query.distinct()).all()
    rules = {one: hub().sync.schedule_of(actor(), one) for one in ids}
    return {
        key: rule.every_seconds
        for key, rule in rules.items()
        if rule is not None and rule.every_seconds
    }


def _candidates(customer_id: str, text: str) -> list[Any]:
    query = (
        select(Customer.id, Customer.name, Customer.custom_id)
        .where(
            holds(Customer.__table__.c.search_text, text),
            Customer.state == "active",
            Customer.id != customer_id,
        )
        .order_by(Customer.sort_name, Customer.id)
        .limit(CANDIDATES)
    )
    with hub().store.read(scope()) as session:
        return list(session.execute(query))


def _asked(customer_id: str, **more: Any) -> Asked:  # noqa: ANN401 - fields of Asked
    return Asked(
        customer_id=customer_id,
        names={key: mark.name for key, mark in marks().items()},
        audit=actor().may("audit:read"),
        **more,
    )


def _told(asked: Asked) -> Told:
    with hub().store.read(scope()) as session:
        return events(session, asked)


def _place() -> Place | None:
    """Return where the address says that the page of events begins, or None."""
    at, _, key = request.args.get("before", "").partition("|")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        return None
    known = key.startswith("f:") or (key.startswith("a:") and key[2:].isdecimal())
    if moment.tzinfo is None or not known or "\0" in key or not key.isascii():
        return None
    return Place(moment.astimezone(UTC), key[:60])
