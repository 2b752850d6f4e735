"""The web server: granian with one worker process per core.

`entrepot serve --role web` calls `serve` through the entry point ``entrepot.web``.
Every worker builds its own hub; nothing is shared but the database.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from entrepot.sdk.redaction import RedactingFilter, Redactor
from entrepot.store.settings import Settings
from entrepot.supervisor.lifeline import watch_lifeline
from entrepot.supervisor.logs import formatter
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

BLOCKING_THREADS = 2
"""Threads of one worker that run views; more only make every request slower."""

GRACE_SECONDS = 20
_PARENT_SECONDS = 1.0


def serve(settings: Settings) -> None:
    """Serve until a signal or the end of the supervisor.

    Args:
        settings: Address, port, number of processes, and the hub's own settings.
    """
    watch_lifeline(lambda: os.kill(os.getpid(), signal.SIGTERM))
    workers = settings.web_processes or os.cpu_count() or 1
    logging.getLogger("granian").setLevel(settings.log_level)
    server = Server(
        "entrepot_web",
        address=settings.bind_host,
        port=settings.bind_port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        loop=Loops.asyncio,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels(settings.log_level.lower()),
        process_name=None,
    )
    server.serve(target_loader=partial(load_application, settings), wrap_loader=False)


def load_application(settings: Settings) -> Callable[..., Any]:
    """Return the WSGI application of one worker process."""
    from entrepot.app import build_hub

    from entrepot_web.app import create_app

    _follow_parent()
    hub = build_hub(settings, web=True)
    _dress_logs(hub.redactor, as_json=settings.log_json)
    app = create_app(hub)
    settle_memory()
    return app


def settle_memory() -> None:
    """Spare what was loaded so far from being looked through for garbage.

    It lives as long as the process; to look through all of it takes 70 to 250 ms, which
    one request in a few hundred would wait for.
    """
    gc.collect()
    gc.freeze()


def _dress_logs(redactor: Redactor, *, as_json: bool) -> None:
    """Clean and format what this process logs; granian has handlers of its own."""
    known = [logging.getLogger(name) for name in ("", "granian", "granian.access")]
    for handler in {one for logger in known for one in logger.handlers}:
        handler.addFilter(RedactingFilter(redactor))
        if as_json:
            handler.setFormatter(formatter(as_json=True))


def _follow_parent() -> None:
    """End this worker when the process that started it is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
