"""The operator's view: every reseller, its people, and acting in their name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from entrepot.hub.tenants.service import ACTIVE, TenantView
from entrepot.hub.users.rules import ROLE_TITLES, UserInvalid
from entrepot.hub.users.service import User
from entrepot.hub.users.sessions import BEHALF
from entrepot.store.actor import Actor
from entrepot.store.base import SYSTEM_TENANT
from flask import Blueprint, Response, abort, redirect, request
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import is_sure, person, signed_in
from entrepot_web.context import actor, hub
from entrepot_web.core_words import told
from entrepot_web.reseller.pages import page

pages = Blueprint("console_resellers", __name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One reseller and how many people it has."""

    tenant: TenantView
    people: int
    active: bool


@pages.get("/resellers")
@signed_in("tenants:read")
def resellers() -> Response:
    """Show every reseller of the hub."""
    people = hub().users.count_members(actor())
    lines = [
        Line(one, people.get(one.id, 0), one.status == ACTIVE)
        for one in hub().tenants.list(_operator())
    ]
    return page("reseller/resellers.html", "resellers", lines=lines, topic="people")


@pages.get("/resellers/<tenant_id>")
@signed_in("tenants:read")
def reseller(tenant_id: str) -> Response:
    """Show the people of one reseller."""
    found = _reseller(tenant_id)
    return page(
        "reseller/reseller.html",
        "resellers",
        found=found,
        open=found.status == ACTIVE,
        people=hub().users.list_members(actor(), tenant_id),
        titles=ROLE_TITLES,
        me=actor().id,
        topic="people",
    )


@pages.get("/resellers/<tenant_id>/users/<user_id>/act")
@signed_in("tenants:write")
def ask_to_act_there(tenant_id: str, user_id: str) -> Response:
    """Ask why an operator wants to act in a person's name."""
    return _ask(tenant_id, user_id, "", "", 200)


@pages.post("/resellers/<tenant_id>/users/<user_id>/act")
@signed_in("tenants:write")
def act_there(tenant_id: str, user_id: str) -> Response | WerkzeugResponse:
    """Act in a person's name at their reseller, for a limited time."""
    found, _user = _reseller(tenant_id), _person(tenant_id, user_id)
    reason, problem, mine = request.form.get("reason", ""), "", person()
    if mine is None or mine.session is None or not is_sure():
        problem = gettext("Sign in again first.")
    elif found.status != ACTIVE:
        problem = gettext("This reseller is suspended; nobody can work there.")
    else:
        try:
            hub().sessions.act_for(actor(), mine.session.id, user_id, reason, tenant_id)
        except UserInvalid as error:
            problem = told(error.problem)
    if problem:
        return _ask(tenant_id, user_id, reason, problem, 422)
    return redirect("/", 303)


def _ask(
    tenant_id: str, user_id: str, reason: str, problem: str, status: int
) -> Response:
    found = _reseller(tenant_id)
    answer = page(
        "reseller/act.html",
        "resellers",
        found=_person(tenant_id, user_id),
        trail=[
            (gettext("Resellers"), "/resellers"),
            (found.name, f"/resellers/{found.id}"),
        ],
        reason=reason,
        problem=problem,
        sure=is_sure(),
        minutes=int(BEHALF.total_seconds()) // 60,
        topic="people",
    )
    answer.status_code = status
    return answer


def _reseller(tenant_id: str) -> TenantView:
    known = {one.id: one for one in hub().tenants.list(_operator())}
    return known.get(tenant_id) or abort(404)


def _person(tenant_id: str, user_id: str) -> User:
    known = {one.id: one for one in hub().users.list_members(actor(), tenant_id)}
    return known.get(user_id) or abort(404)


def _operator() -> Actor:
    """Return the person as operator: their permission says that they are one."""
    return replace(actor(), kind="operator", tenant_id=SYSTEM_TENANT)
