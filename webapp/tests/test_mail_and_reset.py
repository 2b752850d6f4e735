"""Mails, passwords reset by mail, and whose forwarding headers are believed."""

from __future__ import annotations

import dataclasses
import re

import pytest
from entrepot.app import build_hub
from entrepot.hub.mail import Mailer
from entrepot.store.settings import SettingsInvalid
from entrepot_web.app import create_app
from entrepot_web.security.proxies import TrustedProxies

BASE = "https://hub.example.com"
LINK = re.compile(rf"{BASE}(/reset/\S+)")


@pytest.fixture
def database_kind() -> str:
    """Mails and proxies don't depend on the database."""
    return "sqlite"


@pytest.fixture
def settings(settings, tmp_path):
    """Settings with a public address and a folder for mails."""
    return dataclasses.replace(
        settings, public_base_url=BASE, mail_folder=tmp_path / "mails"
    )


def ask(client, web, email: str, host: str = "hub.example.com"):
    page = client.get("/reset", base_url=f"https://{host}").text
    return client.post(
        "/reset",
        base_url=f"https://{host}",
        data={"email": email, "csrf_token": web.csrf_token(page)},
        headers={"Referer": f"https://{host}/reset"},
    )


def choose(client, web, path: str, password: str):
    page = client.get(path, base_url=BASE)
    return client.post(
        path,
        base_url=BASE,
        data={
            "password": password,
            "password_confirm": password,
            "csrf_token": web.csrf_token(page.text),
        },
        headers={"Referer": BASE + path},
    )


def test_forgotten_password_is_replaced_once_by_mail(web, tenant, settings) -> None:
    user = web.person(tenant)
    client = web.app.test_client()
    # A forged Host header must not become the address in the mail.
    answer = ask(client, web, user.email, host="evil.example")
    assert "on its way" in answer.text
    mail = Mailer(settings).kept()[0]
    assert mail.to == user.email
    assert "evil" not in mail.text
    path = LINK.search(mail.text)[1]
    before = web.hub.users.find_sign_in(email=user.email)
    assert "at least 12" in choose(client, web, path, "short").text
    done = choose(client, web, path, "another fine phrase")
    assert done.status_code == 302
    after = web.hub.users.find_sign_in(email=user.email)
    assert after.password_hash != before.password_hash
    assert after.session_id != before.session_id
    again = client.get(path, base_url=BASE)
    assert again.status_code == 302
    assert again.headers["Location"].endswith("/reset")
    assert "was changed" in Mailer(settings).kept()[0].text


def test_unknown_address_gets_the_same_answer_and_no_mail(web, tenant, settings):
    answer = ask(web.app.test_client(), web, "nobody@example.com")
    assert "on its way" in answer.text
    assert Mailer(settings).kept() == []


def test_without_mail_no_reset_is_offered(web, clock, settings) -> None:
    plain = dataclasses.replace(settings, mail_folder=None)
    hub = build_hub(plain, clock=clock, web=True)
    client = create_app(hub).test_client()
    assert client.get("/reset", base_url=BASE).status_code == 404
    assert "Forgotten" not in client.get("/login", base_url=BASE).text
    assert "Forgotten" in web.app.test_client().get("/login", base_url=BASE).text
    hub.close()


def test_only_named_proxies_are_believed() -> None:
    seen = []

    def app(environ, _start):
        seen.append((environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]))
        return []

    behind = TrustedProxies(app, ["10.0.0.0/8", "::1"])
    for caller in ("10.1.2.3", "192.0.2.9", "::1", "::ffff:10.0.0.1", "unix:"):
        behind(
            {
                "REMOTE_ADDR": caller,
                "wsgi.url_scheme": "http",
                "HTTP_X_FORWARDED_FOR": "198.51.100.7",
                "HTTP_X_FORWARDED_PROTO": "https",
            },
            None,
        )
    forwarded = ("198.51.100.7", "https")
    assert seen == [
        forwarded,
        ("192.0.2.9", "http"),
        forwarded,
        forwarded,
        ("unix:", "http"),
    ]
    with pytest.raises(SettingsInvalid, match="TRUSTED_PROXIES"):
        TrustedProxies(app, ["the proxy"])
