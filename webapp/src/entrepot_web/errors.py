"""What people and machines see when something goes wrong."""

from __future__ import annotations

import logging

from entrepot.store.actor import PermissionDenied
from flask import Flask, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]  # has no types
from werkzeug.exceptions import HTTPException

from entrepot_web.api.problem import from_exception, respond
from entrepot_web.context import trace_id

_log = logging.getLogger("entrepot.web")
_TITLES = {
    400: "This request can't be understood",
    401: "Please sign in",
    403: "You may not do this",
    404: "This page doesn't exist",
    405: "This address doesn't take that",
    413: "That is too large",
    429: "Too many requests",
    503: "Not available right now",
}


def install_errors(app: Flask) -> None:
    """Answer every error in the form its caller reads."""
    app.register_error_handler(Exception, _any)


def _any(error: Exception) -> Response:
    known = from_exception(error)
    if known.status >= 500:
        _log.exception(
            "request failed",
            extra={"trace_id": trace_id(), "path": request.path},
            exc_info=error if not isinstance(error, HTTPException) else None,
        )
    if _for_machines():
        return respond(known)
    detail = known.detail
    if isinstance(error, CSRFError):
        detail = "The form is too old. Go back, reload the page and send it again."
    elif isinstance(error, PermissionDenied):
        detail = str(error)
    page = render_template(
        "error.html",
        status=known.status,
        title=_TITLES.get(known.status, "Something went wrong"),
        detail=detail,
        trace=trace_id(),
    )
    answer = make_response(page, known.status)
    for name, value in known.headers.items():
        answer.headers[name] = value
    return answer


def _for_machines() -> bool:
    return request.path.startswith(("/api/v1", "/notify/", "/healthz", "/readyz"))
