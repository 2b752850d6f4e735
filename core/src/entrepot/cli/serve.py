"""serve: the processes of a hub."""

from __future__ import annotations

import logging
import os
import sys
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Annotated

import structlog
import typer

from entrepot.cli.context import Cli, cli_of
from entrepot.cli.exits import CONFIG, CommandFailed
from entrepot.jobs.worker import worker_main
from entrepot.sdk.redaction import RedactingFilter, Redactor
from entrepot.store.settings import Settings
from entrepot.supervisor import Command, run
from entrepot.supervisor.logs import formatter


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("serve")(serve)


def serve(
    ctx: typer.Context,
    role: Annotated[
        Role, typer.Option(help="all: web and workers under one supervisor.")
    ] = Role.ALL,
    workers: Annotated[
        int, typer.Option(help="Worker processes; 0 takes the setting.")
    ] = 0,
) -> None:
    """Start the hub and stay until it is stopped."""
    cli = cli_of(ctx)
    cli.hub.close()
    log_to_stderr(cli.settings, cli.bare_hub.redactor)
    if role is Role.WORKER:
        raise typer.Exit(worker_main(cli.bare_hub))
    if role is Role.WEB:
        web_main(cli)
        return
    raise typer.Exit(run(commands(cli, workers)))


def log_to_stderr(settings: Settings, redactor: Redactor) -> None:
    """Log everything from a level up, without any secret that the hub handed out."""
    logging.basicConfig(level=settings.log_level)
    # On the handlers: a logger's own filter does not see what its children log.
    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactingFilter(redactor))
        handler.setFormatter(formatter(as_json=settings.log_json))
    rendered = (
        structlog.stdlib.render_to_log_kwargs
        if settings.log_json
        else structlog.processors.KeyValueRenderer(key_order=["event"])
    )
    structlog.configure(
        processors=[structlog.processors.format_exc_info, rendered],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def commands(cli: Cli, workers: int = 0) -> list[Command]:
    """The processes of one hub on this machine, workers first."""
    wanted = workers or cli.settings.worker_processes
    if cli.settings.database_kind == "sqlite":
        wanted = 1
    own = [sys.executable, "-m", "entrepot.cli"]
    if cli.config is not None:
        own += ["--config", str(cli.config)]
    processes = [
        Command(name=f"worker-{number + 1}", argv=[*own, "serve", "--role", "worker"])
        for number in range(wanted)
    ]
    return [*processes, Command(name="web", argv=[*own, "serve", "--role", "web"])]


def web_main(cli: Cli) -> None:
    """Run the web server of this process.

    Raises:
        CommandFailed: No web application is installed.
    """
    found = list(entry_points(group="entrepot.web"))
    if not found:
        raise CommandFailed(
            CONFIG,
            "No web application is installed.",
            "Install the distribution entrepot-web.",
            "no_web",
        )
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    found[0].load()(cli.settings)
