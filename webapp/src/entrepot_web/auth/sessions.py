"""Browser sessions: who is signed in, and for which reseller they act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from entrepot.hub.users.service import User, UsersService
from flask import Flask, Response, abort, g, redirect, request, session, url_for
from flask_login import current_user  # type: ignore[import-untyped]  # has no types
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
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
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
    user_authenticated.connect(_signed_in, app)
    return csrf


def _signed_in(_app: Flask, user: Person, **_more: object) -> None:
    session.permanent = True
    session[TENANT] = _first_tenant(user.user)
    hub().users.record_sign_in(user.user_id)


def _unauthenticated(*_args: object, **_kwargs: object) -> WerkzeugResponse:
    return to_sign_in()


def _first_tenant(user: User) -> str:
    return user.roles[0][0] if user.roles else ""


def to_sign_in() -> WerkzeugResponse:
    """Return the way to the sign-in page: a redirect, or its htmx form."""
    target = url_for("security.login", next=request.full_path.rstrip("?"))
    if request.headers.get("HX-Request"):
        answer = Response("", status=401)
        answer.headers["HX-Redirect"] = target
        return answer
    return redirect(target)


def load_person() -> User | None:
    """Return who is signed in and set the actor, or None."""
    if not current_user.is_authenticated:
        return None
    user = cast("Person", current_user._get_current_object()).user
    tenant = session.get(TENANT) or _first_tenant(user)
    if not user.role_at(tenant):
        tenant = _first_tenant(user)
    if not tenant:
        abort(403, "You have no role at any reseller. An administrator can grant one.")
    if not tenant_is_open(hub(), tenant):
        abort(403, "This reseller is suspended. Ask the operator of the hub.")
    g.actor = hub().users.actor_for(user, tenant)
    g.user = user
    return user


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
