"""Passkeys: adding one to an account, and signing in with one."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from entrepot.hub.users.rules import UserInvalid
from flask import Blueprint, Response, abort, flash, g, jsonify, redirect, request
from flask import session as cookie
from flask_babel import gettext
from flask_security.utils import login_user
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.mails import notice
from entrepot_web.auth.people import Person
from entrepot_web.auth.second import safe_path
from entrepot_web.auth.sessions import is_sure, signed_in
from entrepot_web.context import actor, hub
from entrepot_web.security.limits import once

pages = Blueprint("passkeys", __name__)
_CHALLENGE = "challenge"
_MINUTES = 5


@pages.post("/account/passkeys/options")
@signed_in()
def creation_options() -> Response:
    """Return what a browser needs to make a passkey."""
    actor().require_self()
    if not is_sure():
        return _fault(gettext("Enter your password first."), 403)
    known = hub().factors.of(actor().id).passkeys
    options = generate_registration_options(
        rp_id=_host(),
        rp_name="Entrepot",
        user_id=actor().id.encode(),
        user_name=g.user.email,
        user_display_name=g.user.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential))
            for one in known
        ],
    )
    return _options(options, options.challenge)


@pages.post("/account/passkeys")
@signed_in()
def add() -> Response:
    """Store a passkey that the browser made."""
    actor().require_self()
    if not is_sure():
        return _fault(gettext("Enter your password first."), 403)
    body = _body()
    try:
        made = verify_registration_response(
            credential=body.get("credential", {}),
            expected_challenge=_challenge(),
            expected_origin=_origin(),
            expected_rp_id=_host(),
            require_user_verification=True,
        )
        hub().factors.add_passkey(
            actor(),
            name=str(body.get("name", "")),
            credential=bytes_to_base64url(made.credential_id),
            public_key=bytes_to_base64url(made.credential_public_key),
            count=made.sign_count,
        )
    except UserInvalid as error:
        return _fault(error.problem, 422)
    except WebAuthnException:
        return _fault(gettext("The passkey could not be checked. Try again."), 422)
    notice(g.user, gettext("A passkey was added to your account"))
    flash(gettext("The passkey is added."), "ok")
    return jsonify(next="/account/security")


@pages.post("/account/passkeys/<passkey_id>/remove")
@signed_in()
def remove(passkey_id: str) -> WerkzeugResponse:
    """Remove one of the person's passkeys."""
    actor().require_self()
    if not is_sure():
        flash(gettext("Enter your password first."), "warn")
    elif hub().factors.remove_passkey(actor(), passkey_id):
        notice(g.user, gettext("A passkey was removed from your account"))
        flash(gettext("The passkey is removed."), "ok")
    else:
        abort(404)
    return redirect("/account/security", 303)


@pages.post("/login/passkey/options")
def request_options() -> Response:
    """Return what a browser needs to sign in with any passkey of this hub."""
    options = generate_authentication_options(
        rp_id=_host(), user_verification=UserVerificationRequirement.REQUIRED
    )
    return _options(options, options.challenge)


@pages.post("/login/passkey")
def sign_in() -> Response:
    """Sign the person in whose passkey answered."""
    body = _body()
    answer = body.get("credential", {})
    known = hub().factors.find_passkey(str(answer.get("id", ""))[:1400])
    challenge = _challenge()
    if known is None:
        return _fault(gettext("This hub doesn't know this passkey."), 422)
    try:
        shown = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_origin=_origin(),
            expected_rp_id=_host(),
            credential_public_key=base64url_to_bytes(known.public_key),
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    except WebAuthnException:
        return _fault(gettext("The passkey could not be checked. Try again."), 422)
    user = hub().users.find_user(known.user_id)
    found = hub().users.find_sign_in(email=user.email) if user else None
    if found is None or not found.user.active:
        return _fault(gettext("This account is locked."), 422)
    hub().factors.record_passkey(known.id, shown.new_sign_count)
    login_user(Person(found), authn_via=["passkey"])
    return jsonify(next=safe_path(str(body.get("next", "/"))))


def _options(options: Any, challenge: bytes) -> Response:  # noqa: ANN401 - two kinds
    ends = hub().clock.now().timestamp() + 60 * _MINUTES
    cookie[_CHALLENGE] = [bytes_to_base64url(challenge), ends]
    return Response(options_to_json(options), mimetype="application/json")


def _challenge() -> bytes:
    """Return the challenge of this browser; each is good for one answer.

    The cookie alone can't say that it was used: a copy of it could come again.
    """
    text, ends = cookie.pop(_CHALLENGE, ["", 0.0])
    fresh = float(ends) > hub().clock.now().timestamp()
    name = hashlib.sha256(str(text).encode()).hexdigest()
    if not text or not fresh or not once(f"challenge/{name}", 60 * _MINUTES):
        abort(400, gettext("This took too long. Begin again."))
    return base64url_to_bytes(text)


def _body() -> dict[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict) or not isinstance(found.get("credential"), dict):
        abort(400, "Send the passkey's answer as JSON.")
    return found


def _fault(text: str, status: int) -> Response:
    answer = jsonify(problem=text)
    answer.status_code = status
    return answer


def _origin() -> str:
    base = urlsplit(hub().settings.public_base_url or request.host_url)
    return f"{base.scheme}://{base.netloc}"


def _host() -> str:
    return urlsplit(_origin()).hostname or ""
