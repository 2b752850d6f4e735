"""A small vendor: plugin and simulator, honest unless told otherwise."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from entrepot.sdk.errors import AuthRequired, Retryable
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.http import BearerAuth
from entrepot.sdk.model import (
    AccountStatus,
    Capabilities,
    Charge,
    ChargeKind,
    CheckResult,
    ContentHash,
    Gap,
    GapReason,
    Listing,
    MatchingVocabulary,
    Money,
    Offer,
    Page,
    PluginInfo,
    PluginKind,
    QuotaKey,
    RawItems,
    Subscription,
    SubscriptionStatus,
    UsageLine,
    VendorCustomer,
)
from entrepot.sdk.settings import setting
from entrepot.sdk.simulator import Simulator, json_response

STATUSES = {"live": SubscriptionStatus.ACTIVE, "over": SubscriptionStatus.ENDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeSettings:
    base_url: str = setting("Address", adds_host=True)
    api_key: str = setting("API key", secret=True)


class FakeSimulator(Simulator):
    name = "fake"
    amount_fields = frozenset({"price"})

    def __init__(self, options=None):
        super().__init__(options)
        self.gone = set()
        self.moved = {}
        self.corrections = {}
        for word in ("vanish_subscription", "rekey_subscription", "restate_charge"):
            self.action(word, getattr(self, word))
        self.key = f"planted-key-{self.options.seed}"
        self.route("GET", "/me", lambda request: json_response({"name": "Fake"}))
        self.route("GET", "/customers", self.customers)
        self.route("GET", "/offers", self.offers)
        self.route("GET", "/customers/<customer>", self.customer)
        self.route("GET", "/customers/<customer>/subs", self.subs)
        self.route("GET", "/customers/<customer>/subs/<path:sub>", self.sub)
        self.route("GET", "/charges/<month>", self.charges)
        self.route("GET", "/customers/<customer>/usage/<month>", self.usage)

    def vanish_subscription(self, customer_id, subscription_id):
        self.gone.add(subscription_id)

    def rekey_subscription(self, customer_id, subscription_id):
        self.moved[subscription_id] = f"{subscription_id}-new"
        return {"subscription_id": self.moved[subscription_id]}

    def restate_charge(self, charge_id, customer_id):
        self.corrections[charge_id] = "9.99"

    def authorize(self, request):
        if request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return json_response({"error": "key"}, 401)

    def names(self):
        seed = self.options.seed
        return [f"c{seed}-{n:03}" for n in range(self.options.customers)]

    def paged(self, request, items):
        start, size = int(request.args.get("at", 0)), int(request.args.get("size", 50))
        start = self.shift_page(request, start, size)
        rest = start + size
        return json_response(
            {"items": items[start:rest], "next": rest if rest < len(items) else None}
        )

    def customers(self, request):
        return self.paged(request, [{"id": n, "name": n.upper()} for n in self.names()])

    def offers(self, request):
        found = [{"sku": f"s{n}", "price": 1.5} for n in range(7)]
        return self.paged(request, found)

    def customer(self, request, customer):
        if customer not in self.names():
            return json_response({}, 404)
        return json_response({"id": customer, "name": customer.upper()})

    def held(self, customer, word):
        ids = (f"{customer}-{n}" for n in range(6))
        return [
            {"id": self.moved.get(one, one), "customer": customer, "status": word}
            for one in ids
            if one not in self.gone
        ]

    def subs(self, request, customer):
        struck = self.struck(request).get("unknown_enum")
        return self.paged(
            request, self.held(customer, struck.value if struck else "live")
        )

    def sub(self, request, customer, sub):
        found = [one for one in self.held(customer, "live") if one["id"] == sub]
        return json_response(found[0]) if found else json_response({}, 404)

    def charges(self, request, month):
        ids = [f"{month}-{n}" for n in range(7)]
        found = [
            {"id": one, "customer": self.names()[0], "price": self.corrections.get(one)}
            for one in ids
        ]
        return self.paged(request, found)

    def usage(self, request, customer, month):
        found = [{"id": f"{customer}-{month}-{n}", "hours": "1.25"} for n in range(6)]
        return self.paged(request, found)


@dataclass
class Flaws:
    """How the plugin misbehaves; all off for the honest one."""

    names: set[str] = field(default_factory=set)

    def __contains__(self, name):
        return name in self.names


class Session:
    def __init__(self, http):
        self.http = http


class FakePlugin:
    def __init__(self, *flaws):
        self.flaws = flaws
        self.kept = {}

    @hookimpl
    def describe_plugin(self):
        return PluginInfo(
            name="fake",
            title="Fake",
            kind=PluginKind.VENDOR,
            version="1",
            api=(1, 0),
            settings_type=FakeSettings,
            quotas=(QuotaKey(name="api", requests=100, seconds=1),),
            capabilities=Capabilities(
                subscriptions=Listing.PER_CUSTOMER,
                usage=Listing.PER_CUSTOMER,
                charges=Listing.GLOBAL,
            ),
            gaps=tuple(
                Gap(hook=hook, reason=GapReason.NOT_YET_OURS, text="Later.")
                for hook in (
                    "list_changes",
                    "receive_notification",
                    "register_notifications",
                    "list_contacts",
                    "list_orders",
                )
            ),
        )

    @hookimpl
    def matching_vocabulary(self):
        return MatchingVocabulary()

    @hookimpl
    def open_connection(self, ctx):
        if "shared session" in self.flaws:
            return self.kept.setdefault("session", Session(self._bound(ctx)))
        return Session(self._bound(ctx))

    def _bound(self, ctx):
        def errors(response):
            if response.status == 401:
                key = ctx.secrets.get("api_key") if "leak" in self.flaws else ""
                return AuthRequired(
                    "key", f"The key {key} is wrong.", remedy="New key."
                )
            if response.status == 503 and "leak" in self.flaws:
                ctx.log.warning("failed", key=ctx.secrets.get("api_key"))
            return None

        return ctx.http.bound(
            base_url=ctx.settings.base_url,
            auth=BearerAuth(lambda renew: ctx.secrets.get("api_key")),
            errors=errors,
        )

    @hookimpl
    def close_connection(self, ctx):
        pass

    @hookimpl
    def check_connection(self, ctx):
        if "no check" in self.flaws:
            return CheckResult(account_name="Fake")
        return CheckResult(account_name=ctx.runtime.http.get("/me").json()["name"])

    @hookimpl
    def get_console_link(self, ctx, query):
        if "chatty link" in self.flaws:
            ctx.runtime.http.get("/me")
        return "https://console.example/"

    @hookimpl
    def list_customers(self, ctx, query):
        at = query.cursor or "0"
        if "memory cursor" in self.flaws:
            at = ctx.runtime.__dict__.get("at", "0") if query.cursor else "0"
        found = self._read(ctx, "/customers", at, query)
        if "memory cursor" in self.flaws:
            ctx.runtime.at = str(found["next"])
        if "endless" in self.flaws and found["next"] is None:
            found["next"] = 0
        if "repeats" in self.flaws and at != "0":
            found["items"].insert(0, {"id": self._first(ctx), "name": "twice"})
        if "moving ids" in self.flaws:
            self.kept["n"] = self.kept.get("n", 0) + 1
            found["items"][0]["id"] += str(self.kept["n"])
        if query.raw:
            return Page(raw=self._raw(found["items"]), next_cursor=self._next(found))
        items = [self._customer(item) for item in found["items"]]
        return Page(items=items, next_cursor=self._next(found))

    def _raw(self, items):
        if "unstable raw" in self.flaws:
            self.kept["n"] = self.kept.get("n", 0) + 1
            items = [{**item, "etag": self.kept["n"]} for item in items]

        def decode(item):
            record = self._customer(json.loads(item))
            if "other raw" in self.flaws:
                return VendorCustomer(vendor_id=record.vendor_id, name="other")
            return record

        return RawItems(
            items=[json.dumps(item).encode() for item in items],
            decode=decode,
            content_hash=ContentHash.RAW,
            mapping_version="1",
        )

    def _first(self, ctx):
        return ctx.runtime.http.get("/customers").json()["items"][0]["id"]

    def _customer(self, item):
        return VendorCustomer(
            vendor_id=item["id"], name=item["name"], status=AccountStatus.ACTIVE
        )

    @hookimpl
    def get_customer(self, ctx, query):
        path = f"/customers/{query.customer_id}"
        if "404 is auth" in self.flaws:
            found = ctx.runtime.http.get(path, accept={404}).json()
            return self._customer({"id": "x", "name": "x", **found})
        return self._customer(ctx.runtime.http.get(path).json())

    @hookimpl
    def list_offers(self, ctx, query):
        found = self._read(ctx, "/offers", query.cursor or "0", query)
        items = [
            Offer(
                key=item["sku"],
                product_id="p",
                sku=item["sku"],
                name="n",
                unit_cost=self._price(item),
                currency="euro" if "bad currency" in self.flaws else "EUR",
                attributes={"x": 1.5} if "floats" in self.flaws else {},
            )
            for item in found["items"]
        ]
        return Page(items=items, next_cursor=self._next(found))

    @hookimpl
    def list_subscriptions(self, ctx, query):
        path = f"/customers/{query.customer_id}/subs"
        found = self._read(ctx, path, query.cursor or "0", query)
        items = [self._subscription(item) for item in found["items"]]
        return Page(items=items, next_cursor=self._next(found))

    def _subscription(self, item):
        return Subscription(
            vendor_id=item["id"],
            customer_id=item["customer"],
            sku="s1",
            name="S",
            quantity=Decimal(1),
            status=self._status(item["status"]),
            vendor_status=item["status"],
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    def _price(self, item):
        price = item["price"]
        if "floats for money" in self.flaws:
            return Decimal(str(float(price)))
        return Decimal(price)

    def _status(self, word):
        default = SubscriptionStatus.UNKNOWN
        if "harmless default" in self.flaws:
            default = SubscriptionStatus.ACTIVE
        return STATUSES.get(word, default)

    @hookimpl
    def get_subscription(self, ctx, query):
        path = f"/customers/{query.customer_id}/subs/{query.subscription_id}"
        return self._subscription(ctx.runtime.http.get(path).json())

    @hookimpl
    def list_charges(self, ctx, query):
        path = f"/charges/{query.period.start}"
        found = self._read(ctx, path, query.cursor or "0", query)
        items = [
            Charge(
                vendor_id=self._charge_id(item),
                customer_id=item["customer"],
                kind=ChargeKind.RECURRING,
                period=query.period,
                amount=Money(Decimal(item["price"] or "1.00"), "EUR"),
            )
            for item in found["items"]
        ]
        return Page(items=items, next_cursor=self._next(found))

    def _charge_id(self, item):
        if "ids of amounts" in self.flaws:
            return f"{item['id']}-{item['price']}"
        return item["id"]

    @hookimpl
    def list_usage(self, ctx, query):
        path = f"/customers/{query.customer_id}/usage/{query.period.start}"
        found = self._read(ctx, path, query.cursor or "0", query)
        began = datetime.combine(query.period.start, time(), UTC)
        items = [
            UsageLine(
                vendor_id=item["id"],
                customer_id=query.customer_id,
                starts_at=began,
                ends_at=began + timedelta(hours=2),
                quantity=Decimal(item["hours"]),
                unit="hour",
            )
            for item in found["items"]
        ]
        return Page(items=items, next_cursor=self._next(found))

    def _read(self, ctx, path, at, query):
        params = {"at": at, "size": query.page_size}
        try:
            if "shared answers" in self.flaws:
                return dict(self._remembered(ctx, path, at, query))
            return ctx.runtime.http.get(path, params=params).json()
        except Retryable:
            if "swallowed errors" in self.flaws:
                return {"items": [], "next": None}
            raise

    def _next(self, found):
        return None if found["next"] is None else str(found["next"])

    def _remembered(self, ctx, path, at, query):
        key = f"{path} {at} {query.page_size}"
        if key not in self.kept:
            params = {"at": at, "size": query.page_size}
            self.kept[key] = ctx.runtime.http.get(path, params=params).json()
        return self.kept[key]
