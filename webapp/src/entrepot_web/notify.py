"""Where vendors and PSA systems tell us that something changed.

A notification is a hint: it is verified by the plugin and then only starts a
reading. The path of a connection can't be guessed; size and rate are limited.
"""

from __future__ import annotations

from entrepot.sdk.queries import ReceiveNotification
from flask import Blueprint, Flask, Response, request
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # has no types

from entrepot_web.context import hub
from entrepot_web.security.limits import NOTIFICATIONS, address

LARGEST_BODY = 256 * 1024
LARGEST_HEADERS = 64


def install_notifications(app: Flask, csrf: CSRFProtect, limiter: Limiter) -> None:
    """Receive notifications under ``/notify/<key>``.

    Args:
        app: The application.
        csrf: Forgery protection, which senders can't satisfy; plugins verify them.
        limiter: Counts calls per address.
    """
    routes = Blueprint("notify", __name__)

    @routes.route("/notify/<key>", methods=["GET", "POST"])
    @limiter.limit(NOTIFICATIONS, key_func=address)
    def notification(key: str) -> Response:
        request.max_content_length = LARGEST_BODY
        reply = hub().notifications.receive(key, _query())
        return Response(reply.body, reply.status, mimetype=reply.content_type)

    csrf.exempt(routes)
    app.register_blueprint(routes)


def _query() -> ReceiveNotification:
    headers = list(request.headers.items())[:LARGEST_HEADERS]
    return ReceiveNotification(
        method=request.method,
        headers={name.lower(): value for name, value in headers},
        query=request.args.to_dict(),
        body=request.get_data(cache=False),
        received_at=hub().clock.now(),
    )
