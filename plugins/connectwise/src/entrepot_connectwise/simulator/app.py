"""The emulated PSA as one web application (connectwise.md §15)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from entrepot.sdk.simulator import Options, Quota, Simulator
from werkzeug.wrappers import Request, Response

from . import answers
from .access import Keyring, refusal
from .callbacks import Callbacks
from .control import install_actions
from .invoicing import Invoicing
from .knobs import Knobs
from .records import Records
from .routes import PATHS, Path
from .seeding import Planted, plant
from .setup import PRIVATE_KEY, PUBLIC_KEY, plant_setup
from .special import Special
from .strange import with_unknown_word
from .world import World

API = "/<codebase>/apis/3.0"
Call = Callable[..., Response]


class ConnectWiseSimulator(Simulator):
    """A PSA tenant with its data, clock, faults and control actions.

    Switches (`Options.extra`) are the names of `Knobs`.
    """

    name: ClassVar[str] = "connectwise"
    # "More than about 1000 requests a minute will likely be limited" (§8).
    quotas: ClassVar[Mapping[str, Mapping[str, Quota]]] = {
        "real": {"company": Quota(limit=1000, window=60.0)},
        "test": {"company": Quota(limit=40, window=1.0)},
    }
    amount_fields: ClassVar[frozenset[str]] = frozenset({"unitPrice", "price", "cost"})

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        knobs = Knobs().parsed(dict(self.options.extra))
        self.world = World(self.clock.now, knobs, lambda: self.base_url)
        self.keyring = Keyring(self.world)
        self.invoicing = Invoicing(self.world)
        self.callbacks = Callbacks(self.world)
        self.special = Special(self.world, self.keyring, self.invoicing, self.callbacks)
        self.planted = Planted()
        self._numbers = itertools.count(1)
        plant_setup(self.world, self.keyring)
        self._install_routes()
        install_actions(self)

    # The base's hooks -------------------------------------------------------------

    def quota_keys(self, request: Request) -> Iterable[tuple[str, str]]:
        """Every API call counts against the tenant."""
        if "/apis/3.0/" in request.path:
            yield "company", self.world.knobs.company

    def authorize(self, request: Request) -> Response | None:
        """Refuse wrong codebases, hosts, keys and rights."""
        head, found, _ = request.path.lstrip("/").partition("/apis/3.0/")
        if not found or request.path.endswith("/callbacks/signingkey"):
            return None
        return refusal(request, self.world, self.keyring, self.clock.now(), head)

    def throttled(self, request: Request, retry_after: str | None) -> Response:
        """429 in the vendor's shape."""
        return answers.throttled(retry_after)

    def failed(self, request: Request, status: int) -> Response:
        """A passing fault: the gateway's page, not JSON."""
        text = f"<html><body>{status} Timeout expired.</body></html>"
        return Response(text, status=status, mimetype="text/html")

    def missing(self, request: Request) -> Response:
        """Unknown paths: plain text for a wrong codebase, else 404."""
        if request.path.lstrip("/").count("/apis/3.0/") != 1:
            return answers.cannot_route()
        return self.authorize(request) or answers.not_found()

    def wrong_method(self, request: Request) -> Response:
        """405 in the vendor's shape."""
        return answers.security("The method is not allowed.", 405, "MethodNotAllowed")

    def finish(self, request: Request, response: Response) -> Response:
        """Version echo and request id (connectwise.md §2)."""
        version = self.world.knobs.version
        response.headers["api-current-version"] = version
        response.headers["x-cw-request-id"] = f"sim-{next(self._numbers):08d}"
        response.headers["x-server-name"] = "SIM01"
        response.headers["Cache-Control"] = "no-cache"
        if response.mimetype == "application/json" and "/apis/3.0/" in request.path:
            response.headers["Content-Type"] = (
                f"application/vnd.connectwise.com+json; version={version}"
            )
        return response

    def connection_settings(self) -> dict[str, object]:
        """Site, company and keys of the integration's API member."""
        return {
            "site": self.base_url,
            "company": self.world.knobs.company,
            "public_key": PUBLIC_KEY,
            "private_key": PRIVATE_KEY,
        }

    def expire_tokens(self) -> None:
        """Temporary keys end; permanent ones stay, as at the vendor."""
        self.keyring.end_temporary()

    def summary(self) -> dict[str, object]:
        """Rows per table, and the tenant's switches."""
        counts = {name: len(table.rows) for name, table in self.world.tables.items()}
        return {"company": self.world.knobs.company, "rows": counts}

    # Routes -----------------------------------------------------------------------

    def _install_routes(self) -> None:
        records = Records(
            self.world,
            self.shift_page,
            instead_of_delete={
                "companies": self.special.recycle,
                "additions": self.special.delete_addition,
                "agreements": self.special.delete_agreement,
                "invoices": self.special.delete_invoice,
                "catalog": self.special.delete_catalog,
            },
            after_insert={
                "agreements": self.special.new_agreement,
                "additions": self.special.new_addition,
            },
        )
        self._install_special()
        for path in PATHS:
            self._install_collection(records, path)

    def _install_collection(self, records: Records, path: Path) -> None:
        root = f"{API}/{path.path}"
        allowed = set(path.methods.split())
        for tail, calls in (
            ("", {"GET": records.list, "POST": records.create}),
            ("/count", {"GET": records.count}),
            (
                "/<int:row_id>",
                {
                    "GET": records.read,
                    "PUT": records.replace,
                    "PATCH": records.patch,
                    "DELETE": records.delete,
                },
            ),
        ):
            chosen = {name: call for name, call in calls.items() if name in allowed}
            by_method = self._by_method(chosen)
            self.route(" ".join(chosen), root + tail, self._guarded(by_method, path))

    @staticmethod
    def _by_method(calls: Mapping[str, Call]) -> Call:
        def handle(request: Request, **values: object) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            return calls[method](request, **values)

        return handle

    def _install_special(self) -> None:
        special = self.special
        self.route("GET", "/login/companyinfo/<company>", special.company_info)
        self.route("GET", f"{API}/callbacks/signingkey", special.signing_key)
        for method, path, call in (
            ("GET", "system/info", special.system_info),
            ("GET", "system/myMembers/info", special.my_info),
            ("GET", "system/audittrail", special.audit_trail),
            ("POST", "system/members/<identifier>/tokens", special.member_token),
            ("POST", "company/companies/<int:row_id>/merge", special.merge),
            ("GET", "company/companies/<int:row_id>/typeAssociations",
             special.type_associations),
            ("GET", "company/contacts/<int:row_id>/communications",
             special.communications),
            ("POST", "finance/agreements/<int:row_id>/invoice",
             special.invoice_agreement),
            ("GET", "finance/agreementrecap/<int:row_id>", special.recap),
            ("GET", "finance/info/invoice/<int:row_id>", special.info_invoice),
            ("POST", "procurement/catalog/<int:row_id>/pricing", special.pricing),
        ):  # fmt: skip
            self.route(method, f"{API}/{path}", self._guarded(call, None))

    def _guarded(self, call: Call, path: Path | None) -> Call:
        """A handler under the state lock that turns refusals into answers."""

        def handle(request: Request, codebase: str, **values: int | str) -> Response:
            if path is not None:
                values = {"parent": None, **values, "path": path}  # type: ignore[dict-item]  # Path beside ids
            try:
                with self.lock:
                    response = call(request, **values)
            except answers.Refusal as refused:
                return refused.response
            strange = self.struck(request).get("unknown_enum")
            if strange is None or path is None:
                return response
            return with_unknown_word(response, path.table, strange.value)

        return handle


def build_simulator(options: Options | None = None) -> ConnectWiseSimulator:
    """Build the emulated PSA; entry point `entrepot.simulators`.

    Options may name a seed file, whose companies are then planted; without one the
    tenant makes its own companies.
    """
    simulator = ConnectWiseSimulator(options)
    plant(simulator)
    return simulator
