"""One application behind granian: ``python -m bench.server KIND PORT URL …``.

Kinds are ``hello`` (bare Flask), ``product`` and ``peer``. All get the same server
settings; the product's own rate limit alone is lifted, since it would stop the load.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import Interfaces, Loops
from granian.server import Server

THREADS = 1


def load(kind: str, url: str, folder: str, tenant: str) -> Callable[..., Any]:
    """The application of one worker."""
    if kind == "hello":
        from bench.limits.flask_hello import create

        return create()
    if kind == "peer":
        from bench.peers import smorest

        return smorest.create(url, tenant)
    from entrepot.app import build_hub
    from entrepot_web.api import access
    from entrepot_web.app import create_app
    from entrepot_web.serving import settle_memory

    from bench.hubs import settings_of

    access.CALLS = 100_000_000
    app = create_app(build_hub(settings_of(url, Path(folder)), web=True))
    settle_memory()  # as every web process does when it starts
    return app


def main(kind: str, port: str, url: str, folder: str, tenant: str) -> None:
    """Serve until a signal comes."""
    logging.getLogger("granian").setLevel("WARNING")
    server = Server(
        "bench",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        loop=Loops.asyncio,
        websockets=False,
        log_enabled=False,
    )
    server.serve(
        target_loader=partial(_ignore_target, kind, url, folder, tenant),
        wrap_loader=False,
    )


def _ignore_target(
    kind: str, url: str, folder: str, tenant: str, *_: Any
) -> Callable[..., Any]:
    return load(kind, url, folder, tenant)


if __name__ == "__main__":
    main(*sys.argv[1:])
