"""``/v1/customers/{c}/subscriptions`` and ``/orders``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_microsoft.simulator import catalog, render, rules
from entrepot_microsoft.simulator.book import visible
from entrepot_microsoft.simulator.model import Customer, Order, Sub, Wire
from entrepot_microsoft.simulator.refusals import refuse

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

_ROOT = "/v1/customers/<customer>/subscriptions"
_ORDERS = "/v1/customers/<customer>/orders"


class SubscriptionsApi:
    """Endpoints of subscriptions and orders (§4.1, §5.1)."""

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor
        self._answered: dict[str, tuple[str, bytes, Response]] = {}
        vendor.route("GET", _ROOT, self.list)
        vendor.route("GET", f"{_ROOT}/<subscription>", self.get)
        vendor.route("PATCH", f"{_ROOT}/<subscription>", self.patch)
        vendor.route("GET", f"{_ROOT}/<subscription>/addons", self.addons)
        vendor.route(
            "GET", f"{_ROOT}/<subscription>/provisioningstatus", self.provisioning
        )
        vendor.route("GET", _ORDERS, self.orders)
        vendor.route("GET", f"{_ORDERS}/<order>", self.order)

    def list(self, request: Request, customer: str) -> Response:
        """All subscriptions of a customer in one answer, or those of one order."""
        now = self._vendor.clock.now()
        order_id, mpn_id = request.args.get("order_id"), request.args.get("mpn_id")
        with self._vendor.lock:
            if order_id is None and mpn_id is None:
                body = self._vendor.book.subscriptions_json(customer, now)
                return json_response(self._spoil(request, body))
            found = self._vendor.book.customer(customer, now)
            items = [
                render.subscription(found.id, sub, now)
                for sub in visible(found, now)
                if order_id in (None, sub.order_id) and mpn_id in (None, sub.mpn_id)
            ]
            return self._vendor.collection(found.id, "subscriptions", items)

    def _spoil(self, request: Request, body: bytes) -> bytes:
        fault = self._vendor.struck(request).get("unknown_enum")
        if fault is None:
            return body
        decoded = msgspec.json.decode(body)
        for item in decoded["items"][:1]:
            item["status"] = fault.value
            item["billingCycle"] = fault.value
        return msgspec.json.encode(decoded)

    def _find(self, customer: str, subscription: str) -> tuple[Customer, Sub]:
        now = self._vendor.clock.now()
        found = self._vendor.book.customer(customer, now)
        sub = found.subs.get(subscription.lower())
        if sub is None or (sub.hidden_until is not None and sub.hidden_until > now):
            raise refuse(404, "20003", "The subscription was not found.")
        return found, sub

    def get(self, request: Request, customer: str, subscription: str) -> Response:
        """One subscription, with ``refundableQuantity``."""
        del request
        with self._vendor.lock:
            found, sub = self._find(customer, subscription)
            now = self._vendor.clock.now()
            return json_response(render.subscription(found.id, sub, now, by_id=True))

    def patch(self, request: Request, customer: str, subscription: str) -> Response:
        """Change one subscription; the whole object is expected (§5.3).

        A request id that comes again gets the first answer again (B07).
        """
        sent, key = request.get_data(), request.headers.get("MS-RequestId", "")
        with self._vendor.lock:
            known = self._answered.get(key)
            if known is not None and known[:2] != (request.path, sent):
                raise refuse(400, "800002", "The request id was used before.")
            if known is not None:
                return known[2]
            answer = self._patched(sent, customer, subscription)
            if key:
                self._answered[key] = (request.path, sent, answer)
            return answer

    def _patched(self, sent: bytes, customer: str, subscription: str) -> Response:
        try:
            body = msgspec.json.decode(sent, type=dict)
        except msgspec.MsgspecError:
            raise refuse(400, "3000", "The body cannot be read.") from None
        found, sub = self._find(customer, subscription)
        now = self._vendor.clock.now()
        rules.patch(sub, body, now)
        self._vendor.changed(found, sub, "update_subscription")
        answer = render.subscription(found.id, sub, now, by_id=True)
        if sub.is_legacy:
            # Samples of legacy answers are in PascalCase (§1.4).
            answer = {k[:1].upper() + k[1:]: v for k, v in answer.items()}
        return json_response(answer)

    def addons(self, request: Request, customer: str, subscription: str) -> Response:
        """Legacy add-ons of a subscription."""
        del request
        with self._vendor.lock:
            found, sub = self._find(customer, subscription)
            now = self._vendor.clock.now()
            items = [
                render.subscription(found.id, child, now)
                for child in visible(found, now)
                if child.parent_id == sub.id
            ]
        what = f"subscriptions/{subscription}/addons"
        return self._vendor.collection(found.id, what, items)

    def provisioning(
        self, request: Request, customer: str, subscription: str
    ) -> Response:
        """Licence provisioning; for user tokens only (§1.2)."""
        self._vendor.needs_user(request)
        with self._vendor.lock:
            _, sub = self._find(customer, subscription)
            sku = catalog.SKUS.get(sub.item)
            body: Wire = {
                "skuId": sku.provisioning_id if sku else sub.item,
                "status": "success",
                "quantity": sub.quantity,
                "endDate": render.moment(sub.term_end),
            }
        return json_response(body)

    def orders(self, request: Request, customer: str) -> Response:
        """The customer's orders; new ones stay hidden for a while (§4.3)."""
        del request
        now = self._vendor.clock.now()
        with self._vendor.lock:
            found = self._vendor.book.customer(customer, now)
            items = [
                self._order(found, order)
                for order in found.orders.values()
                if order.hidden_until is None or order.hidden_until <= now
            ]
            return self._vendor.collection(found.id, "orders", items)

    def order(self, request: Request, customer: str, order: str) -> Response:
        """One order; 404 ``20000`` while it is not visible yet."""
        del request
        now = self._vendor.clock.now()
        with self._vendor.lock:
            found = self._vendor.book.customer(customer, now)
            kept = found.orders.get(order)
            if kept is None or (kept.hidden_until and kept.hidden_until > now):
                raise refuse(404, "20000", "The order was not found.")
            return json_response(self._order(found, kept))

    def _order(self, customer: Customer, order: Order) -> Wire:
        done = order.status == "completed"
        return render.order(customer, order, with_subscriptions=done)
