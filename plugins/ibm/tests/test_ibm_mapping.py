"""The vendor's records become the model's, exactly."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from entrepot.sdk.errors import ConfigInvalid
from entrepot.sdk.http.response import encode_json
from entrepot.sdk.model import (
    AccountStatus,
    BillingCycle,
    ChargeKind,
    Period,
    SubscriptionStatus,
)
from entrepot_ibm import wire
from entrepot_ibm.mapping import (
    commitments,
    instances,
    manual,
    money,
    offers,
    parties,
    spelling,
)
from entrepot_ibm.settings import IbmSettings

NOW = datetime(2024, 1, 20, tzinfo=UTC)
CUSTOMER = "0b5a00334eaf9eb9339d2ab48f20d7f5"


@pytest.fixture
def option(fixture) -> wire.OptionWire:
    return wire.OPTION.read(fixture("billing-option-2024-01-01.json"))


@pytest.fixture
def pool(fixture) -> wire.PoolWire:
    return wire.POOL.read(fixture("credit-pool-2024-01-01.json"))


@pytest.fixture
def report(fixture) -> wire.ReportWire:
    return wire.REPORT.read(fixture("usage-report-2024-01-01.json"))


@pytest.fixture
def frame() -> money.Book:
    return money.book(CUSTOMER, "2024-01", date(2024, 2, 9), 8, "USD")


def test_commitment_keeps_amount_term_and_credit(option, pool) -> None:
    made = commitments.commitment(
        option, [pool], CUSTOMER, NOW, {"D025ILL": "Platform"}
    )
    assert (made.vendor_id, made.sku, made.name) == (option.id, "D025ILL", "Platform")
    assert made.unit_cost == Decimal("8333.3333333333")
    assert (str(made.term), made.billing_cycle) == ("P11M", BillingCycle.MONTHLY)
    assert made.term_end == datetime(2024, 5, 1, tzinfo=UTC)
    assert made.status is SubscriptionStatus.ACTIVE
    assert made.attributes["credit_balance"] == "59500.25"
    assert made.attributes["pool_overage"] == "12.5"
    assert made.order_id == "23wzpnpmh8"


@pytest.mark.parametrize(
    ("state", "now", "status"),
    [
        ("ACTIVE", datetime(2023, 4, 30, tzinfo=UTC), SubscriptionStatus.PENDING),
        ("ACTIVE", datetime(2024, 5, 1, tzinfo=UTC), SubscriptionStatus.ENDED),
        ("SUSPENDED", NOW, SubscriptionStatus.SUSPENDED),
        ("CANCELED", NOW, SubscriptionStatus.ENDED),
        ("HOVERING", datetime(2030, 1, 1, tzinfo=UTC), SubscriptionStatus.UNKNOWN),
    ],
)
def test_state_of_a_commitment_heeds_its_dates(option, state, now, status) -> None:
    option.state = state
    made = commitments.commitment(option, [], CUSTOMER, now, {})
    assert (made.status, made.vendor_status) == (status, state)


def test_options_of_two_months_are_one_commitment(option) -> None:
    made = commitments.commitments([option, option], [], CUSTOMER, NOW)
    assert len(made) == 1


def test_instance_waiting_for_removal(fixture) -> None:
    data = fixture("instance-2024-05-01.json")
    made = instances.decode_instance(
        data, customer_id=CUSTOMER, quantity_keys=("users",)
    )
    assert made.vendor_id == "8d7af921-b136-4078-9666-081bd8470d94"
    assert (made.status, made.billed) == (SubscriptionStatus.SUSPENDED, False)
    (end,) = made.scheduled
    assert end.effective_at == datetime(2024, 5, 7, 23, 25, 16, 410000, tzinfo=UTC)
    assert (made.quantity, made.unit) == (Decimal(9), "users"), "the broker's value"
    assert made.name == "cloud-object-storage"
    assert made.attributes["plans_before"] == "lite"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("provisioning", SubscriptionStatus.PENDING),
        ("active", SubscriptionStatus.ACTIVE),
        ("inactive", SubscriptionStatus.SUSPENDED),
        ("failed", SubscriptionStatus.ENDED),
        ("pending_removal", SubscriptionStatus.SUSPENDED),
        ("removed", SubscriptionStatus.ENDED),
        ("hovering", SubscriptionStatus.UNKNOWN),
    ],
)
def test_state_of_an_instance(fixture, state, status) -> None:
    found = wire.INSTANCE.read(fixture("instance-2024-05-01.json"))
    found.state = state
    made = instances.instance(found, CUSTOMER, ())
    assert (made.status, made.vendor_status) == (status, state)
    assert made.billing_cycle is BillingCycle.USAGE


def test_what_is_hashed_holds_the_mapped_fields_only(fixture) -> None:
    data = fixture("instance-2024-05-01.json")
    moved = data.replace(b'"migrated": false', b'"migrated": true')
    other = data.replace(b'"my-instance"', b'"renamed"')
    project = instances.project_instance
    assert project(data) == project(moved)
    assert project(data) != project(other)


def test_charges_are_billable_plans_at_cost(report, frame) -> None:
    (made,) = money.charges([report], frame)
    assert str(made.amount) == "2331828.33275813 EUR"
    assert made.list_amount is not None
    assert str(made.list_amount) == "3817593.35186263 EUR"
    assert (made.kind, made.estimated) == (ChargeKind.USAGE, False)
    assert made.period == Period(date(2024, 1, 1), date(2024, 2, 1))
    sold = money.charges([report], frame, [report])[0]
    assert sold.attributes["customer_amount"] == "2331828.33275813 EUR"


def test_usage_tells_what_is_free_without_cost(report, frame) -> None:
    paid, free = money.usage([report], frame)
    assert paid.cost is not None
    assert paid.quantity == Decimal(10)
    assert (free.cost, free.attributes["billable"]) == (None, "no")


def test_month_is_open_until_the_invoice_day() -> None:
    for day, is_open in ((date(2024, 2, 7), True), (date(2024, 2, 8), False)):
        assert money.book(CUSTOMER, "2024-01", day, 8, "USD").open is is_open
    with pytest.raises(ValueError, match="month"):
        money.book(CUSTOMER, "2024-13", date(2024, 2, 7), 8, "USD")


def test_commitment_and_credit_are_charges(option, pool, frame) -> None:
    amount, credit = money.commitment_charges([option], [pool], frame)
    assert (amount.kind, credit.kind) == (ChargeKind.COMMITMENT, ChargeKind.CREDIT)
    assert amount.amount.amount == Decimal("8333.333333333334")
    assert credit.amount.amount == Decimal("-500.25")
    option.state = "CANCELED"
    assert money.commitment_charges([option], [], frame) == []


def test_everybody_in_options_or_usage_is_a_customer(option, report) -> None:
    distributor = wire.ReportWire(entity_id="d", entity_partner_type="DISTRIBUTOR")
    (made,) = parties.directory([option], [report, distributor])
    assert (made.id, made.name, made.type) == (CUSTOMER, "Example Motors", "ACCOUNT")
    shown = parties.partner_customer(made)
    assert (shown.currency, shown.address.country) == ("USD", "US")
    (from_usage,) = parties.directory([], [report])
    assert from_usage.name == "Example Motors"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("PENDING", AccountStatus.PENDING),
        ("CANCELED", AccountStatus.CLOSED),
        ("HOVERING", AccountStatus.UNKNOWN),
    ],
)
def test_state_of_an_account(state, status) -> None:
    made = parties.account(wire.AccountWire(id="a", state=state), None)
    assert (made.status, made.vendor_status) == (status, state)


def _metric(tiers: str, model: str = "Linear Tier") -> wire.PricingWire:
    prices = json.loads(f"[{tiers}]", parse_float=Decimal)
    amounts = [
        {"country": "ZZZ", "currency": "USD", "prices": []},
        {"country": "USA", "currency": "USD", "prices": prices},
        {"country": "DEU", "currency": "EUR", "prices": []},
    ]
    metric = {
        "metric_id": "GB",
        "tier_model": model,
        "charge_unit_display_name": "gigabyte",
        "part_ref": "D1",
        "amounts": amounts,
    }
    return wire.PRICING.read(encode_json({"type": "Paid", "metrics": [metric]}))


def test_price_without_float_noise_and_wrong_countries() -> None:
    service, plan = (
        wire.EntryWire(id="s", name="db"),
        wire.EntryWire(id="p", name="std"),
    )
    pricing = _metric('{"quantity_tier": 1, "price": 0.24962151999999999}')
    made = offers.plan_offer(service, plan, pricing, "USA", "USD", Decimal(20))
    assert made.list_price == Decimal("0.24962152")
    assert made.unit_cost == Decimal("0.199697216")
    assert (made.unit, made.part_numbers, made.is_trial) == ("gigabyte", ("D1",), False)
    foreign = offers.plan_offer(service, plan, pricing, "FRA", "JPY", None)
    assert (foreign.list_price, foreign.currency) == (None, "")


def test_tiers_are_told_but_make_no_single_price() -> None:
    service, plan = (
        wire.EntryWire(id="s", name="db"),
        wire.EntryWire(id="p", name="std"),
    )
    tiers = '{"quantity_tier": 5, "price": 2}, {"quantity_tier": 9, "price": 1}'
    pricing = _metric(tiers, "Granular Tier")
    made = offers.plan_offer(service, plan, pricing, "USA", "USD", Decimal(0))
    assert (made.list_price, made.unit_cost) == (None, None)
    assert made.attributes["price.GB"].startswith("2 USD up to 5; 1 USD up to 9")


@pytest.mark.parametrize(
    ("service", "plan", "orderable"),
    [
        ("{}", "{}", True),
        ("{}", '{"disabled": true}', False),
        ('{"active": false}', "{}", False),
        ('{"metadata": {"service": {"rc_provisionable": false}}}', "{}", False),
        ("{}", '{"metadata": {"rc_compatible": false}}', False),
    ],
)
def test_offer_says_whether_it_can_be_ordered(service, plan, orderable) -> None:
    def entry(text: str) -> wire.EntryWire:
        return wire.ENTRY.read(
            b'{"id": "x", ' + text[1:].encode().lstrip()
            if text != "{}"
            else b'{"id": "x"}'
        )

    made = offers.plan_offer(entry(service), entry(plan), None, "USA", "USD", None)
    assert made.purchasable is orderable
    assert made.attributes["ordering"] == ("api" if orderable else "none")
    assert ("ordering_note" in made.attributes) is not orderable


PRICES = """part_number,name,track,term,cycle,unit_cost,list_price,currency,unit
D1,"MaaS360, Essentials",S,P1Y,monthly,3.20,4.00,USD,device
D2,Platform,P,P1Y,monthly,2083.333333333334,,USD,commitment"""


def test_part_numbers_say_that_nobody_can_order_them_here() -> None:
    saas, platform = manual.price_list(PRICES)
    assert (saas.name, saas.unit_cost) == ("MaaS360, Essentials", Decimal("3.20"))
    assert platform.unit_cost == Decimal("2083.3333333333")
    assert saas.attributes["ordering"] == "manual"
    assert "change_quantity" in saas.attributes["manual_actions"]
    assert platform.attributes["manual_actions"] == "order"


def test_licences_come_from_the_settings() -> None:
    text = """customer_id,part_number,quantity,start,end,charge_agreement,status
c1,D1,25,2023-06-01,2024-05-31,CA1,active
c1,D1,5,2022-06-01,2023-05-31,CA2,active
c2,D1,9,2023-06-01,,CA3,trial"""
    priced = {offer.sku: offer for offer in manual.price_list(PRICES)}
    now, past = manual.entitlements(text, "c1", priced, NOW)
    assert (now.vendor_id, now.quantity) == ("saas:c1:D1:CA1", Decimal(25))
    assert (now.unit_cost, now.status) == (Decimal("3.2"), SubscriptionStatus.ACTIVE)
    assert now.term_end == datetime(2024, 6, 1, tzinfo=UTC)
    assert past.status is SubscriptionStatus.ENDED
    (trial,) = manual.entitlements(text, "c2", priced, NOW)
    assert (trial.is_trial, trial.billed) == (True, False)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",Name,S,P1Y,monthly,1,,USD,device", "part_number"),
        ("D1,Name,X,P1Y,monthly,1,,USD,device", "track"),
        ("D1,Name,S,year,monthly,1,,USD,device", "term"),
        ("D1,Name,S,P1Y,often,1,,USD,device", "cycle"),
        ("D1,Name,S,P1Y,monthly,cheap,,USD,device", "unit_cost"),
    ],
)
def test_unusable_row_names_its_line_and_column(row, column) -> None:
    text = f"{PRICES.splitlines()[0]}\n{row}"
    with pytest.raises(ConfigInvalid) as caught:
        manual.price_list(text)
    assert caught.value.info.field == "price_list"
    assert column in caught.value.user_message
    assert "Line 2" in caught.value.user_message


def test_spellings() -> None:
    assert spelling.moment("2024-01-01") == datetime(2024, 1, 1, tzinfo=UTC)
    assert spelling.moment("soon") is None
    last = datetime(2024, 2, 1, tzinfo=UTC)
    for text in ("2024-01-31", "2024-01-31T23:59:59.999Z", "2024-02-01T00:00:00.000Z"):
        assert spelling.end_moment(text) == last
    assert spelling.number(0.1) == Decimal("0.1")
    assert spelling.number(value=True) is None
    assert spelling.months(Period(date(2023, 12, 31), date(2024, 2, 2))) == [
        "2023-12",
        "2024-01",
        "2024-02",
    ]
    assert str(spelling.tidy(Decimal("1200.000"))) == "1200"


def test_hosts_stand_in_the_settings_only() -> None:
    own = IbmSettings(partner_id="p")
    assert own.base("enterprise") == "https://enterprise.cloud.ibm.com/v1"
    behind = IbmSettings(partner_id="p", api_url="https://proxy.example/")
    assert behind.base("catalogue") == "https://proxy.example/catalog/api/v1"
