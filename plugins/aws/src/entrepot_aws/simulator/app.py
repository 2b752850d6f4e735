"""The simulated vendor: wiring, keys, dispatch, throttling, faults."""

from __future__ import annotations

import heapq
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec
from entrepot.sdk.simulator import Options, Quota, Seed, Simulator
from werkzeug.wrappers import Request, Response

from entrepot_aws.simulator import codec, seeding
from entrepot_aws.simulator.agreement_actions import AgreementActions
from entrepot_aws.simulator.agreements import AgreementsApi
from entrepot_aws.simulator.billing import BillingApi
from entrepot_aws.simulator.billing_actions import BillingActions
from entrepot_aws.simulator.catalog import PRODUCTS
from entrepot_aws.simulator.codec import Asked, Data, Refusal
from entrepot_aws.simulator.costs import CostBook
from entrepot_aws.simulator.exports import PREFIX, Exporter
from entrepot_aws.simulator.generate import Generator
from entrepot_aws.simulator.keys import Caller, Key, Keys
from entrepot_aws.simulator.moto_bridge import Moto
from entrepot_aws.simulator.organization_actions import OrganizationActions
from entrepot_aws.simulator.organizations import OrganizationsApi
from entrepot_aws.simulator.partner_api import PartnerApi
from entrepot_aws.simulator.seller_api import SellerApi

Operation = Callable[[Data, Request, Caller], Data]
_ROLE = "EntrepotReader"
_WORDS = frozenset({"State", "Status", "state", "status"})
_ALL = "GET HEAD POST PUT DELETE"


class AwsSimulator(Simulator):
    """An AWS look-alike of one reseller's management account.

    Switches in ``Options.extra``: ``access_key`` and ``secret_key`` (credentials),
    ``seed_out`` (file the neutral seed is written to at the start), ``cur_mode``
    (``overwrite`` or ``new``: how the cost export is delivered).
    """

    name = "aws"
    amount_fields: ClassVar[Collection[str]] = ("price", "Amount")
    quotas: ClassVar[Mapping[str, Mapping[str, Quota]]] = {
        # Rates of §5.4; those of Organizations and Cost Explorer are assumed.
        "real": {
            "organizations": Quota(limit=5, window=1.0),
            "ce": Quota(limit=1, window=1.0),
            "marketplace-agreement:SearchAgreements": Quota(limit=5, window=1.0),
            "marketplace-agreement:DescribeAgreement": Quota(limit=5, window=1.0),
            "marketplace-agreement:ListAgreementCharges": Quota(limit=15, window=1.0),
            "marketplace-agreement:GetAgreementTerms": Quota(limit=10, window=1.0),
            "marketplace-discovery:ListPurchaseOptions": Quota(limit=5, window=1.0),
            "marketplace-discovery:GetOfferTerms": Quota(limit=5, window=1.0),
        },
        "test": {
            "organizations": Quota(limit=50, window=1.0),
            "marketplace-agreement:SearchAgreements": Quota(limit=50, window=1.0),
            "marketplace-agreement:GetAgreementTerms": Quota(limit=100, window=1.0),
        },
    }

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        extra = self.options.extra
        self.generator = Generator(self.options, self.clock.now())
        self.book = self.generator.book()
        self.moto = Moto(self.book.management)
        self.keys = Keys()
        self.access_key = extra.get("access_key", f"AKIASIM{self.options.seed:013d}")
        self.secret_key = extra.get("secret_key", f"simulated/{self.random.random()}")
        user = f"arn:aws:iam::{self.book.management}:user/entrepot"
        self.keys.add(
            self.access_key, Key(Caller(self.book.management, user), self.secret_key)
        )
        self.costs = CostBook(self.book, self.clock.now())
        self.exporter = Exporter(self)
        self.calls: Counter[str] = Counter()
        self.operations: dict[tuple[str, str], Operation] = {}
        self.happen: dict[str, Callable[[str], None]] = {}
        OrganizationsApi(self)
        OrganizationActions(self)
        AgreementsApi(self)
        AgreementActions(self)
        PartnerApi(self)
        SellerApi(self)
        BillingApi(self)
        BillingActions(self)
        self.action("export_seed", self._seed_as_json)
        self.route(_ALL, "/", self._answered)
        self.route(_ALL, "/<path:path>", self._answered)

    # What parts of the simulator call

    def serve_operation(self, service: str, name: str, operation: Operation) -> None:
        """Answer an operation of a JSON service; called under the lock."""
        self.operations[service, name] = operation

    def transfer_arn(self, transfer: str) -> str:
        """ARN of a billing transfer to us."""
        book = self.book
        owner = f"arn:aws:organizations::{book.management}"
        return f"{owner}:transfer/{book.organization}/billing/inbound/{transfer}"

    # Hooks of the base

    def quota_keys(self, request: Request) -> Iterable[tuple[str, str]]:
        """By service, and by operation where AWS publishes a rate (§5.4)."""
        found = codec.asked(request)
        yield found.service, found.access_key
        yield f"{found.service}:{found.operation}", found.access_key

    def throttled(self, request: Request, retry_after: str | None) -> Response:
        """As the service asked says it."""
        return codec.throttled(codec.asked(request).service, retry_after)

    def failed(self, request: Request, status: int) -> Response:
        """As the service asked says it."""
        return codec.failed(codec.asked(request).service, status)

    def expire_tokens(self) -> None:
        """Temporary keys are over."""
        self.keys.expire()

    def finish(self, request: Request, response: Response) -> Response:
        """Every answer has an id."""
        del request
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response

    def settle(self) -> None:
        """Do what time has brought."""
        now = self.clock.now()
        while self.book.due and self.book.due[0].at <= now:
            due = heapq.heappop(self.book.due)
            self.happen[due.kind](due.subject)

    def connection_settings(self) -> dict[str, Any]:
        """Settings and secrets of a connection to this simulator."""
        return {
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "role_arn": f"arn:aws:iam::{self.book.management}:role/{_ROLE}",
            "customers_parent": self.book.customers_parent,
            "cur_bucket": self.exporter.bucket,
            "cur_prefix": PREFIX,
            "products": ",".join(product.id for product in PRODUCTS),
            "endpoint_url": self.base_url,
        }

    def summary(self) -> dict[str, Any]:
        """The state in numbers."""
        return {
            "units": len(self.book.units),
            "accounts": len(self.book.accounts),
            "transfers": len(self.book.transfers),
            "agreements": len(self.book.agreements),
            "savings_plans": sum(len(each) for each in self.book.plans.values()),
            "calls": dict(self.calls),
            "now": self.clock.now().isoformat(),
        }

    def export_seed(self) -> Seed:
        """The present state in neutral words, for another simulator."""
        with self.lock:
            return seeding.export_seed(self)

    def _seed_as_json(self) -> Data:
        """The present state in neutral words."""
        found: Data = msgspec.json.decode(self.export_seed().to_json())
        return found

    # Serving

    def _answered(self, request: Request, path: str = "") -> Response:
        del path
        found = codec.asked(request)
        self.calls[f"{found.service}:{found.operation}"] += 1
        try:
            with self.lock:
                caller = self.keys.caller(request, found, self.clock.now())
                return self._done(request, found, caller)
        except Refusal as refusal:
            return codec.refused(found.service, refusal)

    def _done(self, request: Request, found: Asked, caller: Caller) -> Response:
        if found.service == "sts":
            return self._sts(request, found, caller)
        if found.service == "s3":
            if caller.account == self.book.management:
                self.exporter.refresh()
            return self.moto.answer(request, "s3", caller.account)
        given = codec.inputs(found, request)
        operation = self.operations.get((found.service, found.operation))
        if operation is None:
            text = f"{found.operation} is not simulated."
            raise Refusal("UnknownOperationException", text)
        result = operation(given, request, caller)
        strange = self.struck(request).get("unknown_enum")
        if strange is not None:
            _spoil(result, strange.value)
        return codec.answer(found.service, result)

    def _sts(self, request: Request, found: Asked, caller: Caller) -> Response:
        if found.operation == "GetCallerIdentity":
            return self.moto.answer(request, "sts", caller.account)
        form = dict(parse_qsl(request.get_data(as_text=True)))
        if found.operation != "AssumeRole":
            raise Refusal("InvalidAction", f"No action {found.operation!r}.")
        account = form.get("RoleArn", "::::").split(":")[4]
        if account not in self.book.accounts or account in self.book.locked:
            text = f"{caller.arn} is not authorized to perform: sts:AssumeRole"
            raise Refusal("AccessDenied", text, 403)
        seconds = int(form.get("DurationSeconds", "3600"))
        response, access, key = self.moto.assume_role(
            request, account, self.clock.now(), seconds
        )
        self.keys.add(access, key)
        return response


def _spoil(value: object, word: str) -> None:
    """Write a word nobody knows in place of every state."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _WORDS and isinstance(inner, str):
                value[name] = word
            else:
                _spoil(inner, word)
    elif isinstance(value, list):
        for inner in value:
            _spoil(inner, word)


def build_simulator(options: Options) -> AwsSimulator:
    """Build the simulator; what the entry point ``entrepot.simulators`` names."""
    simulator = AwsSimulator(options)
    if "seed_out" in options.extra:
        simulator.export_seed().save(Path(options.extra["seed_out"]))
    return simulator
