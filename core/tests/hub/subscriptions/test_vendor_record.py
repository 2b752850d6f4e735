"""What a vendor really sent of one subscription, for support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import responses
from entrepot.app import build_hub
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import NotFound, Rejected, Unsupported
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    Capabilities,
    CheckResult,
    PluginInfo,
    PluginKind,
    Subscription,
    SubscriptionStatus,
)
from entrepot.store import TenantScope, system_actor
from entrepot.store.actor import Actor, PermissionDenied
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from sqlalchemy import select

BASE = "https://vendor.test"


@dataclass(frozen=True)
class NoSettings:
    """Nothing to set."""


class Listed:
    """A vendor whose subscriptions are only listed."""

    @hookimpl
    def describe_plugin(self) -> PluginInfo:
        return PluginInfo(
            name="fake", title="Fake", kind=PluginKind.VENDOR, version="1",
            api=(1, 0), settings_type=NoSettings, capabilities=Capabilities(),
            host_patterns=("vendor.test",),
        )  # fmt: skip

    @hookimpl
    def open_connection(self, ctx: Any) -> object:
        return object()

    @hookimpl
    def check_connection(self, ctx: Any) -> CheckResult:
        return CheckResult(account_name="fake")


class Single(Listed):
    """A vendor that signs in and then gives one subscription."""

    @hookimpl
    def get_subscription(self, ctx: Any, query: ask.GetSubscription) -> Subscription:
        http = ctx.http.bound(base_url=BASE)
        http.post("/token", form={"client_secret": "planted-one"}, repeatable=True)
        answer = http.get(f"/c/{query.customer_id}/s/{query.subscription_id}")
        if answer.json()["state"] == "nowhere":
            raise NotFound("gone", "No such subscription.")
        return Subscription(
            vendor_id=query.subscription_id, customer_id=query.customer_id, sku="A",
            name="Suite", quantity=Decimal(1), status=SubscriptionStatus.ACTIVE,
        )  # fmt: skip


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.post(f"{BASE}/token", json={"access_token": "planted-two"})
        yield mocked


@pytest.fixture
def shop(request, settings, clock, tenant) -> Iterator[Any]:
    hub = build_hub(settings, clock=clock, plugins={"fake": request.param})
    owner = system_actor("tests", tenant)
    connection = hub.connections.add(owner, plugin="fake", name="One", values={})
    with hub.store.unit(TenantScope(tenant)) as session:
        session.add(
            SubscriptionRow(
                id="sub_1", tenant_id=tenant, connection_id=connection.id,
                vendor_id="s-1", customer_vendor_id="c-1", sku="A", name="Suite",
                quantity=Decimal(1), status="active", billing_cycle="monthly",
                row_hash=1, known_at=hub.clock.now(),
            )
        )  # fmt: skip
    yield hub
    hub.close()


@pytest.mark.parametrize("shop", [Single()], ids=["single"], indirect=True)
def test_support_sees_what_the_vendor_sent_without_secrets(
    shop, tenant, vendor
) -> None:
    owner = system_actor("tests", tenant)
    long = "x" * 150_000
    vendor.get(
        f"{BASE}/c/c-1/s/s-1",
        body='{"state": "on", "seats": 3.10, "apiKey": "planted-three"}',
        content_type="application/json",
    )
    found = shop.records.read(owner, "sub_1")
    assert (found.found, found.read_at) == (True, shop.clock.now())
    assert [(one.method, one.address, one.status) for one in found.exchanges] == [
        ("POST", f"{BASE}/token", 200),
        ("GET", f"{BASE}/c/c-1/s/s-1", 200),
    ]
    assert '"seats": 3.10,' in found.exchanges[1].body
    assert "planted" not in "".join(one.body for one in found.exchanges)
    vendor.replace("GET", f"{BASE}/c/c-1/s/s-1", json={"state": "nowhere", "why": long})
    gone = shop.records.read(owner, "sub_1")
    assert not gone.found
    assert gone.exchanges[1].cut
    assert len(gone.exchanges[1].body) == 100_000
    with shop.store.read(TenantScope(tenant)) as session:
        told = session.execute(
            select(AuditPayload.document)
            .join(AuditEntry, AuditEntry.payload_id == AuditPayload.id)
            .where(AuditEntry.action == "subscription.vendor_record")
            .order_by(AuditEntry.seq)
        ).scalars()
        assert [one["after"] for one in told] == [
            {"requests": 2, "found": True},
            {"requests": 2, "found": False},
        ]


@pytest.mark.parametrize("shop", [Listed()], ids=["listed"], indirect=True)
def test_who_may_not_read_the_vendor_is_told_why(shop, tenant) -> None:
    owner = system_actor("tests", tenant)
    viewer = Actor("u", "user", tenant, "V", frozenset({"subscriptions:read"}))
    with pytest.raises(PermissionDenied):
        shop.records.read(viewer, "sub_1")
    with pytest.raises(NotFound, match="no such subscription"):
        shop.records.read(owner, "sub_2")
    with pytest.raises(Unsupported, match="can't read a single"):
        shop.records.read(owner, "sub_1")


@pytest.mark.parametrize("shop", [Single()], ids=["single"], indirect=True)
def test_what_the_vendor_refuses_is_said_as_it_is(shop, tenant, vendor) -> None:
    vendor.get(f"{BASE}/c/c-1/s/s-1", status=403, json={"error": "no"})
    with pytest.raises(Rejected):
        shop.records.read(system_actor("tests", tenant), "sub_1")
