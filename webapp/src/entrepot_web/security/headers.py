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

ALWAYS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)
INSIST = ("Strict-Transport-Security", "max-age=31536000")


def install_headers(app: Flask, *, secure: bool) -> None:
    """Add the safe headers to every answer.

    Args:
        app: The application.
        secure: Whether browsers reach it by HTTPS, so that they may insist on it.
    """
    always = [*ALWAYS, INSIST] if secure else list(ALWAYS)
    names = frozenset(name.lower() for name, _ in always)

    @app.after_request
    def safe(answer: Response) -> Response:
        headers = answer.headers
        for name in [name for name, _ in headers if name.lower() in names]:
            headers.pop(name, None)
        # At once: setting one by one looks through all others each time.
        headers[len(headers) :] = always
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
