"""What is told of a customer, on its page, in the list and through the API."""

from __future__ import annotations

import dataclasses
import re

import pytest
from entrepot.hub.customers.upkeep import derive
from entrepot.hub.mail import Mailer
from entrepot.hub.notifications.tables import (
    CustomerNotification,
    NotificationDelivery,
    NotificationMail,
)
from entrepot.store import TenantScope, new_id

QUANTITY = {"name": "Suite <b>", "before": "3", "after": "5"}
RENEWAL = {"name": "Suite", "date": "2026-12-01", "auto_renew": False}


@pytest.fixture
def settings(settings, tmp_path):
    """Settings of a demo whose mails lie in a folder."""
    return dataclasses.replace(
        settings, mail_folder=tmp_path / "mails", environment="demo"
    )


@pytest.fixture
def told(web, store, tenant, books) -> tuple[str, list[str]]:
    """A customer with a failed, a shown and a sent notification, newest last."""
    customer, now, ids = books.customers[4], web.hub.clock.now(), []
    rows = (
        ("quantity", "failed", QUANTITY, "subscription", books.subscriptions[12]),
        ("renewal", "shown", RENEWAL, "subscription", books.subscriptions[13]),
        ("unreadable", "sent", {"reason": "403"}, "account", "acc_1"),
    )
    with store.unit(TenantScope(tenant)) as session:
        for kind, state, facts, of, subject in rows:
            ids.append(new_id("ntf"))
            session.add(
                CustomerNotification(
                    id=ids[-1], tenant_id=tenant, customer_id=customer, kind=kind,
                    subject_kind=of, subject_id=subject, fact_at=now, facts=facts,
                    source="sync:1", state=state, created_at=now,
                )
            )  # fmt: skip
        for at, state, who in ((0, "failed", "Ana"), (2, "sent", "Ben")):
            mail = NotificationMail(
                id=new_id("mail"), tenant_id=tenant, source="sync:1", to_kind="user",
                to_id=who, name=who, address="a@x.example", state=state,
                error="no such box" if state == "failed" else "", created_at=now,
            )  # fmt: skip
            link = NotificationDelivery(
                notification_id=ids[at], mail_id=mail.id, tenant_id=tenant
            )
            session.add_all([mail, link])
        session.flush()
        derive(session, tenant, [customer])
    return customer, ids


def send(client, web, path: str, where: str = "", **fields):
    token = web.csrf_token(client.get(path).text)
    return client.post(where or path, data={"csrf_token": token, **fields})


def test_what_was_told_is_listed_counted_and_sent_again(
    browser, web, told, settings
) -> None:
    customer, ids = told
    path = f"/customers/{customer}/notifications"
    Mailer(settings).send("ana@x.example", "S", path, web.hub.clock.now())
    html = browser.get(path).text
    assert f'href="{path}" aria-current="page"' in html
    assert "Suite &lt;b&gt;: 3 → 5 units, changed at the vendor" in html
    for text in ("no such box", "Ana", "Only shown", "does not renew by itself"):
        assert text in html
    assert "Mails of this demo" in html
    shown = browser.get(f"{path}?state=sent&kind=unreadable").text
    assert "403" in shown
    assert "3 → 5" not in shown
    assert "No notification matches" in browser.get(f"{path}?state=waiting").text
    for do in ("add:notifications", "save:"):
        send(browser, web, "/customers/columns", do=do)
    rows = browser.get("/customers?sort=-notifications").text
    first = re.search(r'<th scope="row"><a href="/customers/([^"]*)"', rows)
    assert first
    assert first[1] == customer
    assert re.search(r'data-label="Notifications"[^>]*>3<', rows)
    again = f"{path}/{ids[0]}/again"
    assert send(browser, web, path, again).status_code == 303
    assert "will be sent again" in browser.get(path).text
    send(browser, web, path, again)
    assert "No mail of this one has failed" in browser.get(path).text
    assert browser.get("/customers/cus_0/notifications").status_code == 404


def test_a_customer_may_be_told_otherwise_than_all(browser, web, told) -> None:
    customer, _ = told
    all_, path = "/customers/notifications", f"/customers/{told[0]}/notifications"
    given = {"renewal_days": "45", "language": "de", "kind": "renewal", "version": "0"}
    assert send(browser, web, all_, **given).status_code == 303
    assert 'value="45"' in browser.get(path).text
    assert send(browser, web, all_, **given).status_code == 409
    wrong = {**given, "own": "1", "renewal_days": "900"}
    answer = send(browser, web, path, **wrong)
    assert answer.status_code == 422
    assert 'value="900"' in answer.text
    own = {**given, "own": "1", "renewal_days": "7", "contact": "1"}
    assert send(browser, web, path, **own).status_code == 303
    html = browser.get(path).text
    assert 'name="own" value="1" checked' in html
    assert 'value="7"' in html
    log = browser.get(f"/customers/{customer}/activity").text
    assert "Notifications changed" in log
    assert "to: contact" in log
    as_all = {**own, "own": "0", "version": "1"}
    answer = send(browser, web, path, **{**as_all, "renewal_days": "8"})
    assert answer.status_code == 422
    assert "Choose “as chosen here”" in answer.text
    assert send(browser, web, path, **as_all).status_code == 303
    assert 'value="45"' in browser.get(path).text


def test_the_api_lists_and_sends_again(machine, told) -> None:
    customer, ids = told
    asked = f"/customer-notifications?filter[customer_id]={customer}"
    found = machine("GET", asked).json
    assert [row["id"] for row in found["data"]] == ids[::-1]
    assert found["data"][2]["mails"][0]["error"] == "no such box"
    assert machine("GET", f"/customers/{customer}").json["notifications"] == 3
    path = f"/customer-notifications/{ids[0]}"
    again = machine("POST", f"{path}/mails")
    assert (again.status_code, again.json["state"]) == (201, "waiting")
    assert machine("POST", f"{path}/mails").status_code == 422
    assert machine("GET", "/customer-notifications/ntf_0").status_code == 404


def test_the_api_chooses_what_is_told(machine, books) -> None:
    usual = "/notification-settings"
    own = f"/customers/{books.customers[4]}/notification-settings"
    tags = {}
    for path in (own, usual):
        read = machine("GET", path)
        assert (read.json["version"], read.json["renewal_days"]) == (0, 30)
        body, tag = {"kinds": ["ended"]}, {"If-Match": read.headers["ETag"]}
        assert machine("PATCH", path, json=body).status_code == 428
        made = machine("PATCH", path, json=body, headers=tag)
        assert (made.json["version"], made.json["kinds"]) == (1, ["ended"])
        assert machine("PATCH", path, json=body, headers=tag).status_code == 412
        tags[path] = {"If-Match": machine("GET", path).headers["ETag"]}
    body = {"renewal_days": 10}
    assert machine("PATCH", usual, json=body, headers=tags[usual]).status_code == 200
    assert machine("GET", own).json["renewal_days"] == 30
    back = machine("PATCH", own, json={"own": False}, headers=tags[own]).json
    assert (back["own"], back["renewal_days"], back["version"]) == (False, 10, 2)
