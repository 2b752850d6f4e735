"""Generated requests over the whole document: no 5xx, no undocumented answer."""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = int(os.environ.get("ENTREPOT_SCHEMATHESIS_EXAMPLES", "8"))
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def database_kind() -> str:
    """One database: the requests are about the document, not about SQL."""
    return "sqlite"


@pytest.fixture(autouse=True)
def unlimited(monkeypatch) -> None:
    monkeypatch.setattr("entrepot_web.api.access.CALLS", 100_000)
    monkeypatch.setattr("entrepot_web.api.TOKENS", "100000 per minute")


@pytest.mark.heavy
def test_every_operation_answers_generated_requests_as_documented(
    unlimited, web, tenant, books
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", web.app)
    bearer = {"Authorization": f"Bearer {web.token(tenant)}"}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        _probe(operation, bearer)
        tried += 1
    assert tried >= 60


def _probe(operation, bearer: dict[str, str]) -> None:
    @BOUNDED
    @given(case=operation.as_strategy())
    def send(case) -> None:
        answer = case.call(headers=bearer)
        case.validate_response(answer, checks=list(CHECKS))

    send()
