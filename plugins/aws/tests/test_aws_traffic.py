"""boto3's traffic passes the hub's budget, egress guard, repeats and redaction."""

from __future__ import annotations

from dataclasses import replace

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.conformance.harness import MemorySecrets
from entrepot.sdk.egress import EgressPolicy
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    EntrepotError,
    RateLimited,
    Retryable,
)
from entrepot.sdk.http import HttpPolicy, HttpSession, Transport
from entrepot.sdk.recording import Recorder
from entrepot.sdk.redaction import Redactor
from entrepot_aws.credentials import HOME
from entrepot_aws.kept import Kept
from entrepot_aws.plugin import plugin
from entrepot_aws.services import RETRIES, Keys


class CountingBudget:
    """Lets everything pass and remembers it."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.pauses: list[tuple[str, float]] = []

    def acquire(self, key, cost, deadline) -> None:
        self.keys.append(key)

    def pause(self, key, seconds) -> None:
        self.pauses.append((key, seconds))


@pytest.fixture(scope="module")
def vendor(start):
    return start(4, subscriptions=20)


@pytest.fixture(autouse=True)
def no_faults_left(vendor):
    yield
    vendor.control.clear_faults()


def customers(ctx):
    return plugin.list_customers(ctx, ask.ListCustomers())


def test_every_request_asks_the_budget(vendor) -> None:
    budget = CountingBudget()
    ctx = vendor.connect(budget=budget)
    vendor.control.reset_requests()
    plugin.check_connection(ctx)
    unit = customers(ctx).items[0].vendor_id
    plugin.list_subscriptions(ctx, ask.ListSubscriptions(customer_id=unit))
    assert len(budget.keys) == vendor.control.counters()["total"]
    declared = {quota.name for quota in plugin.describe_plugin().quotas}
    assert set(budget.keys) <= declared
    assert {"organizations", "sts", "agreement-search"} <= set(budget.keys)


def test_boto3_itself_never_repeats(vendor) -> None:
    assert RETRIES == {"mode": "standard", "total_max_attempts": 1}
    ctx = vendor.connect(attempts=3)
    customers(ctx)
    vendor.control.add_fault("status", path="^/$", status=503, count=0)
    vendor.control.reset_requests()
    with pytest.raises(Retryable):
        customers(ctx)
    assert vendor.control.counters()["total"] == 3


def test_throttling_told_with_400_pauses_the_budget(vendor) -> None:
    budget = CountingBudget()
    ctx = vendor.connect(budget=budget)
    customers(ctx)
    vendor.control.add_fault("rate_limited", path="^/$", retry_after=2)
    assert customers(ctx).items
    assert budget.pauses == [("organizations", 2.0)]


def test_lasting_throttling_says_when(vendor) -> None:
    ctx = vendor.connect()
    customers(ctx)
    vendor.control.add_fault("rate_limited", path="^/$", retry_after=300, count=0)
    with pytest.raises(RateLimited) as caught:
        customers(ctx)
    assert caught.value.after == pytest.approx(300)


def test_foreign_hosts_are_refused(vendor) -> None:
    ctx = vendor.connect()
    egress = EgressPolicy(hosts=("*.amazonaws.com",), allow_private=False)
    http = HttpSession(Transport(egress, HttpPolicy()))
    vendor.control.reset_requests()
    with pytest.raises(EntrepotError) as caught:
        customers(replace(ctx, http=http))
    assert type(caught.value).__name__ == "EgressRefused"
    assert vendor.control.counters()["total"] == 0
    http.close()


def test_recordings_hold_no_secret(vendor, tmp_path) -> None:
    ctx = vendor.connect()
    cassette = tmp_path / "cassette.json"
    secrets = [vendor.sim.access_key, vendor.sim.secret_key]
    egress = EgressPolicy(hosts=("127.0.0.1",), allow_private=True)
    http = HttpSession(
        Transport(egress), recorder=Recorder(cassette, Redactor(secrets))
    )
    customers(replace(ctx, http=http.bound(correlation_id="abc")))
    text = cassette.read_text()
    assert "ListOrganizationalUnitsForParent" in text
    assert not [secret for secret in secrets if secret in text]
    http.close()


def test_expired_role_is_assumed_again(vendor) -> None:
    ctx = vendor.connect()
    before = [each.vendor_id for each in customers(ctx).items]
    vendor.sim.expire_tokens()
    assert [each.vendor_id for each in customers(ctx).items] == before


def test_keys_of_accounts_are_not_kept_for_ever(vendor) -> None:
    ctx = vendor.connect()
    ctx.runtime.keys = keys = Kept(2)
    units = [each.vendor_id for each in customers(ctx).items]
    for unit in units:
        plugin.list_subscriptions(ctx, ask.ListSubscriptions(customer_id=unit))
    now = ctx.clock.monotonic()
    home = keys.get(HOME, now)
    assert home is not None, "the connection's own key serves every account"
    assert len(keys) == 2
    assert keys.get(HOME, now + 7200) is None
    assert len(keys) == 1
    keys.put("1", home, now + 1)
    keys.drop("1", Keys("another", "key"))
    assert keys.get("1", now) == home


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("secret_access_key", ConfigInvalid, "SignatureDoesNotMatch"),
        ("access_key_id", AuthRequired, "InvalidClientTokenId"),
    ],
)
def test_wrong_keys_name_the_remedy(vendor, name, kind, code) -> None:
    ctx = vendor.connect()
    kept = {key: ctx.secrets.get(key) for key in ("access_key_id", "secret_access_key")}
    secrets = MemorySecrets({**kept, name: "AKIAWRONG00000000000"})
    with pytest.raises(kind) as caught:
        plugin.check_connection(replace(ctx, secrets=secrets))
    assert caught.value.code == code
    assert caught.value.info.remedy


def test_member_account_is_no_management_account(vendor) -> None:
    account = vendor.sim.book.customer_units()[0].accounts[0]
    role = f"arn:aws:iam::{account}:role/EntrepotReader"
    ctx = vendor.connect(role_arn=role)
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.info.field == "role_arn"


def test_machine_configuration_is_ignored(vendor, monkeypatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example.com")
    assert customers(vendor.connect()).items
