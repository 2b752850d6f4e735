"""Rate limits and lock-out, one set of counters for all processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from entrepot.store import Store
from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from sqlalchemy import Engine, create_engine, event

from entrepot_web.security.storage import WINDOWS, SharedCounters

__all__ = ["SharedCounters", "build_limiter", "guard_guesses", "guard_sign_in", "once"]

SIGN_IN_PER_ADDRESS = "30 per 5 minutes"
SIGN_IN_PER_ACCOUNT = "8 per 15 minutes"
TOKENS = "60 per minute"
NOTIFICATIONS = "300 per minute"


def build_limiter(app: Flask, store: Store) -> Limiter:
    """Return the limiter of an application, its counters beside the hub's data."""
    return Limiter(
        key_func=caller,
        app=app,
        storage_uri="entrepot://",
        storage_options={"engine": _counters(store), "now": _seconds(store)},  # type: ignore[dict-item]  # the library types options as text, but hands them on
        strategy="fixed-window",
        headers_enabled=True,
        retry_after="delta-seconds",
        key_prefix="web",
    )


def caller() -> str:
    """Return who is counted: the credential or person, else the address."""
    actor = g.get("actor")
    return actor.id if actor is not None else address()


def address() -> str:
    """Return the client's address."""
    return request.remote_addr or "unknown"


def guard_sign_in(app: Flask, limiter: Limiter, endpoint: str) -> None:
    """Limit failed sign-ins by address and by account.

    Args:
        app: The application.
        limiter: Its limiter.
        endpoint: The sign-in view.
    """
    view = app.view_functions[endpoint]
    guarded = limiter.limit(
        SIGN_IN_PER_ADDRESS, key_func=address, methods=["POST"], deduct_when=_failed
    )(view)
    guarded = limiter.limit(
        SIGN_IN_PER_ACCOUNT, key_func=_account, methods=["POST"], deduct_when=_failed
    )(guarded)
    app.view_functions[endpoint] = guarded  # type: ignore[assignment]  # Flask accepts any view


def once(name: str, seconds: int) -> bool:
    """Return whether this is the first time something is used, in any process.

    Args:
        name: What is used.
        seconds: How long it is remembered.
    """
    limiter = next(iter(current_app.extensions["limiter"]))
    return bool(limiter.storage.incr(f"once/{name}", seconds) == 1)


def guard_guesses(
    app: Flask, limiter: Limiter, endpoint: str, who: Callable[[], str]
) -> None:
    """Limit how often a person may get a password or code wrong.

    Args:
        app: The application.
        limiter: Its limiter.
        endpoint: The view that takes it.
        who: Returns whose guesses are counted.
    """
    guarded = limiter.shared_limit(
        SIGN_IN_PER_ACCOUNT,
        scope="guesses",
        key_func=who,
        methods=["POST"],
        deduct_when=_wrong,
    )(app.view_functions[endpoint])
    app.view_functions[endpoint] = guarded  # type: ignore[assignment]  # Flask accepts any view


def _account() -> str:
    email = request.form.get("email", "").strip().lower()
    return "account:" + hashlib.sha256(email.encode()).hexdigest()[:24]


def _wrong(answer: Response) -> bool:
    return answer.status_code == 422


def _failed(answer: Response) -> bool:
    return answer.status_code not in (301, 302, 303)


def _counters(store: Store) -> Engine:
    """Return where counters live: on SQLite in a file of their own.

    They must neither wait for the hub's one writer nor be forced to disk.
    """
    path = store.settings.sqlite_path
    if path is None:
        return store.engine
    beside = Path(f"{path}-limits")
    engine = create_engine(f"sqlite:///{beside}")
    event.listen(engine, "connect", _relaxed)
    WINDOWS.metadata.create_all(engine)
    return engine


def _seconds(store: Store) -> Callable[[], float]:
    return lambda: store.clock.now().timestamp()


def _relaxed(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
