"""The pages around signing in, and how often each may be tried."""

from __future__ import annotations

from entrepot.store.settings import Settings
from flask import Flask
from flask_limiter import Limiter

from entrepot_web.auth import passkeys, second
from entrepot_web.auth.oidc import install_oidc
from entrepot_web.auth.sessions import person
from entrepot_web.reseller import account
from entrepot_web.security.limits import address, guard_guesses


def install_steps(app: Flask, limiter: Limiter, settings: Settings) -> None:
    """Register the pages, each that takes a secret limited per account.

    Args:
        app: The application, sessions installed.
        limiter: Its limiter.
        settings: The operator's decisions.
    """
    for module in (second, passkeys, account):
        app.register_blueprint(module.pages)
    for endpoint in (
        "second_factor.check",
        "console_account.confirm",
        "console_account.password",
        "console_account.app_code",
    ):
        guard_guesses(app, limiter, endpoint, _who)
    guard_guesses(app, limiter, "passkeys.sign_in", address)
    install_oidc(app, settings)


def _who() -> str:
    found = person()
    return f"guess:{found.user_id}" if found is not None else "guess:nobody"
