"""The web application: API, console, health, in one Flask application."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from entrepot.hub.mail import Mailer
from entrepot.store.keys import SESSIONS, TOKENS
from flask import Flask, request

from entrepot_web import api, context, errors, health, notify, reseller
from entrepot_web.assets import install_assets
from entrepot_web.auth import recovery, sessions
from entrepot_web.auth.steps import install_steps
from entrepot_web.auth.tenants import tenant_is_open
from entrepot_web.auth.tokens import Tokens
from entrepot_web.i18n import install_i18n
from entrepot_web.reseller.frame import install_frame
from entrepot_web.security.headers import install_headers
from entrepot_web.security.limits import build_limiter, guard_sign_in
from entrepot_web.security.proxies import TrustedProxies

if TYPE_CHECKING:
    from entrepot.app import Hub

LARGEST_BODY = 2 * 1024 * 1024
LARGEST_FILE = 48 * 1024 * 1024
FILES = ("/customers/import", "/api/v1/imports")
"""Where files of customers are sent."""


class Application(Flask):
    """Flask whose views and hooks are plain functions, all of them."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is.

        Looking whether it is a coroutine costs every request a dozen inspections.
        """
        return func


def create_app(hub: Hub) -> Flask:
    """Return the web application of a hub.

    Args:
        hub: The hub; nothing else is looked up anywhere.
    """
    keyring = hub.keyring
    secure = hub.settings.public_base_url.startswith("https:")
    app = Application("entrepot_web", static_folder=None)
    app.config.update(
        SECRET_KEY=keyring.current(SESSIONS).material,
        SECRET_KEY_FALLBACKS=[key.material for key in keyring.all(SESSIONS)[1:]],
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        TRAP_HTTP_EXCEPTIONS=False,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    issuer = hub.settings.public_base_url or "entrepot"
    tokens = Tokens(
        keyring,
        hub.credentials,
        issuer,
        open_tenant=lambda tenant: tenant_is_open(hub, tenant),
    )
    secret = hashlib.sha256(b"cursor" + keyring.current(TOKENS).material).digest()
    context.install(app, context.Parts(hub, tokens, secret))
    if hub.settings.trusted_proxies:
        behind = TrustedProxies(app.wsgi_app, hub.settings.trusted_proxies)
        app.wsgi_app = behind  # type: ignore[method-assign]  # Flask's documented way
    install_headers(app, secure=secure)
    install_assets(app)
    install_i18n(app)
    limiter = build_limiter(app, hub.store)
    recovery.configure(app, Mailer(hub.settings), hub.settings.public_base_url)
    app.before_request(_allow_files)
    csrf = sessions.install_sessions(app, hub.users, secure=secure)
    guard_sign_in(app, limiter, "security.login")
    if app.config["SECURITY_RECOVERABLE"]:
        guard_sign_in(app, limiter, "security.forgot_password")
    errors.install_errors(app)
    health.install_health(app, hub)
    api.install_api(app, csrf, limiter)
    notify.install_notifications(app, csrf, limiter)
    reseller.install_console(app)
    install_frame(app)
    install_steps(app, limiter, hub.settings)
    return app


def _allow_files() -> None:
    """Let a file of customers be larger than a form; before the form is read."""
    if request.path in FILES:
        request.max_content_length = LARGEST_FILE
