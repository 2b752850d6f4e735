"""Browser sessions: who is signed in, and for which reseller they act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from entrepot.hub.users.arriving import Workplace
from entrepot.hub.users.service import User, UsersService
from entrepot.hub.users.sessions import (
    KEPT,
    TO_ACT,
    TO_ACT_ANYWHERE,
    InName,
    NewSession,
)
from flask import Flask, Response, abort, g, redirect, request, session, url_for
from flask_babel import gettext
from flask_login import current_user, user_logged_out  # type: ignore[import-untyped]  # has no types
from flask_security import Security, user_authenticated
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # has no types
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth import recovery
from entrepot_web.auth.cookies import only_for_pages
from entrepot_web.auth.people import People, Person
from entrepot_web.auth.tenants import tenant_is_open
from entrepot_web.context import hub

View = TypeVar("View", bound=Callable[..., Any])
TENANT = "tenant"
SESSION = "sid"
SURE = "sure"
SURE_FOR = timedelta(minutes=15)
_PROVE = "second_factor.ask"
_ENROL = "console_account.security"
_WITHOUT_FACTOR = ("/account", "/preferences")


def install_sessions(app: Flask, users: UsersService, *, secure: bool) -> CSRFProtect:
    """Set up sign-in, sessions and forgery protection.

    Args:
        app: The application.
        users: The hub's people.
        secure: Whether browsers reach it by HTTPS only.
    """
    app.config.update(
        SESSION_COOKIE_NAME="__Host-entrepot" if secure else "entrepot_session",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=KEPT,
        REMEMBER_COOKIE_SECURE=secure,
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=secure,
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a scheme
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_PASSWORD_SALT="argon2 salts by itself",  # noqa: S106 - demanded, unused
        SECURITY_LOGIN_URL="/login",
        SECURITY_LOGOUT_URL="/logout",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_POST_LOGIN_VIEW="/",
        SECURITY_POST_LOGOUT_VIEW="/login",
        SECURITY_LOGIN_USER_TEMPLATE="login.html",
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_SEND_REGISTER_EMAIL=False,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SECURITY_FLASH_MESSAGES=False,
    )
    csrf = CSRFProtect(app)
    security = Security(
        app,
        People(users),
        mail_util_cls=recovery.HubMail,
        password_util_cls=recovery.HubPasswords,
    )
    only_for_pages(app)
    security.want_json(lambda _request: False)
    security.unauthn_handler(_unauthenticated)
    app.login_manager.user_loader(_load)  # type: ignore[attr-defined]  # the library sets it
    user_logged_out.connect(_signed_out, app)
    # Our own page asks for the password again, and limits the guesses.
    app.view_functions["security.verify"] = lambda: abort(404)
    user_authenticated.connect(_signed_in, app)
    return csrf


def _load(uniquifier: str) -> Person | None:
    """Return whose cookie it is while their session lives, else None."""
    come = hub().sessions.arrive(uniquifier, session.get(SESSION, ""))
    if come is None or not come.person.user.active:
        return None
    found = Person(come.person)
    found.session, found.places = come.session, come.places
    return found


def _signed_in(
    _app: Flask, user: Person, authn_via: list[str] | None = None, **_more: object
) -> None:
    # Our own row says how long the device stays signed in, so that it can be ended.
    keep = session.pop("_remember", None) == "set"
    method = (authn_via or ["password"])[0]
    before = session.get(SESSION)
    if before:
        hub().sessions.sign_out(before, user.user_id)
    session[SESSION] = hub().sessions.begin(
        NewSession(
            user_id=user.user_id,
            agent=request.user_agent.string,
            address=request.remote_addr or "",
            method=method,
            keep=keep,
            proven=method != "password" or not second_factor_due(user.user),
        )
    )
    session.permanent = keep
    session[TENANT] = first_tenant(user.user)
    be_sure()
    hub().users.record_sign_in(user.user_id)


def _signed_out(_app: Flask, user: Person, **_more: object) -> None:
    known = session.pop(SESSION, None)
    session.pop(SURE, None)
    if known and user.is_authenticated:
        hub().sessions.sign_out(known, user.user_id)


def second_factor_due(user: User) -> bool:
    """Return whether a password alone doesn't let this person in."""
    held = hub().factors.of(user.id)
    if held.app:
        return True
    return bool(held.passkeys) and any(
        hub().factors.demanded(tenant) for tenant, _ in user.roles
    )


def be_sure() -> None:
    """Note that the person has just shown who they are."""
    session[SURE] = (hub().clock.now() + SURE_FOR).timestamp()


def is_sure() -> bool:
    """Return whether the person showed who they are a moment ago."""
    return float(session.get(SURE, 0)) > hub().clock.now().timestamp()


def _unauthenticated(*_args: object, **_kwargs: object) -> WerkzeugResponse:
    return to_sign_in()


def first_tenant(user: User) -> str:
    """Return the reseller a person acts for at first; empty without any role."""
    return user.roles[0][0] if user.roles else ""


def to_sign_in() -> WerkzeugResponse:
    """Return the way to the sign-in page: a redirect, or its htmx form."""
    target = g.get("detour") or "security.login"
    following = None if target == _ENROL else request.full_path.rstrip("?")
    address = url_for(target, next=following)
    if request.headers.get("HX-Request"):
        answer = Response("", status=401)
        answer.headers["HX-Redirect"] = address
        return answer
    return redirect(address)


def person() -> Person | None:
    """Return whose browser it is, whether or not they may go on; None for nobody."""
    if not current_user.is_authenticated:
        return None
    return cast("Person", current_user._get_current_object())


def place_name(tenant_id: str) -> str | None:
    """Return the name of a reseller that the person who looks has a role at.

    Args:
        tenant_id: Which; None comes back where it isn't theirs or was deleted.
    """
    found = person()
    # In another person's name somebody sees that person's resellers, not their own.
    if found is None or found.user_id != g.user.id:
        return None
    place = found.places.get(tenant_id)
    return None if place is None else place.name


def load_person() -> User | None:
    """Return who is signed in and set the actor, or None."""
    found = person()
    if found is None or found.session is None:
        return None
    if not found.session.proven:
        g.detour = _PROVE
        return None
    g.real = found.user
    behalf = found.session.behalf
    if behalf is not None and _act_for(found.user, behalf):
        return cast("User", g.user)
    user = found.user
    tenant = session.get(TENANT) or first_tenant(user)
    if not user.role_at(tenant):
        tenant = first_tenant(user)
    if not tenant:
        abort(
            403,
            gettext(
                "You have no role at any reseller. An administrator can grant one."
            ),
        )
    place = found.places.get(tenant)
    if place is None or not place.open:
        abort(403, gettext("This reseller is suspended. Ask the operator of the hub."))
    # Whoever comes from the company's provider took its steps.
    if found.session.method != "oidc" and _must_enrol(user, place):
        g.detour = _ENROL
        return None
    if user.must_change and found.session.method == "password" and not _is_free():
        g.detour = _ENROL
        return None
    g.actor = hub().users.actor_for(user, tenant)
    g.user, g.behalf = user, None
    return user


def _act_for(real: User, behalf: InName) -> bool:
    """Set the person in whose name is acted; False when that isn't right any more."""
    user = hub().users.find_user(behalf.user_id)
    if user is None or not user.active or not user.role_at(behalf.tenant_id):
        return False
    mine = hub().users.actor_for(real, behalf.tenant_id)
    may = mine.may(TO_ACT) or mine.may(TO_ACT_ANYWHERE)
    if not may or not tenant_is_open(hub(), behalf.tenant_id):
        return False
    g.actor = hub().users.actor_behalf(real, user, behalf.tenant_id, behalf.reason)
    g.user, g.behalf = user, behalf
    return True


def _must_enrol(user: User, place: Workplace) -> bool:
    return (
        not _is_free() and place.factor_demanded and not hub().factors.of(user.id).any
    )


def _is_free() -> bool:
    """Whether the page helps to get in, so that nothing is demanded before it."""
    return request.path.startswith(_WITHOUT_FACTOR)


def signed_in(permission: str | None = None) -> Callable[[View], View]:
    """Demand a signed-in person, and a permission of theirs.

    Args:
        permission: ``<resource>:<verb>``, or None when signing in is enough.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: object, **kwargs: object) -> object:
            if load_person() is None:
                return to_sign_in()
            if permission is not None:
                g.actor.require(permission)
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the access tests
        return cast("View", guarded)

    return decorate
