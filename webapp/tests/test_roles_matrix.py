"""A role sees and can call only what it may: every route, as every role."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from entrepot.store.actor import ALL_PERMISSIONS, Actor
from entrepot_web.security import matrix
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
CHOICE = re.compile(r"<any\((\w+)[^)]*\):\w+>")
PARAMETER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")
LINK = re.compile(r'<a\b[^>]*\bhref="(/[^"#]*)"')
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
SENDS = re.compile(r'<button\b(?![^>]*type="button")')
ACTION = re.compile(r'\baction="(/[^"#]*)"')
ENDS_SESSION = {"security.logout", "security.login"}


@pytest.fixture
def database_kind() -> str:
    """Permissions are decided before any database is asked."""
    return "sqlite"


@pytest.fixture
def app(web):
    """The application; forged forms are tested elsewhere."""
    web.app.config["WTF_CSRF_ENABLED"] = False
    return web.app


def filled(rule: str, known: dict[str, str] | None = None) -> str:
    plain = CHOICE.sub(lambda found: found[1], rule)
    return PARAMETER.sub(
        lambda found: (known or {}).get(found[1], {"code": "en"}.get(found[1], "x_0")),
        plain,
    )


def client_of(web, tenant: str, role: str):
    if role == matrix.OPERATOR:
        user = web.hub.users.create_user(
            web.above(),
            email="above@example.com",
            name="Op",
            password=web.password,
            tenant_id=tenant,
            role="viewer",
            operator=True,
        )
        return web.browser(user)
    return web.browser(web.person(tenant, role))


def token_of(web, tenant: str, permissions: frozenset[str]) -> str:
    """Return the token of a machine with what a role holds."""
    maker = Actor("tests", "user", tenant, "Tests", ALL_PERMISSIONS)
    return str(web.token_for(maker, tuple(sorted(permissions))))


def test_page_about_permissions_is_in_step(app) -> None:
    assert PAGE.read_text() == matrix.page(app), (
        "Write it anew: python -m entrepot_web.security.matrix > docs/permissions.md"
    )


def test_every_page_answers_every_role_as_declared(web, app, tenant, books) -> None:
    # Only what decides after it has found its object needs a real one.
    known = {"customer_id": books.customers[0]}
    pages = [one for one in matrix.routes(app) if not one.for_machines]
    assert len(pages) > 90
    nobody, wrong = app.test_client(), []
    for route in pages:
        if route.needs == matrix.ANYBODY:
            continue
        answer = nobody.open(filled(route.rule), method=route.method)
        if not answer.headers.get("Location", "").startswith("/login?next="):
            wrong.append(("nobody", route, answer.status_code))
    for role, held in matrix.role_permissions().items():
        client = client_of(web, tenant, role)
        for route in pages:
            if route.endpoint in ENDS_SESSION or route.needs == matrix.ANYBODY:
                continue
            late = (route.endpoint, route.method) in matrix.STRICTER
            path = filled(route.rule, known if late else None)
            # A file that nobody reads to its end would leave its request open.
            answer = client.open(path, method=route.method, buffered=True)
            refused = answer.status_code == 403
            if refused is route.open_to(held) or answer.status_code >= 500:
                wrong.append((role, route, answer.status_code))
        assert client.get("/session").status_code == 200, role
    assert not wrong, "\n".join(str(one) for one in wrong)


def test_pages_offer_a_reader_nothing_that_is_refused(web, app, tenant, books) -> None:
    pages = [one for one in matrix.routes(app) if not one.for_machines]
    held = matrix.role_permissions()["viewer"]
    client = client_of(web, tenant, "viewer")
    known = {
        "customer_id": books.customers[0],
        "subscription_id": books.subscriptions[0],
        "connection_id": books.vendor,
        "run_id": books.run,
    }
    wrong, seen = [], 0
    for route in pages:
        if route.method != "GET" or not route.open_to(held):
            continue
        answer = client.get(filled(route.rule, known), buffered=True)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            seen += 1
            wrong += [(route.rule, one) for one in refused(app, answer.text, pages)]
    assert seen > 20
    assert not wrong, "\n".join(str(one) for one in wrong)


def refused(app, html: str, pages) -> list[str]:
    """Return links and forms of a page that a reader couldn't use."""
    held = matrix.role_permissions()["viewer"]
    known = {(one.endpoint, one.method): one for one in pages}
    routing, found = app.url_map.bind("localhost"), []
    wanted = {(path, "GET") for path in LINK.findall(html)}
    for head, body in FORM.findall(html):
        action = ACTION.search(head)
        if action and 'method="post"' in head and SENDS.search(body):
            wanted.add((action[1], "POST"))
    for path, method in wanted:
        plain = path.partition("?")[0]
        try:
            endpoint, _ = routing.match(plain, method)
        except (HTTPException, RequestRedirect):
            found.append(f"{method} {plain}: nothing is there")
            continue
        route = known.get((endpoint, method))
        if route is not None and not route.open_to(held):
            found.append(f"{method} {plain}: needs {route.needs}")
    return found


def test_every_operation_answers_every_role_as_declared(web, app, tenant) -> None:
    operations = [one for one in matrix.routes(app) if one.for_machines]
    assert len(operations) > 80
    client, wrong = app.test_client(), []
    for route in operations:
        if route.needs == matrix.ANYBODY:
            continue
        answer = client.open(filled(route.rule), method=route.method)
        assert answer.status_code == 401, route
    for role, held in matrix.role_permissions().items():
        headers = {"Authorization": f"Bearer {token_of(web, tenant, held)}"}
        for route in operations:
            answer = client.open(
                filled(route.rule), method=route.method, headers=headers
            )
            refused = answer.status_code in (401, 403)
            if refused is route.open_to(held) or answer.status_code >= 500:
                wrong.append((role, route, answer.status_code))
    assert not wrong, "\n".join(str(one) for one in wrong)
