"""A person's own account: sessions, password, second address, second step."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta

import pyotp
import pytest
from entrepot.hub.mail import Mailer
from entrepot.hub.users.sessions import IDLE, KEPT
from entrepot.hub.users.tables import RecoveryCodeRow
from entrepot.store import SystemScope
from entrepot.store.keys import ENCRYPTION
from entrepot.store.secrets import ConnectionSecret
from sqlalchemy import select

ACCOUNT = "/account/security"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def database_kind() -> str:
    """One database; the services run on both in the tests of acting for somebody."""
    return "sqlite"


@pytest.fixture
def settings(settings, tmp_path):
    """Mails land in a folder."""
    return dataclasses.replace(
        settings, public_base_url="http://localhost", mail_folder=tmp_path / "mails"
    )


def send(client, web, path: str, **fields):
    token = web.csrf_token(client.get(ACCOUNT).text)
    return client.post(path, data={"csrf_token": token, **fields})


def ids(html: str) -> list[str]:
    return re.findall(r'name="session" value="(ses_[^"]+)"', html)


def test_sessions_are_listed_and_ended_one_by_one_and_all(web, tenant) -> None:
    user = web.person(tenant)
    here, phone, third = web.browser(), web.browser(), web.browser()
    here.environ_base["HTTP_USER_AGENT"] = FIREFOX
    phone.environ_base["HTTP_USER_AGENT"] = PHONE
    for client in (here, phone, third):
        assert web.sign_in(client, user.email).status_code == 302
    html = here.get(ACCOUNT).text
    assert "Firefox, Linux" in html
    assert "Safari, iPhone" in html
    assert html.count("this one") == 1
    assert len(ids(html)) == 2
    actor = web.hub.users.actor_for(user, tenant)
    listed = web.hub.sessions.list_sessions(actor)
    wanted = next(one.id for one in listed if "iPhone" in one.agent)
    assert send(here, web, "/account/sessions", session=wanted).status_code == 303
    assert phone.get("/session").status_code == 401
    assert phone.get("/").status_code == 302
    assert phone.get("/login").status_code == 200
    assert third.get("/session").status_code == 200
    send(here, web, "/account/sessions", session="others")
    assert third.get("/session").status_code == 401
    assert here.get("/session").status_code == 200
    stranger = web.hub.users.actor_for(web.person(tenant), tenant)
    assert not web.hub.sessions.end(stranger, listed[0].id)
    assert send(here, web, "/account/sessions", session="ses_x").status_code == 404


def test_session_ends_unused_and_later_on_a_device_that_is_kept(
    web, tenant, clock
) -> None:
    user = web.person(tenant)
    short, kept = web.browser(user), web.browser()
    token = web.csrf_token(kept.get("/login").text)
    fields = {"email": user.email, "password": web.password, "csrf_token": token}
    answer = kept.post("/login", data=fields | {"remember": "y"})
    assert "Expires=" in answer.headers["Set-Cookie"]
    assert "remember_token" not in str(answer.headers)
    clock.advance(IDLE - timedelta(hours=1))
    assert short.get("/session").status_code == 200
    clock.advance(timedelta(hours=2))
    assert short.get("/session").status_code == 200
    clock.advance(IDLE)
    assert short.get("/session").status_code == 401
    assert kept.get("/session").status_code == 200
    clock.advance(KEPT)
    assert kept.get("/session").status_code == 401


def test_password_is_changed_and_other_sessions_end(web, tenant, settings) -> None:
    user = web.person(tenant)
    here, other = web.browser(user), web.browser(user)
    path, fresh = "/account/password", "another phrase of mine"
    wrong = send(here, web, path, current_password="no", password=fresh, again=fresh)
    assert wrong.status_code == 422
    assert "isn&#39;t your password" in wrong.text
    given = {"current_password": web.password, "password": fresh}
    assert send(here, web, path, **given, again="x").status_code == 422
    assert send(here, web, path, **given, again=fresh).status_code == 303
    assert here.get("/session").status_code == 200
    assert other.get("/session").status_code == 401
    assert web.sign_in(web.browser(), user.email, fresh).status_code == 302
    assert "Your password was changed" in Mailer(settings).kept()[0].text


def test_wrong_passwords_on_the_account_page_are_limited(web, tenant) -> None:
    client = web.browser(web.person(tenant))
    token = web.csrf_token(client.get(ACCOUNT).text)
    data = {"csrf_token": token, "current": "wrong"}
    codes = [client.post("/account/confirm", data=data).status_code for _ in range(9)]
    assert codes == [422] * 8 + [429]
    right = data | {"code": "000000"}
    assert client.post("/account/password", data=right).status_code == 429


def test_mails_go_to_the_second_address_once_it_is_confirmed(
    web, tenant, settings, clock
) -> None:
    user = web.person(tenant)
    client = web.browser(user)
    path = "/account/address"
    assert send(client, web, path, notify_email="no").status_code == 422
    assert send(client, web, path, notify_email="Desk@example.com").status_code == 303
    assert web.hub.users.find_user(user.id).mail_to == user.email
    mail = Mailer(settings).kept()[0]
    assert mail.to == "desk@example.com"
    link = re.search(r"(/account/address/\S+)", mail.text)[1]
    web.browser(web.person(tenant)).get(link)
    assert web.hub.users.find_user(user.id).mail_to == user.email
    client.get(link)
    assert web.hub.users.find_user(user.id).mail_to == "desk@example.com"
    guest = web.browser()
    token = web.csrf_token(guest.get("/reset").text)
    guest.post("/reset", data={"email": user.email, "csrf_token": token})
    assert Mailer(settings).kept()[0].to == "desk@example.com"
    assert web.sign_in(web.browser(), user.email).status_code == 302
    clock.advance(timedelta(minutes=20))
    late = send(client, web, path, notify_email="")
    assert late.status_code == 303
    assert web.hub.users.find_user(user.id).notify_email == "desk@example.com"
    assert "Is it you?" in client.get(ACCOUNT).text
    sure = send(client, web, "/account/confirm", current=web.password)
    assert sure.status_code == 303
    send(client, web, path, notify_email="")
    assert web.hub.users.find_user(user.id).notify_email is None


def enrol(web, client, clock) -> tuple[pyotp.TOTP, list[str]]:
    """Turn an authenticator app on and return it with the recovery codes."""
    assert send(client, web, "/account/app", do="begin").status_code == 303
    html = client.get(ACCOUNT).text
    secret = re.search(r'id="app-secret">([^<]+)<', html)[1].replace(" ", "")
    drawn = client.get("/account/app.svg")
    assert drawn.mimetype == "image/svg+xml"
    assert b"<path" in drawn.data
    app = pyotp.TOTP(secret)
    wrong = send(client, web, "/account/app", do="confirm", code="12")
    assert wrong.status_code == 422
    code = app.at(clock.now())
    done = send(client, web, "/account/app", do="confirm", code=code)
    assert done.status_code == 200, done.text
    codes = re.findall(r"<li>([a-z0-9-]{19})</li>", done.text)
    assert len(codes) == 10
    assert client.get("/account/app.svg").status_code == 404
    return app, codes


def answer_step(web, client, code: str):
    token = web.csrf_token(client.get("/login/second").text)
    data = {"csrf_token": token, "code": code, "next": "/customers"}
    return client.post("/login/second", data=data)


def test_second_step_is_asked_and_no_code_works_twice(web, tenant, clock) -> None:
    user = web.person(tenant)
    app, codes = enrol(web, web.browser(user), clock)
    client = web.browser(user)
    assert client.get("/session").status_code == 401
    for path in ("/", "/customers", ACCOUNT):
        assert "/login/second" in client.get(path).headers["Location"], path
    clock.advance(timedelta(minutes=1))
    code = app.at(clock.now())
    assert answer_step(web, client, "000000").status_code == 422
    right = answer_step(web, client, code)
    assert right.headers["Location"] == "/customers"
    assert client.get("/customers").status_code == 200
    other = web.browser(user)
    assert answer_step(web, other, code).status_code == 422
    assert answer_step(web, other, codes[0].upper()).status_code == 302
    third = web.browser(user)
    assert answer_step(web, third, codes[0]).status_code == 422
    assert "9 recovery codes" in other.get(ACCOUNT).text
    evil = third.get("/login/second?next=//evil.example").text
    assert 'name="next" value="/"' in evil


def test_guesses_of_the_second_step_are_limited(web, tenant, clock) -> None:
    user = web.person(tenant)
    _, codes = enrol(web, web.browser(user), clock)
    client = web.browser(user)
    token = web.csrf_token(client.get("/login/second").text)
    data = {"csrf_token": token, "code": "123"}
    tried = [client.post("/login/second", data=data).status_code for _ in range(8)]
    assert tried[-1] == 429
    # The right one, from another browser, waits as well.
    assert answer_step(web, web.browser(user), codes[0]).status_code == 429


def test_app_is_removed_by_its_person_or_reset_by_an_owner(
    web, tenant, clock, other_tenant
) -> None:
    user = web.person(tenant, "viewer", "Bo Chen")
    client = web.browser(user)
    _, codes = enrol(web, client, clock)
    fresh = send(client, web, "/account/app", do="codes").text
    assert codes[0] not in fresh
    assert fresh.count("-") > codes[0].count("-")
    assert send(client, web, "/account/app", do="begin").status_code == 422
    send(client, web, "/account/app", do="remove")
    assert not web.hub.factors.of(user.id).any
    enrol(web, client, clock)
    owner = web.browser(web.person(tenant))
    stranger = web.hub.users.actor_for(web.person(other_tenant), other_tenant)
    with pytest.raises(ValueError, match="operator"):
        web.hub.factors.reset(stranger, user.id)
    token = web.csrf_token(owner.get("/settings/users").text)
    path = f"/settings/users/{user.id}"
    owner.post(path, data={"csrf_token": token, "do": "factors"})
    assert not web.hub.factors.of(user.id).any


def test_owner_demands_a_second_step_of_everybody(web, tenant, clock) -> None:
    owner, viewer = web.person(tenant), web.person(tenant, "viewer")
    boss = web.browser(owner)
    token = web.csrf_token(boss.get("/settings/users").text)
    data = {"csrf_token": token, "second_factor": "on"}
    boss.post("/settings/sign-in", data=data)
    client = web.browser(viewer)
    for page in ("/", "/customers"):
        assert client.get(page).headers["Location"] == ACCOUNT
    assert "demands a second step" in client.get(ACCOUNT).text
    refused = client.post("/settings/sign-in", data=data)
    assert refused.status_code in (302, 400, 403)
    enrol(web, client, clock)
    assert client.get("/customers").status_code == 200


def test_secret_of_an_app_lies_sealed(web, tenant, clock) -> None:
    user = web.person(tenant)
    app, codes = enrol(web, web.browser(user), clock)
    query = select(ConnectionSecret).where(ConnectionSecret.connection_id == user.id)
    with web.hub.store.read(SystemScope("tests")) as session:
        row = session.scalars(query).one()
        assert app.secret not in row.ciphertext
        assert row.key_id == web.hub.keyring.current(ENCRYPTION).id
        stored = session.scalars(select(RecoveryCodeRow.digest)).all()
    assert len(stored) == len(codes)
    assert not set(stored) & set(codes)
