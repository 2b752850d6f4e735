"""Webhook registration and signed delivery (§6.4)."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import requests
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator import render
from entrepot_microsoft.simulator.model import Wire
from entrepot_microsoft.simulator.refusals import refuse
from entrepot_microsoft.simulator.signing import Signer

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_ROOT = "/webhooks/v1/registration"
EVENTS = (
    "subscription-updated",
    "invoice-ready",
    "reseller-relationship-accepted-by-customer",
    "new-commerce-migration-completed",
    "dap-admin-relationship-terminated",
    "granular-admin-relationship-terminated",
    "test-created",
)
_TRIES = 10


@dataclass(slots=True)
class Delivery:
    """One notification on its way."""

    event: str
    body: bytes
    not_before: datetime
    tries: int = 0
    results: list[int] = field(default_factory=list)
    correlation_id: str = ""


class Webhooks:
    """Registration endpoints and the courier."""

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        self.registration: Wire | None = None
        self._signer: Signer | None = None
        self._waiting: deque[Delivery] = deque()
        self._validations: dict[str, Delivery] = {}
        self._lock = threading.Lock()
        self.delivered: list[Wire] = []
        vendor.route("GET", f"{_ROOT}/events", self.events)
        vendor.route("GET", _ROOT, self.show)
        vendor.route("POST", _ROOT, self.create)
        vendor.route("PUT", _ROOT, self.replace)
        vendor.route("POST", f"{_ROOT}/validationEvents", self.validate)
        vendor.route("GET", f"{_ROOT}/validationEvents/<correlation>", self.validation)
        vendor.route("GET", "/certificates/webhooks.cer", self.certificate)

    @property
    def signer(self) -> Signer:
        """Made at first use: making keys takes a while."""
        with self._lock:
            if self._signer is None:
                self._signer = Signer()
            return self._signer

    # Endpoints

    def events(self, request: Request) -> Response:
        """Names of events, a bare array."""
        del request
        return json_response(list(EVENTS))

    def show(self, request: Request) -> Response:
        """The registration; 404 while there is none."""
        del request
        if self.registration is None:
            raise refuse(404, "1000", "There is no registration.")
        return json_response(self.registration)

    def create(self, request: Request) -> Response:
        """Register; 409 when a registration exists already (B55)."""
        if self.registration is not None:
            raise refuse(409, "1001", "A registration exists; use PUT.")
        return self._register(request)

    def replace(self, request: Request) -> Response:
        """Replace the registration."""
        if self.registration is None:
            raise refuse(404, "1000", "There is no registration.")
        return self._register(request)

    def _register(self, request: Request) -> Response:
        try:
            sent: dict[str, Any] = msgspec.json.decode(request.get_data(), type=dict)
        except msgspec.MsgspecError:
            raise refuse(400, "3000", "The body cannot be read.") from None
        body = {key[:1].lower() + key[1:]: value for key, value in sent.items()}
        url, events = str(body.get("webhookUrl", "")), body.get("webhookEvents") or []
        if not url.startswith(("https://", "http://")):
            raise refuse(400, "3000", "WebhookUrl must be an absolute address.")
        unknown = [name for name in events if name not in EVENTS]
        if unknown or not events:
            raise refuse(400, "3000", f"WebhookEvents: not known: {unknown}")
        self.registration = {
            "SubscriberId": str(uuid.uuid4()),
            "WebhookUrl": url,
            "WebhookEvents": list(events),
            "SignatureTokenToMsSignatureHeader": bool(
                body.get("signatureTokenToMsSignatureHeader")
            ),
        }
        return json_response(self.registration)

    def validate(self, request: Request) -> Response:
        """Send a ``test-created`` event (B56)."""
        del request
        if self.registration is None:
            raise refuse(404, "1000", "There is no registration.")
        if "test-created" not in self.registration["WebhookEvents"]:
            raise refuse(400, "3000", "test-created is not registered.")
        correlation = str(uuid.uuid4())
        uri = f"{_ROOT}/validationEvents/{correlation}"
        made = self.announce("test-created", uri, "test")
        if made is not None:
            made.correlation_id = correlation
            self._validations[correlation] = made
        return json_response({"correlationId": correlation})

    def validation(self, request: Request, correlation: str) -> Response:
        """How the deliveries of a test event ended."""
        del request
        made = self._validations.get(correlation)
        if made is None or self.registration is None:
            raise refuse(404, "1000", "There is no such validation event.")
        results = [
            {"responseCode": str(code), "responseMessage": "", "systemError": False}
            for code in made.results
        ]
        status = "completed" if results else "pending"
        return json_response(
            {
                "correlationId": correlation,
                "partnerId": self._vendor.authority.tenant_id,
                "status": status,
                "callbackUrl": self.registration["WebhookUrl"],
                "results": results,
            }
        )

    def certificate(self, request: Request) -> Response:
        """The signing certificate."""
        del request
        return Response(self.signer.certificate, mimetype="application/x-x509-ca-cert")

    # Delivery

    def announce(
        self, event: str, uri: str, name: str, audit_uri: str | None = None
    ) -> Delivery | None:
        """Queue a notification; ``None`` when nobody asked for this event."""
        wanted = self.registration
        if wanted is None or event not in wanted["WebhookEvents"]:
            return None
        now = self._vendor.clock.now()
        body = msgspec.json.encode(
            {
                "EventName": event,
                "ResourceUri": uri,
                "ResourceName": name,
                "AuditUri": audit_uri,
                "ResourceChangeUtcDate": render.moment(now, 3),
            }
        )
        made = Delivery(event, body, now + self._vendor.webhook_delay)
        with self._lock:
            self._waiting.append(made)
        if self._vendor.options.extra.get("deliver", "auto") == "auto":
            threading.Thread(target=self.deliver, daemon=True).start()
        return made

    def deliver(self, *, times: int = 1, forge: str = "") -> list[Wire]:
        """Send what is due, each ``times`` times.

        Args:
            times: 2 sends duplicates (T21).
            forge: ``signature`` spoils the signature, ``body`` changes the body
                after signing, ``certificate`` names another host for it,
                ``issuer`` signs with an authority nobody trusts.

        Returns:
            One record per attempt, with the status the receiver answered.
        """
        attempts = []
        for delivery in self._take_due():
            attempts += [self._send(delivery, forge) for _ in range(times)]
            if delivery.results[-1] >= 300 and delivery.tries < _TRIES:
                with self._lock:
                    self._waiting.append(delivery)
        self.delivered += attempts
        return attempts

    def _take_due(self) -> list[Delivery]:
        now = self._vendor.clock.now()
        with self._lock:
            due = [d for d in self._waiting if d.not_before <= now]
            for delivery in due:
                self._waiting.remove(delivery)
        return due

    def _send(self, delivery: Delivery, forge: str) -> Wire:
        registration = self.registration or {}
        delivery.tries += 1
        url = str(registration.get("WebhookUrl"))
        body, headers = self._signed(delivery.body, forge)
        try:
            answer = requests.post(url, data=body, headers=headers, timeout=10)
            status = answer.status_code
        except requests.RequestException:
            status = 599
        delivery.results.append(status)
        return {"event": delivery.event, "status": status, "try": delivery.tries}

    def _signed(self, body: bytes, forge: str) -> tuple[bytes, dict[str, str]]:
        signer = Signer() if forge == "issuer" else self.signer
        signature = signer.sign(body)
        if forge == "signature":
            signature = signature[:-8] + "AAAAAA=="
        host = self._vendor.base_url
        if forge == "certificate":
            host = "http://evil.invalid"
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-MS-Certificate-Url": f"{host}/certificates/webhooks.cer",
            "X-MS-Signature-Algorithm": "rsa-sha256",
        }
        own = (self.registration or {}).get("SignatureTokenToMsSignatureHeader")
        name = "x-ms-signature" if own else "Authorization"
        headers[name] = f"Signature {signature}"
        if forge == "body":
            body = body.replace(b"subscription", b"Subscription", 1)
        return body, headers
