"""The vendor's own client, unmodified, against the simulator, call by call."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import timedelta
from decimal import Decimal

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from entrepot_aws.simulator.catalog import PRODUCTS

MONTH = {"Start": "2026-02-01", "End": "2026-03-01"}
BY_SERVICE = [
    {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"},
    {"Type": "DIMENSION", "Key": "SERVICE"},
]
COSTS = {
    "TimePeriod": MONTH,
    "Granularity": "MONTHLY",
    "Metrics": ["UnblendedCost"],
    "GroupBy": BY_SERVICE,
}


@pytest.fixture(scope="module")
def vendor(start):
    return start(8, subscriptions=60)


@pytest.fixture(scope="module")
def places(vendor):
    """Ids that the operations are asked about."""
    book = vendor.sim.book
    agreement = next(iter(book.agreements.values()))
    unit = next(u for u in book.customer_units() if u.accounts)
    return {
        "unit": unit.id,
        "account": agreement.account,
        "agreement": agreement.id,
        "transfer": next(iter(book.transfers)),
        "parent": book.customers_parent,
        "management": book.management,
        "plan": vendor.boto("billingconductor").list_pricing_plans()["PricingPlans"][0][
            "Arn"
        ],
    }


def assumed(vendor, account):
    """Temporary keys of a member account's role."""
    found = vendor.boto("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole",
        RoleSessionName="test",
    )["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }


SEARCH = {
    "catalog": "AWSMarketplace",
    "filters": [
        {"name": "PartyType", "values": ["Acceptor"]},
        {"name": "AgreementType", "values": ["PurchaseAgreement"]},
    ],
}
PRODUCT = [{"filterType": "PRODUCT_ID", "filterValues": [PRODUCTS[0].id]}]
OPERATIONS = [
    ("organizations", "describe_organization", {}),
    ("organizations", "list_roots", {}),
    ("organizations", "list_accounts", {"MaxResults": 5}),
    ("organizations", "list_accounts_for_parent", {"ParentId": "{unit}"}),
    (
        "organizations",
        "list_organizational_units_for_parent",
        {"ParentId": "{parent}"},
    ),
    (
        "organizations",
        "describe_organizational_unit",
        {"OrganizationalUnitId": "{unit}"},
    ),
    ("organizations", "describe_account", {"AccountId": "{account}"}),
    ("organizations", "list_parents", {"ChildId": "{account}"}),
    ("organizations", "list_tags_for_resource", {"ResourceId": "{unit}"}),
    ("organizations", "list_inbound_responsibility_transfers", {"Type": "BILLING"}),
    ("marketplace-agreement", "search_agreements", SEARCH),
    ("marketplace-agreement", "describe_agreement", {"agreementId": "{agreement}"}),
    ("marketplace-agreement", "get_agreement_terms", {"agreementId": "{agreement}"}),
    ("marketplace-agreement", "list_agreement_charges", {"agreementId": "{agreement}"}),
    (
        "partnercentral-channel",
        "list_relationships",
        {"catalog": "AWS", "associationTypes": ["END_CUSTOMER"], "maxResults": 1},
    ),
    (
        "marketplace-catalog",
        "list_entities",
        {"Catalog": "AWSMarketplace", "EntityType": "Offer", "MaxResults": 1},
    ),
    ("savingsplans", "describe_savings_plans", {}),
    ("savingsplans", "describe_savings_plans_offerings", {"maxResults": 3}),
    ("marketplace-discovery", "list_purchase_options", {"filters": PRODUCT}),
    ("marketplace-discovery", "get_offer_terms", {"offerId": PRODUCTS[0].offer}),
    ("billingconductor", "list_billing_groups", {}),
    ("billingconductor", "list_pricing_plans", {}),
    ("billingconductor", "list_pricing_rules", {}),
    (
        "billingconductor",
        "list_pricing_rules_associated_to_pricing_plan",
        {"PricingPlanArn": "{plan}"},
    ),
    (
        "billingconductor",
        "list_billing_group_cost_reports",
        {"BillingPeriod": "2026-02"},
    ),
    ("ce", "get_cost_and_usage", COSTS),
    (
        "invoicing",
        "list_invoice_summaries",
        {
            "Selector": {"ResourceType": "ACCOUNT_ID", "Value": "{management}"},
            "Filter": {"BillingPeriod": {"Month": 2, "Year": 2026}},
        },
    ),
]
IN_THE_ACCOUNT = {
    "search_agreements",
    "describe_agreement",
    "get_agreement_terms",
    "list_agreement_charges",
    "describe_savings_plans",
}


def filled(value, places):
    if isinstance(value, dict):
        return {key: filled(inner, places) for key, inner in value.items()}
    return value.format(**places) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("service", "operation", "params"), OPERATIONS, ids=[o[1] for o in OPERATIONS]
)
def test_unmodified_client_works(vendor, places, service, operation, params) -> None:
    inside = operation in IN_THE_ACCOUNT
    keys = assumed(vendor, places["account"]) if inside else {}
    client = vendor.boto(service, **keys)
    answer = getattr(client, operation)(**filled(params, places))
    answer.pop("ResponseMetadata")
    name = client.meta.method_to_api_mapping[operation]
    described = botocore.session.Session().get_service_model(service)
    shape = described.operation_model(name).output_shape
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), report.generate_report()
    assert answer, "an empty answer says nothing"


def test_every_served_operation_is_tried(vendor) -> None:
    tried = set()
    for service, operation, _ in OPERATIONS:
        mapping = vendor.boto(service).meta.method_to_api_mapping
        tried.add((service, mapping[operation]))
    assert set(vendor.sim.operations) == tried


@pytest.mark.parametrize("size", [1, 2, 20])
def test_paginator_gives_everything_whatever_the_size(vendor, size) -> None:
    pages = vendor.boto("organizations").get_paginator("list_accounts")
    found = pages.paginate(PaginationConfig={"PageSize": size}).build_full_result()
    ids = [account["Id"] for account in found["Accounts"]]
    assert sorted(ids) == sorted(vendor.sim.book.accounts)
    assert len(set(ids)) == len(ids)


def code_of(call, **params):
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]


def test_wrong_questions_are_refused_as_described(vendor, places) -> None:
    organizations = vendor.boto("organizations")
    bad = "InvalidInputException", 400
    assert code_of(organizations.list_accounts, MaxResults=50) == bad
    assert code_of(organizations.list_accounts, NextToken="made-up") == bad
    gone = code_of(organizations.describe_account, AccountId="000000000001")
    assert gone == ("AccountNotFoundException", 400)
    agreements = vendor.boto(
        "marketplace-agreement", **assumed(vendor, places["account"])
    )
    filters = [
        *SEARCH["filters"],
        {"name": "AfterLastUpdateTime", "values": ["2026-01-01T00:00:00Z"]},
    ]
    refused = code_of(
        agreements.search_agreements, catalog="AWSMarketplace", filters=filters
    )
    assert refused == ("ValidationException", 400)
    many = {"Catalog": "AWSMarketplace", "EntityType": "Offer", "MaxResults": 51}
    catalog = vendor.boto("marketplace-catalog")
    assert code_of(catalog.list_entities, **many) == ("ValidationException", 422)
    unknown = code_of(organizations.list_policies, Filter="TAG_POLICY")
    assert unknown == ("UnknownOperationException", 400)


def test_keys_are_checked(vendor, places) -> None:
    wrong = vendor.boto("organizations", aws_secret_access_key="wrong")
    assert code_of(wrong.list_roots) == ("InvalidSignatureException", 403)
    nobody = vendor.boto("organizations", aws_access_key_id="AKIANOBODY0000000")
    assert code_of(nobody.list_roots) == ("UnrecognizedClientException", 400)
    wrong = vendor.boto("sts", aws_secret_access_key="wrong")
    assert code_of(wrong.get_caller_identity) == ("SignatureDoesNotMatch", 403)
    member = vendor.boto("organizations", **assumed(vendor, places["account"]))
    assert code_of(member.list_roots) == ("AccessDeniedException", 400)
    stranger = {
        "RoleArn": "arn:aws:iam::000000000009:role/X",
        "RoleSessionName": "test",
    }
    assert code_of(vendor.boto("sts").assume_role, **stranger)[0] == "AccessDenied"


def test_temporary_keys_end_on_the_vendors_clock(start) -> None:
    vendor = start(2)
    keys = assumed(vendor, vendor.sim.book.management)
    client = vendor.boto("organizations", **keys)
    assert client.list_roots()["Roots"]
    vendor.control.advance(timedelta(hours=2))
    assert code_of(client.list_roots) == ("ExpiredTokenException", 400)


def test_views_of_a_closed_month_add_up(vendor, places) -> None:
    s3, bucket = vendor.boto("s3"), vendor.sim.exporter.bucket
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="cur/entrepot/")["Contents"]
    key = next(o["Key"] for o in listed if "=2026-02/" in o["Key"])
    text = gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    rows = csv.DictReader(io.StringIO(text.decode()))
    exported = sum(Decimal(row["line_item_unblended_cost"]) for row in rows)
    client, explored, token = vendor.boto("ce"), Decimal(0), {}
    while True:
        answer = client.get_cost_and_usage(**COSTS, **token)
        (month,) = answer["ResultsByTime"]
        assert not month["Estimated"]
        for group in month["Groups"]:
            explored += Decimal(group["Metrics"]["UnblendedCost"]["Amount"])
        if "NextPageToken" not in answer:
            break
        token = {"NextPageToken": answer["NextPageToken"]}
    invoices = vendor.boto("invoicing").list_invoice_summaries(
        Selector={"ResourceType": "ACCOUNT_ID", "Value": places["management"]},
        Filter={"BillingPeriod": {"Month": 2, "Year": 2026}},
    )["InvoiceSummaries"]
    total = sum(Decimal(i["BaseCurrencyAmount"]["TotalAmount"]) for i in invoices)
    assert exported == explored == total
    sellers = {each["Entity"]["BillingEntity"] for each in invoices}
    assert sellers == {"AWS", "AWS_MARKETPLACE"}
    assert token, "more groups than one page holds"


@pytest.mark.parametrize(
    ("service", "operation", "params", "status", "code"),
    [
        ("organizations", "list_roots", {}, 400, "TooManyRequestsException"),
        ("ce", "get_cost_and_usage", COSTS, 400, "LimitExceededException"),
        ("sts", "get_caller_identity", {}, 400, "Throttling"),
        ("billingconductor", "list_billing_groups", {}, 429, "ThrottlingException"),
    ],
)
def test_throttling_has_each_services_shape(
    vendor, service, operation, params, status, code
) -> None:
    vendor.control.add_fault("rate_limited", path="^/")
    assert code_of(getattr(vendor.boto(service), operation), **params) == (code, status)


def test_organizations_of_moto_answer_alike(vendor) -> None:
    """An independent second implementation; only what both can do is compared."""
    import boto3
    from moto import mock_aws

    with mock_aws():
        theirs = boto3.client(
            "organizations",
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        theirs.create_organization(FeatureSet="ALL")
        root = theirs.list_roots()["Roots"][0]["Id"]
        unit = theirs.create_organizational_unit(ParentId=root, Name="Customers")
        parent = unit["OrganizationalUnit"]["Id"]
        units = theirs.list_organizational_units_for_parent(ParentId=root)
        account = theirs.list_accounts()["Accounts"][0]
    ours = vendor.boto("organizations")
    mine = ours.list_organizational_units_for_parent(ParentId=vendor.sim.book.root)
    keys = units["OrganizationalUnits"][0].keys() & {"Id", "Arn", "Name"}
    assert keys == mine["OrganizationalUnits"][0].keys() & {"Id", "Arn", "Name"}
    assert parent[:3] == vendor.sim.book.customers_parent[:3]
    shown = ours.list_accounts()["Accounts"][0].keys()
    # The other one knows neither states nor paths of the present model.
    assert set(account) - {"State", "Paths", "Status"} <= set(shown)
