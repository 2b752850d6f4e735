"""Google's own client, unmodified, against the simulator: the same as our client."""

from __future__ import annotations

import base64
import json
import re
import uuid

import pytest
from entrepot.sdk import queries as ask
from entrepot_google.billing import CHARGES_SQL, statement
from entrepot_google.plugin import plugin
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

ORDER = "https://www.googleapis.com/auth/apps.order"


OPEN = []


@pytest.fixture(autouse=True)
def closed():
    """Close the clients of a test: their sockets outlive them otherwise."""
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture
def channel(vendor, monkeypatch):
    """The Cloud Channel client with a delegated service account."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return made(vendor, "cloudchannel", "v1")


def made(vendor, name, version, scopes=(ORDER,), base=""):
    key = json.loads(vendor.sim.authority.key_file(f"{vendor.url}/token"))
    signed_in = service_account.Credentials.from_service_account_info(
        key, scopes=list(scopes)
    ).with_subject(vendor.sim.authority.admin)
    return built(vendor, name, version, signed_in, base)


def built(vendor, name, version, signed_in, base=""):
    client = build(
        name,
        version,
        credentials=signed_in,
        static_discovery=True,
        cache_discovery=False,
        client_options={"api_endpoint": vendor.url + base},
    )
    OPEN.append(client)
    return client


def own_token(vendor, scope):
    """A client's token for the service account itself.

    With a key and no subject the library would ask a public Google host.
    """
    from entrepot_google import runtime
    from entrepot_google.tokens import TokenAuth

    ctx = vendor.connect()
    cache = runtime.Runtime().tokens
    auth = TokenAuth(
        ctx.http, ctx.settings, ctx.secrets, ctx.clock, cache, scope, delegated=False
    )
    return Credentials(token=auth.headers()["Authorization"].removeprefix("Bearer "))


def walk(method, following, member, **given):
    """All items of a listing by the client's own paging."""
    found, request = [], method(**given)
    while request is not None:
        answer = request.execute()
        found += answer.get(member, [])
        request = following(request, answer)
    return found


def test_oracle_reads_what_the_plugin_reads(vendor, channel) -> None:
    ctx, parent = vendor.connect(), vendor.sim.account
    theirs = channel.accounts().customers()
    people = walk(theirs.list, theirs.list_next, "customers", parent=parent, pageSize=4)
    ours = plugin.list_customers(ctx, ask.ListCustomers()).records()
    assert [p["name"].rpartition("/")[2] for p in people] == [c.vendor_id for c in ours]
    one = theirs.get(name=people[0]["name"]).execute()
    assert one == people[0]
    api = theirs.entitlements()
    for person, customer in zip(people, ours, strict=True):
        held = walk(api.list, api.list_next, "entitlements", parent=person["name"])
        query = ask.ListSubscriptions(customer_id=customer.vendor_id)
        page = plugin.list_subscriptions(ctx, query)
        assert len(held) == len(page.records())
    name = held[0]["name"]
    assert api.get(name=name).execute()["name"] == name
    assert api.lookupOffer(entitlement=name).execute()["name"] == held[0]["offer"]
    everything = f"{person['name']}/entitlements/-"
    changes = api.listEntitlementChanges(parent=everything).execute()
    assert changes["entitlementChanges"][0]["entitlement"].startswith(person["name"])


def test_oracle_partners(start, monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    vendor = start(customers=6, extra={"partners": "1"})
    api = made(vendor, "cloudchannel", "v1").accounts().channelPartnerLinks()
    parent = vendor.sim.account
    links = walk(
        api.list, api.list_next, "channelPartnerLinks", parent=parent, pageSize=1
    )
    assert [each["linkState"] for each in links] == ["ACTIVE", "INVITED"]
    name = links[0]["name"]
    full = api.get(name=name, view="FULL").execute()
    assert full.pop("channelPartnerCloudIdentityInfo")["customerType"] == "DOMAIN"
    assert full == api.get(name=name).execute() == links[0]
    people = walk(
        api.customers().list,
        api.customers().list_next,
        "customers",
        parent=name,
        pageSize=2,
    )
    assert len(people) == 3
    assert {p["channelPartnerId"] for p in people} == {
        links[0]["resellerCloudIdentityId"]
    }
    customer = people[0]["name"].rpartition("/")[2]
    one = api.customers().get(name=f"{name}/customers/{customer}").execute()
    assert one == people[0]
    own = vendor.sim.book.listed()[0]
    with pytest.raises(HttpError) as caught:
        api.customers().get(name=f"{name}/customers/{own}").execute()
    assert caught.value.status_code == 404
    empty = api.customers().list(parent=links[1]["name"]).execute()
    assert empty == {}


def test_oracle_catalogue_and_filters(vendor, channel) -> None:
    parent = vendor.sim.account
    offers = channel.accounts().offers().list(parent=parent).execute()["offers"]
    assert not any(
        "effectivePrice" in o["priceByResources"][0]["price"] for o in offers
    )
    products = channel.products()
    named = products.list(account=parent).execute()["products"]
    skus = products.skus().list(parent="products/-", account=parent).execute()["skus"]
    assert {s["product"]["name"] for s in skus} == {p["name"] for p in named}
    people = channel.accounts().customers()
    first = people.list(parent=parent, pageSize=1).execute()["customers"][0]
    text = f"cloud_identity_id = {first['cloudIdentityId']}"
    assert people.list(parent=parent, filter=text).execute()["customers"] == [first]
    # Too long for an address, the client sends it as a POST that stands for a GET.
    several = " OR ".join([text] * 60)
    assert people.list(parent=parent, filter=several).execute()["customers"] == [first]
    with pytest.raises(HttpError) as caught:
        people.list(parent=parent, filter="domain=a OR domain=b AND domain=c").execute()
    assert caught.value.status_code == 400
    sellable = people.listPurchasableSkus(
        customer=first["name"], createEntitlementPurchase_product=named[0]["name"]
    ).execute()["purchasableSkus"]
    bought = people.listPurchasableOffers(
        customer=first["name"],
        createEntitlementPurchase_sku=sellable[0]["sku"]["name"],
    ).execute()["purchasableOffers"]
    prices = [each["offer"]["priceByResources"][0]["price"] for each in bought]
    assert any("effectivePrice" in price for price in prices)
    assert all(each["priceReferenceId"] for each in bought)
    accounts = channel.accounts()
    body = {"domain": first["domain"]}
    known = accounts.checkCloudIdentityAccountsExist(parent=parent, body=body).execute()
    assert known["cloudIdentityAccounts"][0]["customerName"] == first["name"]


def test_oracle_refusals(vendor, channel) -> None:
    api = channel.accounts().customers()
    for name, status in (
        (f"{vendor.sim.account}/customers/Snobody", 404),
        ("accounts/C0other/customers/Sx", 403),
    ):
        with pytest.raises(HttpError) as caught:
            api.get(name=name).execute()
        assert caught.value.status_code == status
    with pytest.raises(HttpError) as caught:
        channel.operations().list(name="operations").execute()
    assert caught.value.status_code in (404, 501)
    with pytest.raises(Exception, match="unauthorized_client"):
        both = (ORDER, "https://www.googleapis.com/auth/apps.reports.usage.readonly")
        made(vendor, "cloudchannel", "v1", both).accounts().customers().list(
            parent=vendor.sim.account
        ).execute()


def test_oracle_reseller_view(vendor, channel) -> None:
    svc = made(vendor, "reseller", "v1")
    api = svc.subscriptions()
    held = walk(api.list, api.list_next, "subscriptions", maxResults=7)
    entitlements = [
        e
        for c in vendor.sim.book.every()
        for e in c.entitlements.values()
        if e.offer.plan != "usage"
    ]
    assert {h["subscriptionId"] for h in held} == {
        e.provisioning_id for e in entitlements
    }
    assert "ANNUAL_MONTHLY_PAY" not in {h["plan"]["planName"] for h in held}
    one = api.get(
        customerId=held[0]["customerId"], subscriptionId=held[0]["subscriptionId"]
    ).execute()
    assert one == held[0]
    customer = svc.customers().get(customerId=one["customerDomain"]).execute()
    assert customer["customerId"] == one["customerId"]
    with pytest.raises(HttpError) as caught:
        api.list(maxResults=500).execute()
    assert caught.value.status_code == 400
    with pytest.raises(HttpError) as caught:
        svc.customers().get(customerId="nobody.example").execute()
    assert caught.value.status_code == 404
    notify = svc.resellernotify()
    email = vendor.sim.authority.email
    topic = notify.register(serviceAccountEmailAddress=email).execute()["topicName"]
    assert notify.getwatchdetails().execute() == {
        "topicName": topic,
        "serviceAccountEmailAddresses": [email],
    }


def test_oracle_events(vendor, channel) -> None:
    accounts, parent = channel.accounts(), vendor.sim.account
    email = vendor.sim.authority.email
    topic = accounts.register(account=parent, body={"serviceAccount": email}).execute()
    assert accounts.listSubscribers(account=parent).execute() == {
        **topic,
        "serviceAccounts": [email],
    }
    own = own_token(vendor, "https://www.googleapis.com/auth/pubsub")
    api = built(vendor, "pubsub", "v1", own).projects().subscriptions()
    name = "projects/reseller-hub/subscriptions/oracle"
    api.create(name=name, body=topic).execute()
    vendor.control.act("buy", seats=3)
    pulled = api.pull(subscription=name, body={"maxMessages": 5}).execute()
    received = pulled["receivedMessages"]
    data = json.loads(base64.b64decode(received[0]["message"]["data"]))
    assert data["entitlement_event"]["event_type"] == "CREATED"
    acks = {"ackIds": [received[0]["ackId"]]}
    api.acknowledge(subscription=name, body=acks).execute()
    assert api.pull(subscription=name, body={"maxMessages": 5}).execute() == {}


def test_oracle_billing_export(vendor) -> None:
    own = own_token(vendor, "https://www.googleapis.com/auth/bigquery")
    jobs = built(vendor, "bigquery", "v2", own, "/bigquery/v2/").jobs()
    months = {"arrayValues": [{"value": "202609"}]}
    array = {"type": "ARRAY", "arrayType": {"type": "STRING"}}
    body = {
        "query": statement(CHARGES_SQL, vendor.sim.billing_table),
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "maxResults": 3,
        "requestId": str(uuid.uuid4()),
        "queryParameters": [
            {
                "name": "customer",
                "parameterType": {"type": "STRING"},
                "parameterValue": {"value": ""},
            },
            {"name": "months", "parameterType": array, "parameterValue": months},
        ],
    }
    first = jobs.query(projectId="reseller-hub", body=body).execute()
    rows, token = list(first["rows"]), first.get("pageToken")
    while token:
        page = jobs.getQueryResults(
            projectId="reseller-hub",
            jobId=first["jobReference"]["jobId"],
            pageToken=token,
            maxResults=3,
        ).execute()
        rows, token = rows + page["rows"], page.get("pageToken")
    assert len(rows) == int(first["totalRows"]) > 3
    body["query"] = body["query"].replace("billing.", "elsewhere.")
    with pytest.raises(HttpError) as caught:
        jobs.query(projectId="reseller-hub", body=body).execute()
    assert caught.value.status_code == 404


CHANNEL = "cloudchannel.accounts"
OPERATIONS = {
    f"{CHANNEL}.customers.list": {"parent": "{account}", "pageSize": 2},
    f"{CHANNEL}.customers.get": {"name": "{customer}"},
    f"{CHANNEL}.customers.listPurchasableSkus": {
        "customer": "{customer}",
        "createEntitlementPurchase_product": "{product}",
    },
    f"{CHANNEL}.customers.listPurchasableOffers": {
        "customer": "{customer}",
        "createEntitlementPurchase_sku": "{sku}",
    },
    f"{CHANNEL}.customers.entitlements.list": {"parent": "{customer}"},
    f"{CHANNEL}.customers.entitlements.get": {"name": "{entitlement}"},
    f"{CHANNEL}.customers.entitlements.lookupOffer": {"entitlement": "{entitlement}"},
    f"{CHANNEL}.customers.entitlements.listEntitlementChanges": {
        "parent": "{entitlement}"
    },
    f"{CHANNEL}.offers.list": {"parent": "{account}"},
    "cloudchannel.products.list": {"account": "{account}"},
    "cloudchannel.products.skus.list": {"parent": "{product}", "account": "{account}"},
    f"{CHANNEL}.channelPartnerLinks.list": {"parent": "{account}"},
    f"{CHANNEL}.channelPartnerLinks.get": {"name": "{link}"},
    f"{CHANNEL}.channelPartnerLinks.customers.list": {"parent": "{link}"},
    f"{CHANNEL}.channelPartnerLinks.customers.get": {
        "name": "{link}/customers/{theirs}"
    },
    f"{CHANNEL}.checkCloudIdentityAccountsExist": {
        "parent": "{account}",
        "body": {"domain": "{domain}"},
    },
    "cloudchannel.operations.list": {"name": "operations"},
    "cloudchannel.operations.get": {"name": "operations/op-1"},
    f"{CHANNEL}.register": {"account": "{account}", "body": {"serviceAccount": "{me}"}},
    f"{CHANNEL}.listSubscribers": {"account": "{account}"},
    "pubsub.projects.subscriptions.create": {
        "name": "{subscription}",
        "body": {"topic": "{topic}"},
    },
    "pubsub.projects.subscriptions.get": {"subscription": "{subscription}"},
    "pubsub.projects.subscriptions.modifyPushConfig": {
        "subscription": "{subscription}",
        "body": {"pushConfig": {}},
    },
    "pubsub.projects.subscriptions.pull": {
        "subscription": "{subscription}",
        "body": {"maxMessages": 1},
    },
    "pubsub.projects.subscriptions.acknowledge": {
        "subscription": "{subscription}",
        "body": {"ackIds": ["{ack}"]},
    },
    f"{CHANNEL}.unregister": {
        "account": "{account}",
        "body": {"serviceAccount": "{me}"},
    },
    "reseller.customers.get": {"customerId": "{domain}"},
    "reseller.subscriptions.list": {"maxResults": 3},
    "reseller.subscriptions.get": {
        "customerId": "{identity}",
        "subscriptionId": "{provisioned}",
    },
    "reseller.resellernotify.register": {"serviceAccountEmailAddress": "{me}"},
    "reseller.resellernotify.getwatchdetails": {},
    "reseller.resellernotify.unregister": {"serviceAccountEmailAddress": "{me}"},
    "bigquery.jobs.query": {
        "projectId": "reseller-hub",
        "body": {
            "query": "{question}",
            "useLegacySql": False,
            "parameterMode": "NAMED",
            "queryParameters": [
                {
                    "name": "customer",
                    "parameterType": {"type": "STRING"},
                    "parameterValue": {"value": ""},
                },
                {
                    "name": "months",
                    "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}},
                    "parameterValue": {"arrayValues": [{"value": "202609"}]},
                },
            ],
        },
    },
    "bigquery.jobs.getQueryResults": {"projectId": "reseller-hub", "jobId": "{job}"},
}


def filled(value, places):
    if isinstance(value, dict):
        return {name: filled(inner, places) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, places) for inner in value]
    return value.format(**places) if isinstance(value, str) else value


def learnt(operation, answer, places):
    """What later operations are asked about."""
    if operation.endswith("channelPartnerLinks.list"):
        places["link"] = answer["channelPartnerLinks"][0]["name"]
    if operation.endswith("channelPartnerLinks.customers.list"):
        places["theirs"] = answer["customers"][0]["name"].rpartition("/")[2]
    if operation.endswith(".register"):
        places["topic"] = answer.get("topic") or answer["topicName"]
    if operation.endswith(".pull"):
        places["ack"] = answer["receivedMessages"][0]["ackId"]
    if operation == "bigquery.jobs.query":
        places["job"] = answer["jobReference"]["jobId"]


def served_operations(sim, documents):
    """The published operations behind the paths that the simulator serves."""
    found = set()
    for verb, rule in sim.routes:
        path = re.sub(r"<[^>]+>", "x", rule)
        methods = [document.find(verb, path) for document in documents]
        found |= {method["id"] for method in methods if method}
    return found


def test_oracle_every_operation_works(start, all_published, monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    vendor = start(customers=6, extra={"partners": "1", "operations": "yes"})
    assert served_operations(vendor.sim, all_published) == set(OPERATIONS)
    account, book = vendor.sim.account, vendor.sim.book
    one = next(c for c in book.every() if c.id == book.listed()[0])
    held = next(e for e in one.entitlements.values() if e.offer.plan != "usage")
    vendor.control.act("add_operation", customer=one.id, entitlement=held.id)
    customer = f"{account}/customers/{one.id}"
    sku = held.offer.sku.path
    places = {
        "account": account,
        "customer": customer,
        "entitlement": f"{customer}/entitlements/{held.id}",
        "product": sku.partition("/skus")[0],
        "sku": sku,
        "domain": one.facts.domain,
        "identity": one.identity,
        "provisioned": held.provisioning_id,
        "me": vendor.sim.authority.email,
        "subscription": "projects/reseller-hub/subscriptions/oracle",
        "question": statement(CHARGES_SQL, vendor.sim.billing_table),
    }
    scope, big = "https://www.googleapis.com/auth/", "/bigquery/v2/"
    clients = {
        "cloudchannel": made(vendor, "cloudchannel", "v1"),
        "reseller": made(vendor, "reseller", "v1"),
        "pubsub": built(vendor, "pubsub", "v1", own_token(vendor, f"{scope}pubsub")),
        "bigquery": built(
            vendor, "bigquery", "v2", own_token(vendor, f"{scope}bigquery"), big
        ),
    }
    for operation, params in OPERATIONS.items():
        if operation.endswith(".pull"):
            vendor.control.act("buy", seats=3)
        service, *path, name = operation.split(".")
        resource = clients[service]
        for part in path:
            resource = getattr(resource, part)()
        answer = getattr(resource, name)(**filled(params, places)).execute()
        learnt(operation, answer, places)
    assert vendor.sim.seen == set(OPERATIONS)


def test_documents_refuse_what_google_refuses(published) -> None:
    """The gate that judges the wire catches the mistakes it is there for."""
    entitlement = "GoogleCloudChannelV1Entitlement"
    good = {
        "name": "accounts/C1/customers/S1/entitlements/S2",
        "createTime": "2026-09-01T08:00:07.120Z",
        "provisioningState": "ACTIVE",
        "parameters": [{"name": "num_units", "value": {"int64Value": "5"}}],
    }
    assert published.errors(entitlement, good) == []
    for wrong in (
        {"parameters": [{"name": "num_units", "value": {"int64Value": 5}}]},
        {"provisioningState": "CANCELED"},
        {"createTime": "2026-09-01"},
        {"maxUnits": 100},
    ):
        assert published.errors(entitlement, {**good, **wrong}), wrong
