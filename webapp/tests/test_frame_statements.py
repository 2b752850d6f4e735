"""What a page asks the database: the frame little, and anew on every request."""

from __future__ import annotations

import re

import pytest
from entrepot.store import operator_actor
from sqlalchemy import Engine, event

FRAME = re.compile(
    r"FROM (app_user JOIN app_session|app_\w+|tenant|preference"
    r"|connection|connection_secret)\b"
)
"""What surrounds every page: who comes, their choices, the state of the sources."""

MOST = {
    "/customers": 6,
    "/customers?q=ts": 6,
    "/customers?q=contoso&state=active": 6,
    "/customers?country=NO": 6,
    "/customers?country=NO&q=ex&sort=-name": 6,
    "/customers?sort=-orders": 6,
    "/subscriptions": 6,
    "/connections": 6,
    "/settings/credentials": 4,
    "/": 16,
}
"""Most statements of a page; lower them whenever a page asks less."""


@pytest.fixture
def asked(browser, monkeypatch):
    """Return the statements of a page that isn't seen for the first time."""
    # What is kept for seconds would be asked again where the machine is slow.
    monkeypatch.setattr("entrepot_web.freshness._KEPT_SECONDS", 3600.0)
    found: list[str] = []

    def note(_connection, _cursor, statement, *_) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN", "SET ")):
            found.append(" ".join(statement.split()))

    def ask(path: str) -> list[str]:
        assert browser.get(path).status_code == 200, path
        found.clear()
        assert browser.get(path).status_code == 200, path
        return list(found)

    event.listen(Engine, "before_cursor_execute", note)
    yield ask
    event.remove(Engine, "before_cursor_execute", note)


def test_pages_ask_little_and_their_frame_three_statements(books, asked) -> None:
    for path, most in MOST.items():
        told = asked(path)
        assert len(told) <= most, (path, told)
    for path in ("/customers", "/subscriptions"):
        frame = [one for one in asked(path) if FRAME.search(one)]
        assert len(frame) == 3, (path, frame)
    assert len(asked("/session")) == 1


def test_what_the_frame_reads_is_true_at_the_next_request(web, tenant, clock) -> None:
    above, user = operator_actor(), web.person(tenant, name="Ana Silva")
    web.person(tenant, name="Bo Chen")
    client, other = web.browser(user), web.browser(user)
    assert client.get("/settings/users").status_code == 200
    web.hub.users.grant_role(above, user.id, tenant, "viewer")
    assert client.get("/settings/users").status_code == 403
    web.hub.users.grant_role(above, user.id, tenant, "owner")
    assert client.get("/settings/users").status_code == 200

    web.hub.tenants.suspend(above, tenant, "unpaid")
    assert client.get("/customers").status_code == 403
    web.hub.tenants.resume(above, tenant, "paid")
    assert client.get("/customers").status_code == 200

    owner = web.hub.users.actor_for(user, tenant)
    web.hub.factors.demand(owner, demanded=True)
    assert client.get("/customers").status_code == 302
    web.hub.factors.demand(owner, demanded=False)
    assert client.get("/customers").status_code == 200

    for session in web.hub.sessions.list_sessions(owner):
        assert web.hub.sessions.end(owner, session.id)
    assert client.get("/customers").status_code == 302
    assert other.get("/session").status_code == 401

    again = web.browser(user)
    web.hub.users.set_active(above, user.id, active=False)
    assert again.get("/customers").status_code == 302


def test_a_session_is_worth_nothing_for_another_person(web, tenant) -> None:
    ana, bo = web.person(tenant), web.person(tenant, name="Bo Chen")
    web.browser(ana)
    actor = web.hub.users.actor_for(ana, tenant)
    (session,) = web.hub.sessions.list_sessions(actor)
    mine = web.hub.users.find_sign_in(email=ana.email).session_id
    theirs = web.hub.users.find_sign_in(email=bo.email).session_id
    come = web.hub.sessions.arrive(mine, session.id)
    assert come.person.user == web.hub.users.find_user(ana.id)
    assert [(one.tenant_id, one.open) for one in come.places.values()] == [
        (tenant, True)
    ]
    assert web.hub.sessions.arrive(theirs, session.id) is None
    assert web.hub.sessions.arrive(mine, "") is None
    assert web.hub.sessions.arrive("", "") is None
