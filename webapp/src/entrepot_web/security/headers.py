"""Headers that every answer carries."""

from __future__ import annotations

from flask import Flask, Response, g, request

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "manifest-src 'self'",
    )
)


def install_headers(app: Flask, *, secure: bool) -> None:
    """Add the safe headers to every answer.

    Args:
        app: The application.
        secure: Whether browsers reach it by HTTPS, so that they may insist on it.
    """

    @app.after_request
    def safe(answer: Response) -> Response:
        headers = answer.headers
        headers["Content-Security-Policy"] = POLICY
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers.setdefault("Cache-Control", "private, no-store")
        if "retry_after" in g:
            headers["Retry-After"] = g.retry_after
        elif answer.status_code != 429:
            # The limiter adds its own to everything; only the view's is meant.
            headers.pop("Retry-After", None)
        trace = g.get("trace_id")
        if trace:
            headers["X-Trace-Id"] = trace
            headers["traceparent"] = f"00-{trace}-{g.span_id}-01"
        if request.headers.get("HX-Request"):
            headers.add("Vary", "HX-Request, HX-Target")
        return answer
