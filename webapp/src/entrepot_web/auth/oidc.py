"""Signing in at the company's identity provider (OpenID Connect).

Authorization code with PKCE, state and nonce; the provider's keys check the answer.
Only people whom the hub knows get in: an identity is linked to the person with the
address that the provider has verified.
"""

from __future__ import annotations

import logging
from typing import Any

from authlib.common.errors import (  # type: ignore[import-untyped]  # has no types
    AuthlibBaseError,
)
from authlib.integrations.flask_client import (  # type: ignore[import-untyped]  # has no types
    OAuth,
)
from entrepot.hub.users.identities import IdentitiesService
from entrepot.store.settings import Settings
from flask import Blueprint, Flask, current_app, flash, redirect, request, url_for
from flask import session as cookie
from flask_babel import gettext
from flask_security.utils import login_user
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.wrappers import Response

from entrepot_web.auth.people import Person
from entrepot_web.auth.second import safe_path
from entrepot_web.context import hub

pages = Blueprint("oidc", __name__)
_log = logging.getLogger("entrepot.web")
_NAME = "company"
_NEXT = "oidc_next"
_TIMEOUT_SECONDS = 10


def install_oidc(app: Flask, settings: Settings) -> bool:
    """Offer the company's sign-in if the settings name a provider.

    Args:
        app: The application.
        settings: The operator's decisions.

    Returns:
        Whether they do.
    """
    offered = bool(settings.oidc_issuer and settings.oidc_client_id)
    app.jinja_env.globals["oidc_name"] = settings.oidc_name if offered else ""
    if not offered:
        return False
    oauth = OAuth(app)
    oauth.register(
        _NAME,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret or None,
        server_metadata_url=_bare(settings.oidc_issuer)
        + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "default_timeout": _TIMEOUT_SECONDS,
        },
    )
    app.extensions["entrepot_oidc"] = oauth
    app.register_blueprint(pages)
    return True


@pages.get("/login/company")
def begin() -> Response:
    """Send the browser to the provider."""
    cookie[_NEXT] = safe_path(request.args.get("next", "/"))
    try:
        answer: Response = _client().authorize_redirect(_back())
    except (RequestException, AuthlibBaseError) as error:
        return _refuse("provider can't be reached", error)
    return answer


@pages.get("/login/company/back")
def back() -> Response:
    """Sign the person in whom the provider names."""
    try:
        token = _client().authorize_access_token()
    except (RequestException, AuthlibBaseError, JoseError, ValueError) as error:
        return _refuse("answer refused", error)
    claims = token.get("userinfo") or {}
    email = str(claims.get("email", "")).strip().lower()
    if _bare(str(claims.get("iss", ""))) != _bare(hub().settings.oidc_issuer):
        return _refuse("another issuer", None)
    if claims.get("email_verified") is not True or not _allowed(email):
        return _refuse("address not verified or not allowed", None)
    found = IdentitiesService(hub().store, hub().clock).person_for(
        str(claims.get("iss", "")), str(claims.get("sub", "")), email
    )
    known = hub().users.find_sign_in(email=found.email) if found else None
    if known is None:
        return _refuse("nobody with this identity", None)
    login_user(Person(known), authn_via=["oidc"])
    return redirect(cookie.pop(_NEXT, "/"))


def _client() -> Any:  # noqa: ANN401 - the library's client has no types
    return current_app.extensions["entrepot_oidc"].create_client(_NAME)


def _back() -> str:
    path = url_for("oidc.back")
    base = hub().settings.public_base_url
    return (base.rstrip("/") if base else request.host_url.rstrip("/")) + path


def _bare(issuer: str) -> str:
    return issuer.rstrip("/")


def _allowed(email: str) -> bool:
    domains = hub().settings.oidc_domains
    return bool(email) and (
        not domains or email.rpartition("@")[2] in {one.lower() for one in domains}
    )


def _refuse(why: str, error: Exception | None) -> Response:
    _log.warning("company sign-in refused: %s (%s)", why, type(error).__name__)
    text = gettext(
        "The company's sign-in didn't work for you. Try again; if it stays so, ask "
        "your administrator whether you have an account here."
    )
    flash(text, "warn")
    return redirect(url_for("security.login"))
