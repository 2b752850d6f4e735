"""No secret leaves by an answer, an error or a log line."""

from __future__ import annotations

import logging

import pytest
from entrepot_web.api.registry import RESOURCES

SECRET = "s3cr3t-value-that-must-stay"


@pytest.fixture
def database_kind() -> str:
    """One database: nothing here depends on which."""
    return "sqlite"


def test_no_answer_and_no_log_line_shows_a_secret(
    web, tenant, books, store, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    machine = web.machine(tenant)
    made = machine(
        "POST", "/credentials", json={"name": "bot", "scopes": ["customers:read"]}
    ).json
    secrets = {SECRET, made["client_secret"], web.password, machine.token}
    caplog.clear()
    machine(
        "POST",
        "/connections",
        json={"plugin": "desk", "name": "x", "values": {"api_key": SECRET}},
    )
    machine("POST", "/connections", json={"plugin": SECRET, "name": "", "values": 1})
    seen = []
    for resource in RESOURCES:
        for method, rule, declared in resource.operations:
            if method == "GET" and declared.permission and "<" not in rule:
                seen.append(machine(method, rule).text)
    client = web.browser(web.person(tenant))
    seen += [client.get(path).text for path in ("/", "/connections", "/plugins")]
    text = "\n".join([*seen, caplog.text])
    for secret in secrets - {SECRET}:
        assert secret not in text
    assert SECRET not in caplog.text


def test_stored_credentials_hold_digests_only(web, tenant, machine) -> None:
    from entrepot.hub.users.tables import CredentialRow, UserRow
    from entrepot.store import SystemScope
    from sqlalchemy import select

    made = machine(
        "POST", "/credentials", json={"name": "bot", "scopes": ["customers:read"]}
    ).json
    with web.hub.store.read(SystemScope("test")) as session:
        row = session.get(CredentialRow, made["client_id"])
        assert made["client_secret"] not in repr(vars(row))
        hashes = session.scalars(select(UserRow.password_hash)).all()
    assert all(text.startswith("$argon2id$") for text in hashes)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_open_pages_tell_nothing_of_a_reseller(web, tenant, books, path) -> None:
    answer = web.app.test_client().get(path)
    assert answer.status_code in (200, 503)
    assert tenant not in answer.text
    assert "Contoso" not in answer.text
