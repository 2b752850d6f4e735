"""Forgotten passwords and invitations: a link by mail, made by the sign-in library."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from entrepot.hub.mail import Mailer
from entrepot.hub.users.rules import SHORTEST_PASSWORD, UserInvalid, check_password
from entrepot.hub.users.service import User
from flask import Flask, current_app, render_template
from flask_babel import gettext, lazy_gettext
from flask_security import MailUtil, PasswordUtil
from flask_security.recoverable import generate_reset_password_token

from entrepot_web.auth.people import Person
from entrepot_web.context import hub

_WITHIN = timedelta(days=3)


class HubMail(MailUtil):
    """Sends the sign-in library's mails by the hub's settings."""

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],
        body: str | None,
        html: str | None,
        **kwargs: Any,  # noqa: ANN401 - the library's context
    ) -> None:
        """Send one mail, to the person's second address if there is one."""
        to = recipient if isinstance(recipient, str) else recipient[1]
        found = hub().users.find_sign_in(email=to)
        wanted = found.user.mail_to if found is not None else to
        mailer().send(wanted, str(subject), body or "", hub().clock.now())


class HubPasswords(PasswordUtil):
    """Accepts the passwords that the hub accepts."""

    def validate(
        self,
        password: str,
        is_register: bool,
        **kwargs: Any,  # noqa: ANN401 - the library's
    ) -> tuple[list[str] | None, str]:
        """Return what is wrong with a password, or None, and its normal form."""
        normal = self.normalize(password)
        person = kwargs.get("user")
        try:
            check_password(normal, person.email if person is not None else "")
        except UserInvalid as error:
            return [error.problem], normal
        return None, normal


def configure(app: Flask, made: Mailer, base: str) -> None:
    """Offer the reset form where mails get somewhere and the hub knows its address.

    Links are made from the configured address only: the one in a request's headers
    is the caller's word.

    Args:
        app: The application.
        made: Sends mails.
        base: The hub's public address, or empty.
    """
    app.extensions["entrepot_mail"] = made
    app.config.update(
        SECURITY_RECOVERABLE=made.works and bool(base),
        SECURITY_RESET_URL="/reset",
        SECURITY_RESET_PASSWORD_WITHIN=_WITHIN,
        SECURITY_POST_RESET_VIEW="/login",
        SECURITY_FORGOT_PASSWORD_TEMPLATE="reset_ask.html",  # noqa: S106 - a file
        SECURITY_RESET_PASSWORD_TEMPLATE="reset.html",  # noqa: S106 - a file
        SECURITY_PASSWORD_LENGTH_MIN=SHORTEST_PASSWORD,
        SECURITY_EMAIL_PLAINTEXT=True,
        SECURITY_EMAIL_HTML=False,
        SECURITY_EMAIL_SUBJECT_PASSWORD_RESET=lazy_gettext("Choose a new password"),
        SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE=lazy_gettext(
            "Your password was changed"
        ),
    )
    app.jinja_env.globals["reset_address"] = lambda token: f"{base}/reset/{token}"
    app.jinja_env.globals["may_reset"] = app.config["SECURITY_RECOVERABLE"]


def mailer() -> Mailer:
    """Return what sends mails."""
    found: Mailer = current_app.extensions["entrepot_mail"]
    return found


def invite(user: User, by: str, reseller: str) -> bool:
    """Send a person the link to choose their first password.

    Args:
        user: Who is invited.
        by: Name of who invites.
        reseller: Name of the reseller.

    Returns:
        Whether the mail was handed over.
    """
    if not current_app.config["SECURITY_RECOVERABLE"]:
        return False
    found = hub().users.find_sign_in(email=user.email)
    if found is None:
        return False
    token = generate_reset_password_token(Person(found))  # type: ignore[no-untyped-call]  # has no types
    text = render_template(
        "security/email/invitation.txt",
        name=user.name,
        by=by,
        reseller=reseller,
        token=token,
        within=gettext("%(num)s days", num=_WITHIN.days),
    )
    subject = gettext("%(by)s invites you to %(reseller)s", by=by, reseller=reseller)
    return mailer().send(user.mail_to, subject, text, hub().clock.now())
