"""People and credentials on their pages."""

from __future__ import annotations

import dataclasses
import re

import pytest
from entrepot.hub.mail import Mailer

BASE = "https://hub.example.com"


@pytest.fixture
def database_kind() -> str:
    """Both databases serve these services in other tests."""
    return "sqlite"


@pytest.fixture
def settings(settings, tmp_path):
    """Settings of a demo, where mails land in a folder."""
    return dataclasses.replace(
        settings,
        public_base_url=BASE.replace("https", "http"),
        mail_folder=tmp_path / "mails",
        environment="demo",
    )


def send(client, web, page: str, path: str = "", **fields):
    token = web.csrf_token(client.get(page).text)
    return client.post(path or page, data={"csrf_token": token, **fields})


def test_invited_person_gets_a_link_that_works_once(browser, web, settings) -> None:
    page = "/settings/users"
    done = send(browser, web, page, name="Lee", email="lee@example.com", role="support")
    assert done.status_code == 303, done.text
    mail = Mailer(settings).kept()[0]
    assert mail.to == "lee@example.com"
    html = browser.get(page).text
    assert "Mails of this demo" in html
    assert "invites you" in html
    path = re.search(r"(/reset/\S+)", mail.text)[1]
    guest = web.app.test_client()
    word = "a phrase of my own"
    assert (
        send(guest, web, path, password=word, password_confirm=word).status_code == 302
    )
    assert web.sign_in(guest, "lee@example.com", word).status_code == 302
    assert guest.get("/settings/users").status_code == 403


def test_mail_that_cannot_be_sent_is_told(browser, web, tenant, monkeypatch) -> None:
    person = web.person(tenant, "viewer", "Bo Chen")
    page, path = "/settings/users", f"/settings/users/{person.id}"
    monkeypatch.setattr(Mailer, "send", lambda *_given: False)
    send(browser, web, page, path, do="invite")
    html = browser.get(page).text
    assert f"No mail could be sent to {person.email}" in html
    assert "is on its way" not in html
    send(browser, web, page, name="Lee", email="lee@example.com", role="viewer")
    assert "Lee is added, but no mail could be sent." in browser.get(page).text


def test_new_password_is_demanded_before_anything_else(browser, web, tenant) -> None:
    person = web.person(tenant, "support", "Bo Chen")
    mine = web.browser(person)
    assert mine.get("/customers").status_code == 200
    page, account = "/settings/users", "/account/security"
    send(browser, web, page, f"{page}/{person.id}", do="renew")
    assert "new password due" in browser.get(page).text
    assert mine.get("/customers").location == account
    assert mine.get("/", headers={"HX-Request": "true"}).status_code == 401
    assert "Choose one of your own to go on." in mine.get(account).text

    def change(password: str):
        fields = {"current_password": web.password, "password": password}
        return send(mine, web, account, "/account/password", **fields, again=password)

    assert "Choose another one than until now." in change(web.password).text
    assert change("a phrase of my own").status_code == 303
    assert mine.get("/customers").status_code == 200


def test_first_password_of_an_administrator_is_for_once(browser, web, tenant) -> None:
    page = "/settings/users"
    given = {"name": "Lee", "email": "lee@example.com", "role": "viewer"}
    send(browser, web, page, **given, password="a phrase to begin with")
    guest = web.app.test_client()
    web.sign_in(guest, "lee@example.com", "a phrase to begin with")
    assert guest.get("/").location == "/account/security"


def test_wrong_fields_are_told_beside_them(browser, web, tenant) -> None:
    page = "/settings/users"
    wrong = send(browser, web, page, name="", email="no", role="support")
    assert wrong.status_code == 422
    assert "such as ana@example.com" in wrong.text
    assert 'aria-invalid="true"' in wrong.text


def test_person_is_locked_out_and_let_in(browser, web, tenant) -> None:
    person = web.person(tenant, "viewer", "Bo Chen")
    page, path = "/settings/users", f"/settings/users/{person.id}"
    for do, active in (("lock", False), ("unlock", True)):
        assert send(browser, web, page, path, do=do).status_code == 303
        assert web.hub.users.find_user(person.id).active is active
    send(browser, web, page, path, do="role", role="manager")
    assert web.hub.users.find_user(person.id).role_at(tenant) == "manager"
    assert send(browser, web, page, path, do="nonsense").status_code == 400
    send(browser, web, page, path, do="remove")
    assert web.hub.users.find_user(person.id).roles == ()


def test_secret_is_shown_once_and_switched_off(browser, web, tenant) -> None:
    page = "/settings/credentials"
    made = send(browser, web, page, name="Billing", scope="customers:read")
    secret = re.search(r'id="secret">([^<]+)<', made.text)[1]
    assert secret not in browser.get(page).text
    found = web.hub.credentials.list_credentials(
        web.hub.users.actor_for(web.person(tenant), tenant)
    )[0]
    assert web.hub.credentials.authenticate(found.id, secret)
    assert send(browser, web, page, name="None").status_code == 422
    fresh = send(browser, web, page, f"{page}/{found.id}", do="rotate")
    assert re.search(r'id="secret">([^<]+)<', fresh.text)[1] != secret
    send(browser, web, page, f"{page}/{found.id}", do="revoke")
    assert web.hub.credentials.authenticate(found.id, secret) is None


def test_manager_looks_at_people_and_changes_none(web, tenant) -> None:
    client = web.browser(web.person(tenant, "manager"))
    html = client.get("/settings/users").text
    assert "Invite" not in html
    assert "Mails of this demo" not in html
    token = web.csrf_token(html)
    data = {"csrf_token": token, "name": "X", "email": "x@example.com", "role": "owner"}
    assert client.post("/settings/users", data=data).status_code == 403
    assert client.get("/settings/credentials").status_code == 403
