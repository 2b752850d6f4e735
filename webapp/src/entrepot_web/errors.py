"""What people and machines see when something goes wrong."""

from __future__ import annotations

import logging

from entrepot.sdk.errors import EntrepotError
from entrepot.store.actor import PermissionDenied
from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]  # has no types
from werkzeug.exceptions import HTTPException

from entrepot_web.api.problem import ApiError, from_exception, respond
from entrepot_web.auth.sessions import load_person
from entrepot_web.context import trace_id

_log = logging.getLogger("entrepot.web")
_TITLES = {
    400: lazy_gettext("This request can't be understood"),
    401: lazy_gettext("Please sign in"),
    403: lazy_gettext("You may not do this"),
    404: lazy_gettext("This page doesn't exist"),
    405: lazy_gettext("This address doesn't take that"),
    413: lazy_gettext("That is too large"),
    429: lazy_gettext("Too many requests"),
    503: lazy_gettext("Not available right now"),
}
_DETAILS = {
    404: lazy_gettext("Nothing is found at this address."),
    405: lazy_gettext("This address doesn't accept what was sent to it."),
    413: lazy_gettext("What was sent is larger than the hub accepts."),
    429: lazy_gettext("Wait a moment and try again."),
    500: lazy_gettext(
        "The hub could not finish this. Quote the trace id to its operator."
    ),
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
    _know_person()
    detail = known.detail
    if known.status in _DETAILS and _says_nothing(error):
        detail = str(_DETAILS[known.status])
    if isinstance(error, CSRFError):
        detail = gettext(
            "The form is too old. Go back, reload the page and send it again."
        )
    elif isinstance(error, PermissionDenied):
        detail = str(error)
    page = render_template(
        "error.html",
        status=known.status,
        title=_TITLES.get(known.status, lazy_gettext("Something went wrong")),
        detail=detail,
        trace=trace_id(),
    )
    answer = make_response(page, known.status)
    for name, value in known.headers.items():
        answer.headers[name] = value
    return answer


def _says_nothing(error: Exception) -> bool:
    """Whether an error brings no words of its own for this case."""
    if isinstance(error, HTTPException):
        return error.description == type(error).description
    return not isinstance(error, EntrepotError | ApiError)


def _know_person() -> None:
    """Find out who asks for a page that doesn't exist, to speak their language."""
    if "actor" in g:
        return
    try:
        load_person()
    except HTTPException:
        return


def _for_machines() -> bool:
    return request.path.startswith(("/api/v1", "/notify/", "/healthz", "/readyz"))
