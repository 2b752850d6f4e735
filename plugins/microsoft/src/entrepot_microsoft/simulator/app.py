"""The simulated partner tenant: wiring, tokens, headers, throttling, faults."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from entrepot.sdk.simulator import Options, Quota, Seed, Simulator, json_response
from entrepot.sdk.simulator.base import Handler
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator import audit, book, refusals, render, seeding
from entrepot_microsoft.simulator.audit_api import AuditApi
from entrepot_microsoft.simulator.catalogue_api import CatalogueApi
from entrepot_microsoft.simulator.customers_api import CustomersApi
from entrepot_microsoft.simulator.export_api import ExportApi
from entrepot_microsoft.simulator.invoices_api import InvoicesApi
from entrepot_microsoft.simulator.model import Customer, Sub, Wire
from entrepot_microsoft.simulator.subscription_actions import SubscriptionActions
from entrepot_microsoft.simulator.subscriptions_api import SubscriptionsApi
from entrepot_microsoft.simulator.tenant_actions import TenantActions
from entrepot_microsoft.simulator.tokens import (
    CORE,
    GRAPH,
    PRICE,
    Authority,
    Token,
)
from entrepot_microsoft.simulator.webhooks import Webhooks

_TOKEN = "entrepot.token"  # noqa: S105 - key of the WSGI environment
_OPEN = ("/certificates/", "/blobs/")
_GRAPH = "/v1.0/reports/"


class MicrosoftSimulator(Simulator):
    """A Partner Center look-alike of one partner tenant.

    Switches in ``Options.extra``: ``tenant``, ``client``, ``secret``, ``refresh``
    (credentials), ``rotation`` (``strict`` or ``lenient``), ``mfa``, ``role``
    (``admin``, ``none``, ``reseller``), ``lifetime`` (seconds of an access token),
    ``country`` (a code, or ``mixed``), ``last_page`` (``mixed``, ``error``,
    ``end``), ``est`` (extended service terms, default on), ``lag`` (minutes until a
    new subscription shows), ``webhook_delay`` (hours), ``deliver`` (``auto``,
    or ``manual`` by the action ``deliver_webhooks``), ``seed_out`` (file the neutral
    seed is written to at the start), ``cache_mb`` (megabytes of
    encoded listings kept, default 128), ``export_lines`` (lines of a file of the
    billing export), ``export_wait`` (seconds between two looks at one, 0).
    """

    name = "microsoft"
    quotas: ClassVar[Mapping[str, Mapping[str, Quota]]] = {
        "real": {
            "tenant": Quota(limit=500, window=60.0, count_refused=True),
            "validation": Quota(limit=2, window=60.0),
        },
        "test": {
            "tenant": Quota(limit=50, window=1.0),
            "validation": Quota(limit=2, window=1.0),
        },
    }

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        extra = self.options.extra
        self.requests_seen = 0
        self.gone_product = ""
        self.webhook_delay = timedelta(hours=float(extra.get("webhook_delay", "0")))
        self.lag = timedelta(minutes=float(extra.get("lag", "0")))
        self.authority = Authority(self.random, extra)
        self.book = book.Book(
            self.options, self.clock.now(), self.options.flag("est", True)
        )
        self.audit = audit.AuditLog(self.authority.tenant_id)
        self.route("POST", "/<tenant>/oauth2/token", self._issue)
        self.route("POST", "/<tenant>/oauth2/v2.0/token", self._issue)
        CustomersApi(self)
        SubscriptionsApi(self)
        CatalogueApi(self)
        AuditApi(self)
        InvoicesApi(self)
        ExportApi(self)
        self.webhooks = Webhooks(self)
        TenantActions(self)
        SubscriptionActions(self)
        seeding.write_history(self)

    # Hooks of the base

    def route(self, methods: str, path: str, handler: Handler) -> None:
        """Serve a path; a ``Refusal`` of the handler becomes its answer."""

        def guarded(request: Request, **values: str) -> Response:
            try:
                return handler(request, **values)
            except refusals.Refusal as refusal:
                return refusal.response

        super().route(methods, path, guarded)

    def authorize(self, request: Request) -> Response | None:
        """Judge the bearer token; each host has its own audience (B02 to B05)."""
        if request.path.startswith(_OPEN) or request.path.endswith("/token"):
            return None
        graph_host = request.path.startswith(_GRAPH)
        price_host = request.path.startswith("/v1.0/") and not graph_host
        audience = GRAPH if graph_host else PRICE if price_host else CORE
        try:
            token = self.authority.judge(request, self.clock.now(), audience)
        except refusals.Refusal as refusal:
            if price_host and refusal.response.status_code == 401:
                return Response("Invalid Authorization header", status=401)
            return refusal.response
        if price_host and not token.user:
            return Response("Invalid Authorization header", status=401)
        request.environ[_TOKEN] = token
        return None

    def needs_user(self, request: Request) -> None:
        """Refuse a token without a user (B04)."""
        token: Token = request.environ[_TOKEN]
        if not token.user:
            raise refusals.refuse(403, "900329", "This needs an App+User token.")

    def quota_keys(self, request: Request) -> Iterable[tuple[str, str]]:
        """500 a minute over customers, subscriptions and orders (§1.8)."""
        if request.path.startswith("/v1/customers"):
            yield "tenant", self.authority.tenant_id
        if request.path.endswith("/validationEvents") and request.method == "POST":
            yield "validation", ""

    def throttled(self, request: Request, retry_after: str | None) -> Response:
        """Variant C, from the gateway."""
        del request
        return refusals.gateway_throttle(retry_after)

    def failed(self, request: Request, status: int) -> Response:
        """500 as JSON with ``900192``, everything else as HTML from the edge."""
        del request
        if status == 500:
            return refusals.refuse(500, "900192", "Unexpected error.").response
        return refusals.edge(status)

    def missing(self, request: Request) -> Response:
        """404 with ``1000``."""
        del request
        return refusals.refuse(404, "1000", "Resource not found.").response

    def expire_tokens(self) -> None:
        """Access tokens die; refresh tokens stay good."""
        self.authority.expire_all()

    def finish(self, request: Request, response: Response) -> Response:
        """Echo the ids, doubled by the catalogue service (B06, T05)."""
        self.requests_seen += 1
        times = 2 if request.path.startswith("/v1/products") else 1
        for name in ("MS-RequestId", "MS-CorrelationId"):
            value = request.headers.get(name) or str(uuid.uuid4())
            response.headers[name] = ",".join([value] * times)
        response.headers["MS-CV"] = "sim.0"
        response.headers["X-Locale"] = ",".join(["en-US"] * times)
        return response

    def summary(self) -> dict[str, Any]:
        """Customers, subscriptions, records and tokens in numbers."""
        generator = self.book.generator
        return {
            "customers": self.book.customer_count,
            "generated_subscriptions": generator.total,
            "audit_records": len(self.audit),
            "rotations": self.authority.rotations,
            "registered": self.webhooks.registration is not None,
            "now": self.clock.now().isoformat(),
        }

    # For endpoints and actions

    def _issue(self, request: Request, tenant: str) -> Response:
        with self.lock:
            return self.authority.issue(request, tenant, self.clock.now())

    def collection(self, customer_id: str, what: str, items: list[Wire]) -> Response:
        """Items in the vendor's envelope."""
        return json_response(book.collection(customer_id, what, items))

    def changed(self, customer: Customer, sub: Sub, operation: str) -> None:
        """Book a change: keep it, write the activity log, announce it."""
        now = self.clock.now()
        self.book.keep(customer, now)
        kind = "order" if operation == "create_order" else "subscription"
        record = self.audit.note(
            now,
            customer.id,
            customer.facts.name,
            kind,
            operation,
            sub.id,
            {
                "OrderId": sub.order_id,
                "SubscriptionId-0": sub.id,
                "SubscriptionName-0": sub.friendly_name,
                "Quantity-0": str(sub.quantity),
            },
            render.subscription(customer.id, sub, now),
        )
        audit_id = record.as_json(self.authority.tenant_id)["id"]
        self.webhooks.announce(
            "subscription-updated",
            f"/webhooks/v1/customers/{customer.id}/subscriptions/{sub.id}",
            "subscription",
            f"/auditactivity/v1/auditrecords/{audit_id}",
        )

    def connection_settings(self) -> dict[str, Any]:
        """Settings and secrets of a connection to this simulator."""
        authority = self.authority
        return {
            "tenant_id": authority.tenant_id,
            "client_id": authority.client_id,
            "client_secret": authority.client_secret,
            "refresh_token": max(authority.refresh_tokens),
            "api_url": self.base_url,
            "export": "graph",
            "certificate_authority": self.webhooks.signer.root_pem,
        }

    def export_seed(self) -> Seed:
        """The present state in neutral words, for another simulator."""
        with self.lock:
            return seeding.export_seed(self)


def build_simulator(options: Options) -> MicrosoftSimulator:
    """Build the simulator; what the entry point ``entrepot.simulators`` names."""
    simulator = MicrosoftSimulator(options)
    if "seed_out" in options.extra:
        simulator.export_seed().save(Path(options.extra["seed_out"]))
    return simulator
