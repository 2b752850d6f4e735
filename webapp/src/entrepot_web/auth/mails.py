"""Mails about a person's own account, and the link that confirms an address."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from entrepot.hub.users.service import User
from flask import current_app, render_template
from flask_babel import gettext
from itsdangerous import BadData, URLSafeTimedSerializer

from entrepot_web.auth.recovery import mailer
from entrepot_web.context import hub

CONFIRM_WITHIN = timedelta(days=3)
_SALT = "second address"


def confirm_address(user: User, address: str) -> bool:
    """Send the link that confirms a second address; returns whether it was sent."""
    base = hub().settings.public_base_url
    if not mailer().works or not base:
        return False
    token = _signer().dumps([user.id, address])
    text = render_template(
        "security/email/second_address.txt",
        name=user.name,
        email=user.email,
        link=f"{base}/account/address/{token}",
        within=f"{CONFIRM_WITHIN.days} days",
    )
    subject = gettext("Confirm this address for your mails")
    return mailer().send(address, subject, text, hub().clock.now())


def confirmed_address(user: User, token: str) -> str:
    """Return the address that a link confirms.

    Raises:
        BadData: The link is too old, forged, or somebody else's.
    """
    age = int(CONFIRM_WITHIN.total_seconds())
    owner, address = cast("list[str]", _signer().loads(token, max_age=age))
    if owner != user.id:
        raise BadData("somebody else's link")
    return address


def notice(user: User, what: str) -> None:
    """Tell a person at both addresses what happened to their account."""
    for address in {user.email, user.mail_to}:
        text = render_template(
            "security/email/notice.txt", name=user.name, what=what, email=user.email
        )
        mailer().send(address, what, text, hub().clock.now())


def _signer() -> URLSafeTimedSerializer:
    keys = [
        *reversed(current_app.config["SECRET_KEY_FALLBACKS"]),
        current_app.config["SECRET_KEY"],
    ]
    return URLSafeTimedSerializer(keys, salt=_SALT)
