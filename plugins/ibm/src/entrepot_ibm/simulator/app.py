"""The simulated IBM Cloud: wiring, tokens, throttling, faults."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from entrepot.sdk.simulator import Options, Quota, Seed, Simulator
from entrepot.sdk.simulator.base import Handler
from werkzeug.wrappers import Request, Response

from entrepot_ibm.simulator import refusals, seeding
from entrepot_ibm.simulator.book import Book
from entrepot_ibm.simulator.catalogue_api import CatalogueApi
from entrepot_ibm.simulator.controller_api import ControllerApi
from entrepot_ibm.simulator.controller_writes import ControllerWrites
from entrepot_ibm.simulator.corrections import Corrections
from entrepot_ibm.simulator.enterprise_api import EnterpriseApi
from entrepot_ibm.simulator.events import Events
from entrepot_ibm.simulator.metering import Month
from entrepot_ibm.simulator.model import Account, Wire
from entrepot_ibm.simulator.partner_api import PartnerApi
from entrepot_ibm.simulator.tokens import Authority, Token

_TOKEN = "entrepot.token"  # noqa: S105 - key of the WSGI environment
_SERVICES = {
    "iam": "iam",
    "enterprise": "enterprise",
    "enterprise-usage": "enterprise",
    "billing": "billing",
    "partner": "partner",
    "rc": "controller",
    "catalog": "catalogue",
}
_ANYBODY = ("/rc/", "/catalog/", "/billing/v4/")


class IbmSimulator(Simulator):
    """A look-alike of IBM Cloud's reseller services, one prefix per service.

    The same accounts are seen from both sides: as an enterprise's accounts and as
    customers of the partner programme. Switches in ``Options.extra``: ``layout``
    (what `connection_settings` answers), ``key`` (our API key), ``profile`` (name of
    the trusted profile), ``lifetime`` (seconds of a token), ``key_delay`` (seconds a
    new key is refused), ``create_delay`` (seconds until a created account shows),
    ``country`` (a code, or ``mixed``), ``last_page`` (``absent`` or ``null``),
    ``idle`` (``list`` or ``hide`` customers without usage), ``seed_out`` (file the
    neutral seed is written to at the start).
    """

    name = "ibm"
    quotas: ClassVar[Mapping[str, Mapping[str, Quota]]] = {
        "real": {
            name: Quota(limit=305, window=60.0)
            for name in sorted({*_SERVICES.values()})
        },
        "test": {
            name: Quota(limit=50, window=1.0) for name in sorted({*_SERVICES.values()})
        },
    }

    amount_fields: ClassVar[frozenset[str]] = frozenset(
        {"monthly_amount", "cost", "rated_cost", "price"}
    )

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        extra = self.options.extra
        self.null_ends = extra.get("last_page", "absent") == "null"
        self.create_seconds = float(extra.get("create_delay", "60"))
        self.book = Book(self.options, self.clock.now())
        self.authority = Authority(
            self.random, extra, self.book.own.id, self.book.exists
        )
        self.route("POST", "/iam/identity/token", self._issue)
        CatalogueApi(self)
        EnterpriseApi(self)
        PartnerApi(self)
        ControllerWrites(self, ControllerApi(self))
        Events(self)
        Corrections(self)

    # Hooks of the base

    def route(self, methods: str, path: str, handler: Handler) -> None:
        """Serve a path; a ``Refusal`` of the handler becomes its answer."""

        def guarded(request: Request, **values: str) -> Response:
            try:
                with self.lock:
                    return handler(request, **values)
            except refusals.Refusal as refusal:
                return refusal.response

        super().route(methods, path, guarded)

    def authorize(self, request: Request) -> Response | None:
        """Judge the token; most services answer our own account only (B03)."""
        if request.path.startswith("/iam/"):
            return None
        try:
            token = self.authority.judge(request, self.clock.now())
        except refusals.Refusal:
            text = "The token is invalid or has expired"
            return refusals.family(request, 401, "BXNIM0407E", text).response
        own = token.account_id == self.book.own.id
        if not own and not request.path.startswith(_ANYBODY):
            text = "The caller lacks the role for this"
            return refusals.family(request, 403, "forbidden", text).response
        request.environ[_TOKEN] = token
        return None

    def signed_in(self, request: Request) -> Account:
        """The account of the request's token.

        Raises:
            Refusal: 403 while the customer forbids it.
        """
        token: Token = request.environ[_TOKEN]
        found = self.book.find(token.account_id, self.clock.now())
        if found is None or found.deleted or found.forbidden:
            raise refusals.controller(403, "No access to this account")
        return found

    def quota_keys(self, request: Request) -> Iterable[tuple[str, str]]:
        """One bucket per service and credential (B29)."""
        prefix = request.path.split("/")[1]
        if prefix in _SERVICES:
            yield _SERVICES[prefix], ""

    def throttled(self, request: Request, retry_after: str | None) -> Response:
        """429 in the shape of the service."""
        text = "Rate limit exceeded"
        response = refusals.family(request, 429, "rate_limited", text).response
        if retry_after is not None:
            response.headers["Retry-After"] = retry_after
        return response

    def failed(self, request: Request, status: int) -> Response:
        """500 as JSON, the others as a gateway's page (§5.1)."""
        if status != 500:
            return refusals.gateway(status)
        return refusals.family(request, 500, "internal", "Internal error").response

    def missing(self, request: Request) -> Response:
        """404 in the shape of the service."""
        return refusals.family(request, 404, "not_found", "Not found").response

    def expire_tokens(self) -> None:
        """All access tokens die; keys stay good."""
        self.authority.expire_all()

    def finish(self, request: Request, response: Response) -> Response:
        """Every answer names its transaction (B30)."""
        given = request.headers.get("Transaction-Id")
        response.headers["X-Global-Transaction-ID"] = given or uuid.uuid4().hex
        return response

    def summary(self) -> dict[str, Any]:
        """Accounts and tokens in numbers."""
        return {
            "customers": self.book.positions,
            "tokens_issued": self.authority.issued,
            "price_version": self.book.price_version,
            "now": self.clock.now().isoformat(),
        }

    def connection_settings(self) -> dict[str, Any]:
        """Settings and secrets of a connection to this simulator."""
        generator = self.book.generator
        return {
            "layout": self.options.extra.get("layout", "partner"),
            "api_key": self.authority.api_key,
            "partner_id": generator.partner_id,
            "enterprise_id": generator.enterprise_id,
            "instances": "profile",
            "trusted_profile": self.authority.profile,
            "discount": "20",
            "price_list": seeding.price_list(),
            "more_markets": seeding.more_markets(self),
            "entitlements": seeding.entitlements(self),
            "api_url": self.base_url,
        }

    # For endpoints and actions

    def month(self, request: Request, name: str) -> Month:
        """The month a query asks for; the current one when it names none.

        Raises:
            Refusal: 400 for a text that is no month.
        """
        text = request.args.get(name) or f"{self.clock.now():%Y-%m}"
        try:
            return Month.of(text)
        except ValueError:
            text = f"{name} must be yyyy-mm"
            raise refusals.family(request, 400, "bad_request", text) from None

    def spoil(self, request: Request, items: list[Wire], member: str) -> None:
        """Write a word from the future into the first item, when a fault says so."""
        fault = self.struck(request).get("unknown_enum")
        if fault is not None and items:
            items[0][member] = fault.value

    def export_seed(self) -> Seed:
        """The present state in neutral words, for another simulator."""
        with self.lock:
            return seeding.export_seed(self)

    def _issue(self, request: Request) -> Response:
        return self.authority.issue(request, self.clock.now())


def build_simulator(options: Options) -> IbmSimulator:
    """Build the simulator; what the entry point ``entrepot.simulators`` names."""
    simulator = IbmSimulator(options)
    if "seed_out" in options.extra:
        simulator.export_seed().save(Path(options.extra["seed_out"]))
    return simulator
