"""`entrepot init`, `serve` and `demo` as processes: they start, answer and end."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.heavy


def answer(url: str) -> int:
    try:
        return requests.get(url, timeout=2).status_code
    except requests.RequestException:
        return 0


def test_hub_on_sqlite_serves_until_it_is_told_to_stop(operator, free_port, eventually):
    place = {
        "ENTREPOT_DATA_DIR": str(operator.folder / "hub"),
        "ENTREPOT_BIND_PORT": str(free_port),
        "ENTREPOT_WEB_PROCESSES": "1",
    }
    code, said = operator.run(
        "init", "--reseller", "Acme", "--email", "you@acme.example", **place
    )
    assert (code, "Sign in as you@acme.example" in said) == (0, True), said
    hub = operator.start("serve", **place)
    root = f"http://127.0.0.1:{free_port}"
    eventually(lambda: answer(f"{root}/readyz") == 200, 120, lambda: operator.said(hub))
    assert answer(f"{root}/healthz") == 200
    assert len(operator.family()) >= 3, "supervisor, worker, web server"
    # The lock proves that one worker exists; a second one on the file refuses.
    eventually(lambda: "worker" in str(operator.family()), 60)
    code, said = operator.run("serve", "--role", "worker", **place)
    assert code == 5, said
    assert "exactly one worker" in " ".join(said.split()), said
    assert "Traceback" not in said
    assert answer(f"{root}/readyz") == 200, "the first one goes on"
    hub.send_signal(signal.SIGTERM)
    assert hub.wait(40) == 0, operator.said(hub)
    eventually(lambda: not operator.family(), 5, operator.family)
    code, said = operator.run("audit", "verify", **place)
    assert code == 0, said


def test_worker_ends_when_its_supervisor_is_killed(operator, free_port, eventually):
    place = {
        "ENTREPOT_DATA_DIR": str(operator.folder / "hub"),
        "ENTREPOT_BIND_PORT": str(free_port),
        "ENTREPOT_WEB_PROCESSES": "1",
    }
    assert operator.run("init", "--reseller", "Acme", **place)[0] == 0
    hub = operator.start("serve", **place)
    eventually(lambda: answer(f"http://127.0.0.1:{free_port}/readyz") == 200, 120)
    hub.kill()
    hub.wait()
    eventually(lambda: not operator.family(), 40, operator.family)


def test_demo_ends_by_itself_after_the_first_comparison(operator, eventually):
    demo = operator.start("demo", "--once", "--scale", "0.05", "--folder", "here")
    assert demo.wait(300) == 0, operator.said(demo)
    said = operator.said(demo)
    assert "Console: http://127.0.0.1:" in said
    assert "under-billed" in said, said
    eventually(lambda: not operator.family(), 5, operator.family)
    _one_set_of_books(operator)


def _one_set_of_books(operator) -> None:
    """Four vendors and the PSA: one list of each kind, one comparison over all."""

    def told(*arguments: str) -> list[dict[str, Any]]:
        settings = str(operator.folder / "here" / "entrepot.toml")
        code, said = operator.run("--config", settings, "--json", *arguments)
        assert code == 0, said
        return json.loads(said)

    vendors = {one["id"] for one in told("connections", "list") if one["kind"] != "psa"}
    assert len(vendors) == 4
    listed = told("subscriptions", "--limit", "500")
    assert {one["connection_id"] for one in listed} == vendors
    assert len({tuple(sorted(one)) for one in listed}) == 1, "the same columns for all"
    shared = [one for one in told("customers") if set(one["connections"]) == vendors]
    assert shared, "a customer of all four is one customer"
    mapped = told("map", "list", "customers", "--limit", "500")
    assert {one["connection_id"] for one in mapped} == vendors
    assert all(one["mapping"]["evidence"] for one in mapped)
    run = next(one for one in told("reconcile", "runs") if one["cause"] == "demo")
    read = {name.partition("/")[0] for name in run["input_versions"]}
    assert read > vendors, "the vendors', and the PSA's"


def test_interrupted_demo_leaves_nothing_running(operator, eventually):
    demo = operator.start("demo", "--scale", "0.05", "--folder", "here")
    eventually(
        lambda: "Reading both sides" in operator.said(demo),
        90,
        lambda: operator.said(demo),
    )
    assert len(operator.family()) >= 5, operator.family()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0, operator.said(demo)
    eventually(lambda: not operator.family(), 5, operator.family)
