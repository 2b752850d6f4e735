"""Signing in: passwords, lock-out, forgery, cookies, headers."""

from __future__ import annotations

import pytest
from entrepot.hub.users.rules import UserInvalid
from entrepot.store import operator_actor


@pytest.fixture
def database_kind() -> str:
    """One database: nothing here depends on which."""
    return "sqlite"


def test_right_password_signs_in_and_the_start_page_opens(web, tenant) -> None:
    user = web.person(tenant)
    client = web.browser(user)
    assert client.get("/").status_code == 200
    assert client.get("/session").status_code == 200
    assert web.hub.users.find_user(user.id).last_login_at is not None


def test_wrong_password_and_unknown_address_read_alike(web, tenant) -> None:
    user = web.person(tenant)
    texts = []
    for email in (user.email, "nobody@example.com"):
        client = web.browser()
        answer = web.sign_in(client, email, "not the right phrase")
        assert answer.status_code == 200
        texts.append(
            web.without_tokens(answer.text).replace(f'value="{email}"', 'value=""')
        )
    assert texts[0] == texts[1]
    assert "isn't right" in texts[0]


def test_repeated_failures_lock_the_account_even_for_the_right_password(
    web, tenant
) -> None:
    user = web.person(tenant)
    client = web.browser()
    statuses = [
        web.sign_in(client, user.email, f"wrong phrase {n}").status_code
        for n in range(9)
    ]
    assert statuses[:8] == [200] * 8
    assert statuses[8] == 429
    refused = web.sign_in(client, user.email)
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers


def test_signing_in_without_the_form_token_is_refused(web, tenant) -> None:
    user = web.person(tenant)
    fields = {"email": user.email, "password": web.password}
    assert web.browser().post("/login", data=fields).status_code == 400


def test_every_post_of_the_console_demands_a_token(browser, web, books) -> None:
    tried = 0
    for rule in web.app.url_map.iter_rules():
        if rule.endpoint.startswith("console_") and "POST" in (rule.methods or ()):
            path = rule.rule.replace("<connection_id>", books.vendor)
            path = path.replace("<customer_id>", books.customers[0])
            path = path.replace("<run_id>", books.run)
            if "<" in path:
                continue
            assert browser.post(path, data={}).status_code == 400, path
            tried += 1
    assert tried >= 8


def test_session_ends_with_sign_out_and_with_a_new_password(web, tenant) -> None:
    user = web.person(tenant)
    client = web.browser(user)
    token = web.csrf_token(client.get("/").text)
    assert client.post("/logout", data={"csrf_token": token}).status_code == 302
    assert client.get("/session").status_code == 401
    other = web.browser(user)
    web.hub.users.set_password(operator_actor(), user.id, "another long phrase")
    assert other.get("/session").status_code == 401


def test_locked_out_person_loses_the_session_at_once(web, tenant) -> None:
    user = web.person(tenant)
    client = web.browser(user)
    web.hub.users.set_active(operator_actor(), user.id, active=False)
    assert client.get("/").status_code == 302
    assert web.sign_in(web.browser(), user.email).status_code == 200


def test_cookie_and_headers_are_safe(web, tenant) -> None:
    user = web.person(tenant)
    client = web.browser()
    answer = web.sign_in(client, user.email)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
    }.items():
        assert client.get("/").headers[name] == value


def test_next_never_leads_to_another_host(web, tenant) -> None:
    user = web.person(tenant)
    client = web.browser()
    token = web.csrf_token(client.get("/login").text)
    fields = {"email": user.email, "password": web.password, "csrf_token": token}
    answer = client.post("/login?next=https://evil.example/", data=fields)
    assert "evil" not in answer.headers.get("Location", "")


def test_preferences_change_the_colours_and_stay_on_this_host(web, tenant) -> None:
    user = web.person(tenant)
    client = web.browser(user)
    token = web.csrf_token(client.get("/").text)
    fields = {"theme": "dark", "back": "//evil.example", "csrf_token": token}
    answer = client.post("/preferences", data=fields)
    assert answer.headers["Location"] == "/"
    assert 'data-theme="dark"' in client.get("/").text


def test_person_without_a_role_gets_nowhere(web, tenant) -> None:
    user = web.hub.users.create_user(
        operator_actor(), email="x@example.com", name="X", password=web.password
    )
    client = web.browser(user)
    assert client.get("/").status_code == 403


@pytest.mark.parametrize(
    ("password", "email"),
    [("short", "a@example.com"), ("longname and more", "longname@example.com")],
)
def test_weak_passwords_are_refused_with_a_remedy(web, password, email) -> None:
    with pytest.raises(UserInvalid, match="password"):
        web.hub.users.create_user(
            operator_actor(), email=email, name="A", password=password
        )


def test_hashes_are_costly_outside_of_tests(hashing) -> None:
    """OWASP's password storage cheat sheet: 19 MiB and two passes at least."""
    passes, kibibytes, *_ = hashing
    assert passes >= 2
    assert kibibytes >= 19 * 1024
