"""Acting in another person's name: who may, what stays theirs, what is recorded."""

from __future__ import annotations

import re

import pytest
from entrepot.hub.users.sessions import BEHALF
from entrepot.store import TenantScope, operator_actor
from entrepot.store.actor import NotOnBehalf
from entrepot.store.audit_tables import AuditPayload
from sqlalchemy import select

REASON = "ticket 4711: mapping looks wrong"


def send(client, web, path: str, **fields):
    token = web.csrf_token(client.get("/").text)
    return client.post(path, data={"csrf_token": token, **fields})


def act(client, web, user, reason: str = REASON):
    return send(client, web, f"/settings/users/{user.id}/act", reason=reason)


def test_acting_shows_a_banner_keeps_what_is_theirs_and_records_both(
    web, tenant, books, clock
) -> None:
    owner = web.person(tenant, name="Priya Nair")
    user = web.person(tenant, "billing", "Bo Chen")
    client = web.browser(owner)
    assert act(client, web, user, "x").status_code == 422
    assert act(client, web, user).status_code == 303
    for path in ("/", "/customers", "/reconciliation"):
        html = client.get(path).text
        assert f"Priya Nair acts for Bo Chen: {REASON}" in html, path
    for path in ("/settings/users", "/settings/credentials", "/account/security"):
        assert client.get(path).status_code == 403, path
    long = "a phrase to take over"
    given = {"current_password": web.password, "password": long, "again": long}
    assert send(client, web, "/account/password", **given).status_code == 403
    decided = send(client, web, "/mapping/refresh")
    assert decided.status_code != 403
    plan = send(client, web, "/reconciliation/plans/pln_x/approve")
    assert plan.status_code in (403, 404)
    clock.advance(BEHALF)
    assert "acts for" not in client.get("/").text
    assert act(client, web, user).status_code == 422
    with web.hub.store.read(TenantScope(tenant)) as session:
        documents = session.scalars(select(AuditPayload.document)).all()
    started = [one for one in documents if one and one["why"] == REASON]
    assert started
    mine = [one for one in documents if one and "by" in one]
    for one in mine:
        assert one["by"] == {"id": owner.id, "name": "Priya Nair"}
        assert one["actor_name"] == "Bo Chen (by Priya Nair)"


def test_acting_ends_by_the_button_and_with_the_reason_in_the_log(web, tenant) -> None:
    owner = web.person(tenant, name="Priya Nair")
    user = web.person(tenant, "support", "Bo Chen")
    client = web.browser(owner)
    act(client, web, user)
    found = web.hub.users.actor_behalf(owner, user, tenant, REASON)
    with pytest.raises(NotOnBehalf):
        web.hub.users.set_password(found, user.id, "a phrase to take over")
    with pytest.raises(NotOnBehalf):
        web.hub.sessions.end_others(found, "")
    assert not any(one.endswith(":approve") for one in found.permissions)
    assert send(client, web, "/account/end-acting").status_code == 303
    html = client.get("/").text
    assert "acts for" not in html
    assert "You act as yourself again" in html
    assert client.get("/settings/users").status_code == 200
    boss = web.hub.users.actor_for(owner, tenant)
    ended = web.hub.audit.list(boss).entries[0]
    assert ended.action == "user.acting_ended"
    assert ended.actor_name == "Bo Chen (by Priya Nair)"
    assert ended.why == REASON


def test_operator_acts_at_every_reseller_with_reason_and_banner(
    web, tenant, other_tenant
) -> None:
    above = web.hub.users.create_user(
        operator_actor(),
        email="op@example.com",
        name="Olga Berg",
        password=web.password,
        tenant_id=tenant,
        role="viewer",
        operator=True,
    )
    owner = web.person(other_tenant, name="Dana Park")
    client, path = web.browser(above), f"/resellers/{other_tenant}"
    assert f'href="{path}"' in client.get("/resellers").text
    assert f'href="{path}/users/{owner.id}/act"' in client.get(path).text
    assert send(client, web, f"{path}/users/{owner.id}/act").status_code == 422
    stranger = f"/resellers/{tenant}/users/{owner.id}/act"
    assert send(client, web, stranger, reason=REASON).status_code == 404
    started = send(client, web, f"{path}/users/{owner.id}/act", reason=REASON)
    assert started.status_code == 303
    html = client.get("/customers").text
    assert f"Olga Berg acts for Dana Park: {REASON}" in html
    for refused in ("/settings/credentials", "/resellers", "/account/security"):
        assert client.get(refused).status_code == 403, refused
    assert send(client, web, "/account/end-acting").status_code == 303
    theirs = web.hub.audit.list(web.hub.users.actor_for(owner, other_tenant)).entries
    assert [one.action for one in theirs] == ["user.acting_ended", "user.acted_for"]
    assert {one.why for one in theirs} == {REASON}
    assert theirs[0].actor_name == "Dana Park (by Olga Berg)"
    web.hub.tenants.suspend(operator_actor(), other_tenant, "contract ended")
    late = send(client, web, f"{path}/users/{owner.id}/act", reason=REASON)
    assert late.status_code == 422
    assert "suspended" in late.text
    for user in (web.person(tenant), web.person(tenant, "manager")):
        assert web.browser(user).get("/resellers").status_code == 403


def test_nobody_acts_for_an_operator_an_equal_or_a_stranger(
    web, tenant, other_tenant
) -> None:
    client = web.browser(web.person(tenant))
    above = web.hub.users.create_user(
        operator_actor(),
        email="op@example.com",
        name="Op",
        password=web.password,
        tenant_id=tenant,
        role="viewer",
        operator=True,
    )
    for user in (above, web.person(tenant)):
        assert act(client, web, user).status_code == 422
    assert act(client, web, web.person(other_tenant, "viewer")).status_code == 404
    viewer = web.person(tenant, "viewer")
    manager = web.browser(web.person(tenant, "manager"))
    assert act(manager, web, viewer).status_code == 403
    html = client.get("/settings/users").text
    assert re.findall(r"/settings/users/(usr_\w+)/act", html).count(viewer.id) == 1
    assert above.id not in re.findall(r"/settings/users/(usr_\w+)/act", html)
