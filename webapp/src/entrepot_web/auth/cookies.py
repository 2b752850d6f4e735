"""Sessions for pages only: machines carry tokens and shouldn't pay for cookies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

_TOKENS = "/api/v1/oauth/"
_WITHOUT = ("/api/v1/", "/static/", "/healthz", "/readyz", "/metrics")


class PageSessions(SecureCookieSessionInterface):
    """Reads the session cookie for pages; elsewhere the session is empty."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the request's session."""
        if request.path.startswith(_WITHOUT):
            return self.session_class()
        return super().open_session(app, request)


def only_for_pages(app: Flask) -> None:
    """Let the sign-in library's hooks pass by requests that have no session.

    Args:
        app: The application, the sign-in library registered.
    """
    app.session_interface = PageSessions()
    for hooks in (app.before_request_funcs, app.after_request_funcs):
        listed: Any = hooks.get(None, [])
        listed[:] = [_page_only(hook) if _foreign(hook) else hook for hook in listed]


def _foreign(hook: Callable[..., Any]) -> bool:
    return hook.__module__.startswith(
        ("flask_principal", "flask_login", "flask_limiter")
    )


def _page_only(hook: Callable[..., Any]) -> Callable[..., Any]:
    def call(*answer: Any) -> Any:  # noqa: ANN401 - hooks before and after a request
        path = request.path
        if path.startswith(_WITHOUT) and not path.startswith(_TOKENS):
            return answer[0] if answer else None
        return hook(*answer)

    return call
