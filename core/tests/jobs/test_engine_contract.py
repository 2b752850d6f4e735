"""What we use of the engine exists and behaves; what it stores is plain and quiet."""

import inspect
import json
import re
from datetime import timedelta
from pathlib import Path

import dbos
import entrepot.hub.tables
import pytest
from dbos import DBOS, DBOSClient, DBOSConfig, error
from entrepot.jobs import Jobs, RunConflict, retention
from entrepot.jobs import engine as our_engine
from entrepot.store import Base, Store
from entrepot.store.clock import SystemClock
from sqlalchemy import inspect as inspect_tables
from sqlalchemy import text

SOURCES = Path(our_engine.__file__).parents[1]


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (DBOS, "launch", []),
        (DBOS, "destroy", ["destroy_registry", "workflow_completion_timeout_sec"]),
        (DBOS, "migrate", ["system_database_url", "application_role"]),
        (DBOS, "listen_queues", ["queues"]),
        (
            DBOS,
            "register_queue",
            [
                "name",
                "worker_concurrency",
                "partition_concurrency",
                "polling_interval_sec",
                "on_conflict",
            ],
        ),
        (DBOS, "workflow", ["name", "max_recovery_attempts"]),
        (DBOS, "run_step", ["dbos_step_options", "func"]),
        (DBOS, "patch", ["patch_name"]),
        (DBOS, "_recover_pending_workflows", ["executor_ids"]),
        (DBOSClient, "enqueue_in_transaction", ["conn_or_session", "options"]),
        (DBOSClient, "cancel_workflow", ["workflow_id"]),
        (
            DBOSClient,
            "rewind_workflow",
            ["workflow_id", "start_step", "queue_name", "queue_partition_key"],
        ),
        (DBOSClient, "list_workflow_steps", ["workflow_id", "load_output"]),
        (
            DBOSClient,
            "list_workflows",
            ["workflow_ids", "status", "completed_before", "limit", "load_input"],
        ),
        (DBOSClient, "delete_workflows", ["workflow_ids"]),
        (DBOSClient, "destroy", []),
        (
            DBOSClient,
            "__init__",
            [
                "system_database_engine",
                "serializer",
                "application_name",
                "lazy",
                "retry_connection_errors",
            ],
        ),
    ],
)
def test_engine_function_takes_what_we_pass(owner, name, parameters):
    known = inspect.signature(getattr(owner, name)).parameters
    assert [item for item in parameters if item not in known] == []


def test_engine_settings_errors_and_words_are_known(settings, jobs):
    executor = our_engine.EngineExecutor(settings, jobs.store.engine, "me")
    assert set(executor._config()) <= set(DBOSConfig.__annotations__)
    words = {item.value for item in dbos.WorkflowStatusString}
    assert {our_engine.PENDING, *our_engine.ENDED} <= words
    assert words - {"ENQUEUED", "DELAYED", "PENDING"} == set(our_engine.ENDED)
    # What must pass a job's own `except Exception`:
    for stopped in our_engine.EngineStopped:
        assert not issubclass(stopped, Exception)
    assert issubclass(error.DBOSUnexpectedStepError, Exception)


def test_proprietary_settings_are_never_used():
    banned = re.compile(
        r"conductor|transact_enterprise_key|auto_upgrade|sharding|dbos\[enterprise"
    )
    texts = {path: path.read_text() for path in SOURCES.rglob("*.py")}
    assert [path for path, text_ in texts.items() if banned.search(text_)] == []
    users = {
        path.name
        for path, t in texts.items()
        if re.search(r"^\s*(from|import) dbos", t, re.M)
    }
    assert users == {"engine.py"}


def test_only_submit_may_reach_the_engine_inside_a_unit():
    """Every public call of the client but `enqueue` asks for the guard first."""
    source = inspect.getsource(our_engine.EngineClient)
    methods = re.split(r"\n    def ", source)[1:]
    unguarded = {
        body.split("(")[0]
        for body in methods
        if not body.startswith("_") and "refuse_inside_unit(" not in body
    }
    assert unguarded == {"enqueue", "close"}


def test_our_tables_keep_clear_of_the_engine_s(store):
    assert entrepot.hub.tables is not None
    ours = set(Base.metadata.tables)
    schema = None if store.dialect == "sqlite" else "dbos"
    theirs = set(inspect_tables(store.engine).get_table_names(schema=schema)) - ours
    assert {"workflow_status", "operation_outputs", "queues"} <= theirs
    banned = re.compile(
        r"notifications|queues|streams|application_versions|operation_outputs|"
        r"workflow_.*|dbos_.*|datasource_outputs"
    )
    assert [name for name in ours if banned.fullmatch(name)] == []


def test_stored_rows_are_json_and_hold_no_secret(
    store, start_worker, submit, wait_for, book
):
    start_worker()
    submit("two_steps", "r1", args={"path": book})
    submit("fails_once", "r2", args={"path": book})
    wait_for("r1")
    wait_for("r2")
    schema = None if store.dialect == "sqlite" else "dbos"
    prefix = "" if schema is None else "dbos."
    rows: dict[str, list[dict]] = {}
    with store.engine.connect() as connection:
        for table in inspect_tables(store.engine).get_table_names(schema=schema):
            if table in Base.metadata.tables or table == "alembic_version":
                continue
            found = connection.execute(text(f"SELECT * FROM {prefix}{table}"))
            rows[table] = [dict(row._mapping) for row in found]
    assert len(rows["operation_outputs"]) == 4
    for table, column in (
        ("workflow_input", "inputs"),
        ("workflow_output", "output"),
        ("workflow_output", "error"),
        ("operation_outputs", "output"),
        ("operation_outputs", "error"),
    ):
        for row in rows[table]:
            assert row[column] is None or json.loads(row[column]) is not ...
    for row in (*rows["workflow_status"], *rows["operation_outputs"]):
        assert row["serialization"] == "portable_json"
    everything = json.dumps(rows, default=str)
    assert "r1" in everything
    for secret in ("the hub", "password", store.settings.database_url):
        assert secret not in everything


def test_start_and_run_open_no_connection_of_their_own(child, book):
    """A socket audit hook in a process that starts a worker and runs one job."""
    watched = child("watched", book)
    assert watched.wait(timeout=90) == 0, watched.log.read_text()
    assert "sockets: []" in watched.log.read_text()


def test_web_role_may_submit_under_row_level_security(
    settings, samples, tenant_scope, start_worker, wait_for, book
):
    our_engine.migrate(settings)
    web = Store(settings, SystemClock(), web=True)
    jobs = Jobs(web, samples.build_registry())
    try:
        with web.unit(tenant_scope) as session:
            jobs.submit(
                session, "two_steps", run_id="r1", args={"path": book}, partition="c"
            )
        start_worker()
        assert wait_for("r1").state == "succeeded"
        assert jobs.runs.get(tenant_scope, "r1").result == {"sum": 17}
        with web.unit(tenant_scope) as session:
            jobs.submit(
                session,
                "two_steps",
                run_id="r2",
                args={"path": book},
                partition="c",
                delay=60,
            )
        assert jobs.runs.cancel(tenant_scope, "r2").state == "cancelled"
    finally:
        jobs.close()
        web.dispose()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_old_sqlite_library_has_what_the_engine_asks_of_it(
    start_worker, submit, wait_for, monkeypatch, book
):
    """From Python 3.12 on the engine asks for `unixepoch`, which SQLite 3.40 lacks."""
    import sys
    from types import SimpleNamespace

    import dbos._sys_db

    newer = SimpleNamespace(version_info=(3, 12), maxsize=sys.maxsize)
    monkeypatch.setattr(dbos._sys_db, "sys", newer)
    start_worker()
    submit("two_steps", "r1", args={"path": book})
    assert wait_for("r1").state == "succeeded"


def test_retention_forgets_old_runs_and_keeps_young_ones(
    store, start_worker, submit, wait_for, jobs, tenant_scope, eventually, book
):
    submit("fails_once", "old", args={"path": book})
    submit("two_steps", "active", args={"path": book}, delay=3600)
    start_worker()
    wait_for("old")
    later = _Later(days=30)
    aged = Jobs(store, jobs.registry, later)
    eventually(lambda: jobs.engine.look_up(["old"])["old"].completed_ms)
    assert retention._purge_engine(aged, 14) == 1
    assert retention._purge_engine(aged, 14) == 0
    assert retention._purge_runs(aged, 400) == 0
    with pytest.raises(RunConflict, match="too old to be retried"):
        jobs.runs.retry(tenant_scope, "old")
    later.days = 500
    assert retention._purge_runs(aged, 400) == 1
    assert jobs.runs.find(tenant_scope, "old") is None
    assert jobs.runs.get(tenant_scope, "active").state == "queued"
    aged.close()


class _Later(SystemClock):
    def __init__(self, days: int) -> None:
        self.days = days

    def now(self):
        return super().now() + timedelta(days=self.days)


def test_retention_is_scheduled_and_runs_as_a_job(
    store, start_worker, wait_for, jobs, tenant_scope
):
    start_worker(with_clock=True)
    (rule,) = jobs.schedules.rules()
    assert (rule.job, rule.every_seconds) == (retention.JOB_NAME, 86_400)
    retention.ensure_schedules(jobs)
    assert jobs.schedules.version() == 1
    with store.unit(tenant_scope) as session:
        jobs.submit(session, retention.JOB_NAME, run_id="upkeep")
    assert wait_for("upkeep").result == {"engine_rows": 0, "run_rows": 0}
