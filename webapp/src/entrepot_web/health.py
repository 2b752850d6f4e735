"""Whether the process lives, whether it can work, and what it counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from entrepot.hub.sync.tables import SyncRun
from entrepot.jobs.tables import JobRun, WorkerLease
from entrepot.store.migrations.run import is_current
from entrepot.store.scope import SystemScope
from flask import Blueprint, Flask, Response, jsonify, request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from entrepot.app import Hub

WORKER_SILENCE = timedelta(seconds=90)


def install_health(app: Flask, hub: Hub) -> None:
    """Register ``/healthz``, ``/readyz`` and ``/metrics``."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def readyz() -> tuple[Response, int]:
        checks = ready(hub)
        good = all(checks[name] == "ok" for name in ("database", "schema"))
        return jsonify(status="ok" if good else "not ready", checks=checks), (
            200 if good else 503
        )

    @routes.get("/metrics")
    def metrics() -> Response:
        if request.headers.get("X-Forwarded-For"):
            return Response("Metrics are served to the local network only.\n", 403)
        return Response(collect(hub), mimetype=CONTENT_TYPE_LATEST)

    app.register_blueprint(routes)


def ready(hub: Hub) -> dict[str, str]:
    """Return the state of the database, its schema and the workers.

    A worker that is silent is reported but doesn't make web processes unready:
    they still answer, and refusing them would turn one fault into two.
    """
    checks = {"database": "unreachable", "schema": "unknown", "worker": "unknown"}
    try:
        with hub.store.read(SystemScope("readiness")) as session:
            session.execute(select(1))
            checks["database"] = "ok"
            checks["worker"] = _worker(session, hub.clock.now())
        current = is_current(hub.store.engine)
        checks["schema"] = "ok" if current else "outdated: run entrepot db upgrade"
    except SQLAlchemyError as error:
        checks["schema"] = f"unreadable: {type(error).__name__}"
    return checks


def _worker(session: Session, now: datetime) -> str:
    last = session.scalar(select(func.max(WorkerLease.heartbeat_at)))
    if last is None:
        return "none has started"
    return "ok" if last > now - WORKER_SILENCE else f"silent since {last.isoformat()}"


def collect(hub: Hub) -> bytes:
    """Return the metrics text.

    All figures come from the database, so every web process reports the same.
    """
    registry = CollectorRegistry()
    with hub.store.read(SystemScope("metrics")) as session:
        _gauge(
            registry,
            "entrepot_job_runs_active",
            "Runs that have not ended, by job and state.",
            ("job", "state"),
            session.execute(
                select(JobRun.kind, JobRun.state, func.count())
                .where(JobRun.ended_at.is_(None))
                .group_by(JobRun.kind, JobRun.state)
            ).all(),
        )
        _gauge(
            registry,
            "entrepot_sync_runs",
            "Sync runs kept, by result.",
            ("state",),
            session.execute(
                select(SyncRun.state, func.count()).group_by(SyncRun.state)
            ).all(),
        )
        _gauge(
            registry,
            "entrepot_workers",
            "Worker processes with a lease.",
            (),
            [(session.scalar(select(func.count()).select_from(WorkerLease)) or 0,)],
        )
    return generate_latest(registry)


def _gauge(
    registry: CollectorRegistry,
    name: str,
    text: str,
    labels: tuple[str, ...],
    rows: Any,  # noqa: ANN401 - rows of any select
) -> None:
    gauge = Gauge(name, text, labels, registry=registry)
    for row in rows:
        *names, value = row
        (gauge.labels(*names) if labels else gauge).set(value)
