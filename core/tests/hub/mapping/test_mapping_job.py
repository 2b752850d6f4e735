from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from entrepot.hub.mapping.jobs import JOB, register, suggest_mappings
from entrepot.jobs.registry import JobRegistry


class Context:
    """A job context that runs steps at once and keeps what they gave as JSON."""

    def __init__(self, service: Any, tenant_id: str) -> None:
        self.hub = SimpleNamespace(mapping=service)
        self.tenant_id = tenant_id
        self.told: list[tuple[int, int]] = []

    def step(self, function: Any, *args: Any, name: str) -> Any:
        return json.loads(json.dumps(function(*args)))

    def progress(self, *, done: int, total: int, phase: str) -> None:
        self.told.append((done, total))


def test_job_is_registered_under_its_name():
    registry = JobRegistry()
    register(registry)
    assert JOB in registry


def test_job_matches_against_every_psa_and_adds_up(books):
    books.account("Acme Ltd")
    books.company("Acme Ltd", "1")
    second = books.connection("Second PSA", "psa")
    first, books.psa = books.psa, second
    books.company("Acme Limited", "1")
    books.psa = first
    context = Context(books.service, books.tenant)
    assert suggest_mappings(context)["suggested"] == 2
    assert context.told == [(1, 2), (2, 2)]
    assert suggest_mappings(context, first)["suggested"] == 0
