"""The simulated partner account: wiring, tokens, throttling, faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from entrepot.sdk.simulator import Options, Quota, Seed, Simulator
from entrepot.sdk.simulator.base import Handler
from entrepot.sdk.simulator.server import Environ
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator import refusals, seeding
from entrepot_google.simulator.actions import Actions
from entrepot_google.simulator.bigquery_api import BigQueryApi
from entrepot_google.simulator.book import Book
from entrepot_google.simulator.catalog import COUNTRIES, Catalog
from entrepot_google.simulator.channel_api import ChannelApi
from entrepot_google.simulator.generate import Generator
from entrepot_google.simulator.ledger import Ledger
from entrepot_google.simulator.lifecycle import Lifecycle
from entrepot_google.simulator.model import Customer, Entitlement
from entrepot_google.simulator.operations_api import OperationsApi
from entrepot_google.simulator.paging import Pager
from entrepot_google.simulator.partners_api import PartnersApi
from entrepot_google.simulator.pubsub_api import PubsubApi
from entrepot_google.simulator.reseller_api import ResellerApi
from entrepot_google.simulator.tokens import (
    BIGQUERY,
    CLOUD,
    ORDER,
    PUBSUB,
    READ_ORDER,
    Authority,
    Token,
)

_TOKEN = "entrepot.token"  # noqa: S105 - key of the WSGI environment


class GoogleSimulator(Simulator):
    """A look-alike of one partner account at Google.

    Switches in ``Options.extra``: ``account`` (id), ``admin``, ``project``
    (credentials), ``lifetime`` (seconds of an access token), ``skew`` (seconds a
    caller's clock may differ, a day), ``country`` (a code, or ``mixed``), ``first``
    (number of the first generated company), ``partners`` (number of channel partners
    with customers), ``list_omits`` (listings leave renewal settings out),
    ``empty_pages`` (every other page of a listing is empty),
    ``billing_table`` (its full name), ``billing_file`` (further rows of the export,
    one JSON object a line), ``slow_queries`` (looks until a query is done),
    ``operations`` (they can be listed, as published), ``deliver`` (``auto``, or
    ``manual`` by the action ``deliver_events``), ``seed_out`` (file the neutral seed
    is written to at the start).
    """

    name = "google"
    quotas: ClassVar[Mapping[str, Mapping[str, Quota]]] = {
        "real": {
            "customers": Quota(limit=24, window=60.0),
            "entitlements": Quota(limit=24, window=60.0),
            "channel": Quota(limit=120, window=60.0),
            "reseller": Quota(limit=120, window=60.0),
        },
        "test": {
            "customers": Quota(limit=24, window=1.0),
            "entitlements": Quota(limit=240, window=1.0),
        },
    }

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        extra = self.options.extra
        self.account = f"accounts/{extra.get('account', 'C0res0001')}"
        self.list_omits = self.options.flag("list_omits")
        self.empty_pages = self.options.flag("empty_pages")
        self.slow_queries = int(extra.get("slow_queries", "0"))
        self.authority = Authority(extra)
        self.billing_table = extra.get(
            "billing_table",
            f"{self.authority.project}.billing.reseller_billing_detailed_export_v1",
        )
        self.pager = Pager(self)
        self.lists_operations = self.options.flag("operations")
        self.events = PubsubApi(self)
        now = self.clock.now()
        self.catalog = Catalog(_countries(extra.get("country", "US")), now)
        self.lifecycle = Lifecycle(self.catalog, self.announce)
        generator = Generator(self.options, self.catalog, now)
        self.book = Book(generator, self.lifecycle)
        source = extra.get("billing_file")
        self.ledger = Ledger(self.account, self.book, Path(source) if source else None)
        self.route("POST", "/token", self._issue)
        ChannelApi(self)
        PartnersApi(self)
        self.bigquery = BigQueryApi(self, self.ledger)
        ResellerApi(self)
        OperationsApi(self)
        Actions(self)

    def __call__(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """The WSGI application; a GET too long for an address comes as a POST."""
        if environ.get("HTTP_X_HTTP_METHOD_OVERRIDE") == "GET":
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["QUERY_STRING"] = environ["wsgi.input"].read(length).decode()
            environ["REQUEST_METHOD"], environ["CONTENT_LENGTH"] = "GET", "0"
            environ["wsgi.input"] = BytesIO()
        return super().__call__(environ, start_response)

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
        """Judge the bearer token; each API has its own scopes (§2.1)."""
        accepted = _scopes(request)
        if accepted is None:
            return None
        try:
            token = self.authority.judge(request, self.clock.now(), accepted)
            if ORDER in accepted and token.subject != self.authority.admin:
                text = "The caller does not have permission."
                raise refusals.refuse("PERMISSION_DENIED", text)
        except refusals.Refusal as refusal:
            return refusal.response
        request.environ[_TOKEN] = token
        return None

    def caller(self, request: Request) -> Token:
        """The token of a request that was let in."""
        token: Token = request.environ[_TOKEN]
        return token

    def quota_keys(self, request: Request) -> Iterable[tuple[str, str]]:
        """Per project and method family (§2.7)."""
        path, project = request.path, self.authority.project
        if path.startswith("/apps/reseller/"):
            yield "reseller", project
        elif path.endswith("/customers") and request.method == "GET":
            yield "customers", project
        elif path.endswith("/entitlements") and request.method == "GET":
            yield "entitlements", project
        elif path.startswith("/v1/accounts/"):
            yield "channel", project

    def throttled(self, request: Request, retry_after: str | None) -> Response:
        """429 in the shape of the API."""
        return refusals.throttled(request.path, retry_after)

    def failed(self, request: Request, status: int) -> Response:
        """A fault in the shape of the API."""
        return refusals.failed(request.path, status)

    def missing(self, request: Request) -> Response:
        """404 in the shape of the API."""
        if request.path.startswith("/apps/reseller/"):
            return refusals.legacy(404, "notFound", "Not Found").response
        return refusals.refuse("NOT_FOUND", "Method not found.").response

    def expire_tokens(self) -> None:
        """Access tokens die."""
        self.authority.expire_all()

    def settle(self) -> None:
        """Renewals, ends of trials, the sixty days."""
        self.book.settle(self.clock.now())

    def summary(self) -> dict[str, Any]:
        """Customers and entitlements in numbers."""
        return {
            "customers": len(self.book.ids),
            "generated_subscriptions": self.book.generator.total,
            "offers": len(self.catalog.current),
            "now": self.clock.now().isoformat(),
        }

    # For endpoints and actions

    def own(self, account: str) -> str:
        """Resource name of the account in a path.

        Raises:
            Refusal: It is not this partner's.
        """
        if f"accounts/{account}" != self.account:
            raise refusals.refuse(
                "PERMISSION_DENIED", "The caller does not have permission."
            )
        return self.account

    def announce(self, customer: Customer, entitlement: Entitlement, kind: str) -> None:
        """Something happened to an entitlement."""
        self.events.entitlement(customer, entitlement, kind)

    def tell_customer(self, customer: Customer, kind: str) -> None:
        """Something happened to a customer."""
        self.events.customer(customer, kind)

    def _issue(self, request: Request) -> Response:
        with self.lock:
            return self.authority.issue(request, self.clock.now())

    def connection_settings(self) -> dict[str, Any]:
        """Settings and secrets of a connection to this simulator."""
        return {
            "account_id": self.account.removeprefix("accounts/"),
            "admin_email": self.authority.admin,
            "service_account_key": self.authority.key_file(f"{self.base_url}/token"),
            "billing_table": self.billing_table,
            "api_url": self.base_url,
        }

    def export_seed(self) -> Seed:
        """The present state in neutral words, for another simulator."""
        with self.lock:
            return seeding.export_seed(self)


def _countries(wanted: str) -> tuple[str, ...]:
    return tuple(COUNTRIES) if wanted == "mixed" else (wanted,)


def _scopes(request: Request) -> set[str] | None:
    """Scopes one of which a request needs; ``None`` where anybody may ask."""
    path = request.path
    if path == "/token" or path.startswith("/oauth2/"):
        return None
    if path.startswith("/v1/projects/"):
        return {PUBSUB, CLOUD}
    if path.startswith("/bigquery/"):
        return {BIGQUERY, CLOUD}
    if path.startswith("/apps/reseller/") and request.method == "GET":
        return {ORDER, READ_ORDER}
    return {ORDER}


def build_simulator(options: Options) -> GoogleSimulator:
    """Build the simulator; what the entry point ``entrepot.simulators`` names."""
    simulator = GoogleSimulator(options)
    if "seed_out" in options.extra:
        simulator.export_seed().save(Path(options.extra["seed_out"]))
    return simulator
