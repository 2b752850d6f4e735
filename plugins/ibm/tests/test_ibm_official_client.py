"""IBM's own Python client, unmodified, works against the simulator."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from entrepot.sdk.simulator import Fault, Options
from entrepot_ibm.client import continuation
from entrepot_ibm.simulator import build_simulator, catalog
from entrepot_ibm.wire import LISTED
from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import IAMAssumeAuthenticator, IAMAuthenticator
from ibm_platform_services import (
    EnterpriseBillingUnitsV1,
    EnterpriseManagementV1,
    EnterpriseUsageReportsV1,
    GlobalCatalogV1,
    PartnerManagementV1,
    ResourceControllerV2,
    ResourceManagerV2,
    UsageReportsV4,
)
from ibm_platform_services import (
    enterprise_billing_units_v1 as billing_models,
)
from ibm_platform_services import (
    enterprise_management_v1 as enterprise_models,
)
from ibm_platform_services import (
    partner_management_v1 as partner_models,
)
from ibm_platform_services import (
    resource_controller_v2 as controller_models,
)
from ibm_platform_services import (
    usage_reports_v4 as usage_models,
)

PREFIXES = {
    EnterpriseManagementV1: "/enterprise/v1",
    EnterpriseUsageReportsV1: "/enterprise-usage",
    EnterpriseBillingUnitsV1: "/billing",
    PartnerManagementV1: "/partner",
    ResourceControllerV2: "/rc",
    ResourceManagerV2: "/rc",
    GlobalCatalogV1: "/catalog/api/v1",
    UsageReportsV4: "/billing",
}


class Official:
    """Service objects of the official client for a running simulator."""

    def __init__(self, up: Any) -> None:
        self.sim, self.url = up.simulator, up.base_url
        self.generator = self.sim.book.generator

    def service(self, kind: Any, key: str = "") -> Any:
        """A service signed in with our key, or with another."""
        auth = IAMAuthenticator(
            key or self.sim.authority.api_key, url=f"{self.url}/iam"
        )
        made = kind(authenticator=auth)
        made.set_service_url(self.url + PREFIXES[kind])
        return made

    def customer(self, place: int = 0) -> Any:
        """An account in its present state."""
        return self.sim.book.at(place, self.sim.clock.now())

    def controller(self, place: int = 0) -> Any:
        """The resource controller inside a customer's account."""
        account = self.customer(place).id
        return self.service(
            ResourceControllerV2, self.sim.authority.customer_key(account)
        )


@pytest.fixture(scope="module")
def ibm(request: pytest.FixtureRequest) -> Iterator[Official]:
    """One vendor for all tests; each changes a customer of its own.

    When all of them ran, the official client has called everything that is served.
    """
    options = Options(customers=24, subscriptions=190, seed=3)
    with build_simulator(options).running() as up:
        yield Official(up)
        called = set(up.simulator.log.counters()["routes"])
    names = {item.name for item in request.session.items if item.path == request.path}
    if names >= {name for name in vars(request.module) if name.startswith("test_")}:
        served = {f"{method} {rule}" for method, rule in up.simulator.routes}
        assert not served - called, "nobody calls these with the vendor's client"


def whole(model: Any, found: dict[str, Any], extras: frozenset[str] = frozenset()):
    """The client's model takes the record and drops nothing of it (§12)."""
    again = json.loads(json.dumps(model.from_dict(found).to_dict(), default=str))
    kept = {name for name, value in found.items() if value is not None} - extras
    assert kept <= again.keys(), f"unknown members: {sorted(kept - again.keys())}"


def test_accounts_of_the_enterprise(ibm) -> None:
    service, ours = ibm.service(EnterpriseManagementV1), ibm.generator.enterprise_id
    for size in (1, 5, 100):
        pager = enterprise_models.AccountsPager(
            client=service, enterprise_id=ours, limit=size
        )
        found = pager.get_all()
        assert len({each["id"] for each in found}) == len(found) == 25
    one = service.get_account(found[3]["id"]).get_result()
    assert one == found[3]
    whole(enterprise_models.Account, one)
    assert service.list_enterprises().get_result()["resources"][0]["id"] == ours
    whole(enterprise_models.Enterprise, service.get_enterprise(ours).get_result())
    groups = service.list_account_groups(enterprise_id=ours).get_result()
    assert groups["resources"] == [], "customers stand below the enterprise itself"
    with pytest.raises(ApiException) as refused:
        service.get_account("0" * 32)
    assert refused.value.status_code == 404
    assert refused.value.global_transaction_id


def test_account_is_created_confirmed_and_closed(ibm) -> None:
    service, sim = ibm.service(EnterpriseManagementV1), ibm.sim
    parent = f"crn:v1:bluemix:public:enterprise::a/{sim.book.own.id}::enterprise:x"
    with pytest.raises(ApiException) as refused:
        service.create_account(parent, "New one", "somebody@example.com")
    assert "Not Authenticated" in refused.value.message
    options = {"create_iam_service_id_with_apikey_and_owner_policies": True}
    answer = service.create_account(parent, "New one", "IBMid-AB1234", options=options)
    made = answer.get_result()
    assert answer.get_status_code() == 202
    assert made["iam_apikey"]
    with pytest.raises(ApiException):
        service.get_account(made["account_id"])
    sim.clock.advance(timedelta(seconds=61))
    assert service.get_account(made["account_id"]).get_result()["state"] == "PENDING"
    sim.actions["accept_account"](customer=made["account_id"])
    assert service.get_account(made["account_id"]).get_result()["state"] == "ACTIVE"
    moved = service.update_account(made["account_id"], parent=parent)
    assert moved.get_status_code() == 202
    assert service.delete_account(made["account_id"]).get_status_code() == 204
    busy = ibm.customer(1).id
    with pytest.raises(ApiException) as kept:
        service.delete_account(busy)
    assert kept.value.status_code == 409
    taken = service.import_account_to_enterprise(ibm.generator.enterprise_id, "e" * 32)
    assert taken.get_status_code() == 202
    for account in (made["account_id"], "e" * 32):
        sim.book.find(account, sim.clock.now()).deleted = True


def test_billing_units_options_and_pools(ibm) -> None:
    service = ibm.service(EnterpriseBillingUnitsV1)
    units = billing_models.BillingUnitsPager(
        client=service, enterprise_id=ibm.generator.enterprise_id
    ).get_all()
    unit = units[0]["id"]
    whole(billing_models.BillingUnit, units[0])
    assert service.get_billing_unit(unit).get_result()["currency_code"] == "USD"
    options = billing_models.BillingOptionsPager(
        client=service, billing_unit_id=unit
    ).get_all()
    assert [each["id"] for each in options] == [o.id for o in ibm.sim.book.own.options]
    whole(billing_models.BillingOption, options[0])
    answer = service.get_credit_pools(billing_unit_id=unit)
    pools = answer.get_result()["resources"]
    whole(billing_models.CreditPool, pools[0])
    credit = pools[0]["term_credits"][0]
    left = credit["starting_balance"] - credit["used_credits"]
    assert credit["current_balance"] == pytest.approx(left)


def test_usage_of_the_enterprise(ibm) -> None:
    service = ibm.service(EnterpriseUsageReportsV1)
    found = service.get_resource_usage_report(
        enterprise_id=ibm.generator.enterprise_id, limit=7
    ).get_result()
    assert (len(found["reports"]), "offset" in found["next"]) == (7, False)
    one = service.get_resource_usage_report(account_id=ibm.customer().id).get_result()
    assert one["reports"][0]["entity_id"] == ibm.customer().id
    assert "next" not in one
    with pytest.raises(ApiException) as refused:
        service.get_resource_usage_report()
    assert refused.value.status_code == 400


def test_partner_usage_from_all_sides(ibm) -> None:
    service, partner = ibm.service(PartnerManagementV1), ibm.generator.partner_id
    pager = partner_models.GetResourceUsageReportPager(
        client=service, partner_id=partner, recurse=True, limit=10
    )
    found = pager.get_all()
    assert len(found) == 24
    whole(partner_models.PartnerUsageReport, found[0])
    itself = service.get_resource_usage_report(partner_id=partner).get_result()
    total = sum(each["billable_cost"] for each in found)
    assert itself["reports"][0]["billable_cost"] == pytest.approx(total)
    costs = {
        view: service.get_resource_usage_report(
            partner_id=partner, customer_id=found[0]["entity_id"], viewpoint=view
        ).get_result()["reports"][0]["billable_cost"]
        for view in ("DISTRIBUTOR", "RESELLER", "END_CUSTOMER")
    }
    assert costs["DISTRIBUTOR"] < costs["RESELLER"] < costs["END_CUSTOMER"]
    for wrong in (
        {"customer_id": found[0]["entity_id"], "reseller_id": partner},
        {"customer_id": found[0]["entity_id"], "recurse": True},
    ):
        with pytest.raises(ApiException) as refused:
            service.get_resource_usage_report(partner_id=partner, **wrong)
        assert refused.value.status_code == 400


def test_partner_options_and_pools_page_by_url_alone(ibm) -> None:
    service, partner = ibm.service(PartnerManagementV1), ibm.generator.partner_id
    answer = service.get_billing_options(partner_id=partner, limit=3)
    first = answer.get_result()
    whole(partner_models.BillingOption, first["resources"][0])
    assert len(first["resources"]) == 3
    assert continuation(LISTED.read(json.dumps(first).encode()))
    every = service.get_billing_options(partner_id=partner).get_result()
    assert every.get("next_url") is None
    customer = every["resources"][0]["customer_id"]
    pools = service.get_credit_pools_report(
        partner_id=partner, customer_id=customer
    ).get_result()["resources"]
    whole(partner_models.CreditPoolsReport, pools[0])
    units = service.get_credit_pools_report(partner_id=partner, limit=2).get_result()
    assert len({each["billing_unit_id"] for each in units["resources"]}) == 2


def test_instances_hide_unless_asked_for(ibm) -> None:
    account, service = ibm.customer(), ibm.controller()
    shown = service.list_resource_instances(limit=100).get_result()["resources"]
    assert {each["state"] for each in shown} <= {"active", "provisioning"}
    assert shown
    states = ("active", "inactive", "failed", "pending_reclamation", "removed")
    listed = [
        guid
        for state in states
        for each in controller_models.ResourceInstancesPager(
            client=service, state=state, limit=2
        ).get_all()
        for guid in [each["guid"]]
    ]
    assert sorted(listed) == sorted(account.instances)
    whole(controller_models.ResourceInstance, shown[0])


def test_instance_lives_through_its_states(ibm) -> None:
    service, account = ibm.controller(2), ibm.customer(2)
    plan = _plan("databases-for-postgresql", "standard")
    with pytest.raises(ApiException) as refused:
        service.create_resource_instance("a/b", "us-south", account.group_id, plan)
    assert refused.value.status_code == 400
    answer = service.create_resource_instance(
        "Orders-0001", "us-south", account.group_id, plan
    )
    made = answer.get_result()
    assert (answer.get_status_code(), made["state"]) == (202, "provisioning")
    assert made["last_operation"]["state"] == "in progress"
    spare = service.create_resource_instance(
        "Orders-0002", "us-south", account.group_id, plan
    ).get_result()
    stopped = service.cancel_lastop_resource_instance(spare["id"]).get_result()
    assert stopped["last_operation"]["state"] != "in progress"
    ibm.sim.clock.advance(timedelta(hours=1))
    service = ibm.controller(2)  # an hour has gone, and the token with it
    crn = made["id"]
    assert "/" in crn, "an id in a path holds an encoded slash (T05)"
    assert service.get_resource_instance(crn).get_result()["state"] == "active"
    service.lock_resource_instance(crn)
    for refused_call in (
        lambda: service.update_resource_instance(crn, name="Other"),
        lambda: service.delete_resource_instance(crn),
    ):
        with pytest.raises(ApiException) as refused:
            refused_call()
        assert (refused.value.status_code, refused.value.message) == (
            400,
            "The resource instance is locked",
        )
    service.unlock_resource_instance(crn)
    service.create_resource_key(name="key", source=crn)
    with pytest.raises(ApiException):
        service.delete_resource_instance(crn)
    assert (
        service.delete_resource_instance(crn, recursive=True).get_status_code() == 204
    )
    assert service.get_resource_instance(crn).get_result()["state"] == (
        "pending_reclamation"
    )
    waiting = service.list_reclamations(resource_instance_id=made["guid"])
    reclamation = waiting.get_result()["resources"][0]
    whole(controller_models.Reclamation, reclamation)
    acted = service.run_reclamation_action(reclamation["id"], "restore").get_result()
    assert acted["state"] == "RESTORING"
    ibm.sim.clock.advance(timedelta(minutes=1))
    again = service.get_resource_instance(crn).get_result()
    assert (again["state"], again["guid"]) == ("active", made["guid"])


def test_removed_for_good(ibm) -> None:
    service, account = ibm.controller(3), ibm.customer(3)
    made = service.create_resource_instance(
        "Seats",
        "global",
        account.group_id,
        _plan("maas360-devices", "deluxe-device"),
        parameters={"devices": 12},
        entity_lock=False,
    ).get_result()
    assert (made["state"], made["extensions"]["devices"]) == ("active", 12)
    changed = service.update_resource_instance(
        made["guid"], parameters={"devices": 20}
    ).get_result()
    assert changed["extensions"]["devices"] == 20
    other = _plan("maas360-devices", "enterprise-device")
    moved = service.update_resource_instance(
        made["guid"], resource_plan_id=other
    ).get_result()
    assert [step["resource_plan_id"] for step in moved["plan_history"]][-1] == other
    service.delete_resource_instance(made["guid"])
    assert (
        service.get_resource_instance(made["guid"]).get_result()["state"] == "removed"
    )
    with pytest.raises(ApiException) as gone:
        service.delete_resource_instance(made["guid"])
    assert gone.value.status_code == 410


def test_broker_refusals(ibm) -> None:
    service, account = ibm.controller(4), ibm.customer(4)
    single = _plan("pm-20", "v2-professional")
    if not any(i.plan_id == single for i in account.instances.values()):
        service.create_resource_instance("One", "us-south", account.group_id, single)
    with pytest.raises(ApiException) as second:
        service.create_resource_instance("Two", "us-south", account.group_id, single)
    assert (second.value.status_code, "one instance" in second.value.message) == (
        503,
        True,
    )
    ibm.sim.actions["suspend_account"](customer=account.id)
    with pytest.raises(ApiException) as suspended:
        service.create_resource_instance("Three", "us-south", account.group_id, single)
    assert "SUSPENDED" in suspended.value.message
    manager = ibm.service(ResourceManagerV2, ibm.sim.authority.customer_key(account.id))
    groups = manager.list_resource_groups(account_id=account.id).get_result()
    assert groups["resources"][0]["state"] == "SUSPENDED"


def test_catalogue_with_conditional_requests(ibm) -> None:
    service = ibm.service(GlobalCatalogV1)
    listed = service.list_catalog_entries(q="kind:service", include="*").get_result()
    assert listed["count"] == len(catalog.SERVICES)
    entry = listed["resources"][0]["id"]
    plans = service.get_child_objects(entry, "plan").get_result()["resources"]
    plan = plans[-1]["id"]
    assert service.get_catalog_entry(plan).get_result()["kind"] == "plan"
    answer = service.get_pricing(plan)
    assert answer.get_result()["metrics"]
    regions = service.get_pricing_deployments(plan).get_result()["resources"]
    assert {each["deployment_region"] for each in regions}
    tag = answer.get_headers()["ETag"]
    with pytest.raises(ApiException) as unchanged:
        service.get_pricing(plan, headers={"If-None-Match": tag})
    assert unchanged.value.status_code == 304


def test_usage_by_instance_needs_the_customers_credential(ibm) -> None:
    account = ibm.customer(5)
    month = f"{ibm.sim.clock.now():%Y-%m}"
    own = ibm.service(UsageReportsV4)
    with pytest.raises(ApiException) as refused:
        own.get_resource_usage_account(account.id, month)
    assert refused.value.status_code in (403, 404)
    service = ibm.service(UsageReportsV4, ibm.sim.authority.customer_key(account.id))
    pager = usage_models.GetResourceUsageAccountPager(
        client=service, account_id=account.id, billingmonth=month, limit=2
    )
    found = pager.get_all()
    assert len({each["resource_instance_id"] for each in found}) == len(found)
    whole(usage_models.InstanceUsage, found[0])


def test_wrong_key_and_trusted_profile(ibm) -> None:
    with pytest.raises(ApiException) as refused:
        ibm.service(PartnerManagementV1, "wrong").get_billing_options("x")
    assert (refused.value.status_code, refused.value.message) == (
        400,
        "Provided API key could not be found",
    )
    account = ibm.customer(6).id
    auth = IAMAssumeAuthenticator(
        ibm.sim.authority.api_key,
        iam_profile_name=ibm.sim.authority.profile,
        iam_account_id=account,
        url=f"{ibm.url}/iam",
    )
    service = ResourceControllerV2(authenticator=auth)
    service.set_service_url(f"{ibm.url}/rc")
    found = service.list_resource_instances().get_result()["resources"]
    assert {each["account_id"] for each in found} == {account}


def test_retries_of_the_client_provision_twice(ibm) -> None:
    """Trap T01: the reason why our own writes will never use them."""
    service, account = ibm.controller(7), ibm.customer(7)
    service.list_resource_instances()
    service.enable_retries(max_retries=2, retry_interval=0.1)
    before = len(account.instances)
    ibm.sim.faults.add(
        Fault(kind="timeout_after_commit", method="POST", path="resource_instances")
    )
    plan = _plan("appid", "graduated-tier")
    try:
        service.create_resource_instance("Lost", "us-south", account.group_id, plan)
    except requests.exceptions.RequestException:
        assert len(account.instances) >= before + 1
        return
    assert len(account.instances) == before + 2


def _plan(service: str, name: str) -> str:
    found = next(s for s in catalog.SERVICES if s.name == service)
    return next(plan.id for plan in found.plans if plan.name == name)


def test_no_patch_is_applied() -> None:
    module = sys.modules[PartnerManagementV1.__module__]
    assert module.__file__ is not None
    assert "ibm_platform_services" in module.__file__
