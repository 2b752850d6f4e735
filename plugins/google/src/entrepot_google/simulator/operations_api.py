"""Operations, and which Cloud Identity accounts a domain has (§2.8, §6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator.model import Wire
from entrepot_google.simulator.refusals import CODES, condition, refuse

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

_TYPES = "type.googleapis.com/google.cloud.channel.v1"


class OperationsApi:
    """``operations.get`` and ``list``, ``checkCloudIdentityAccountsExist``."""

    def __init__(self, vendor: GoogleSimulator) -> None:
        self._vendor = vendor
        self.held: dict[str, Wire] = {}
        vendor.route("GET", "/v1/operations", self.list)
        vendor.route("GET", "/v1/operations/<name>", self.get)
        path = "/v1/accounts/<account>:checkCloudIdentityAccountsExist"
        vendor.route("POST", path, self.check)
        vendor.action("add_operation", self.add)

    def list(self, request: Request) -> Response:
        """Answers 501 in practice, though it is published (§2.8)."""
        if not self._vendor.lists_operations:
            raise refuse("UNIMPLEMENTED", "Operation is not implemented.")
        with self._vendor.lock:
            found, rest = self._vendor.pager.page(
                request, list(self.held.values()), 100, 1000
            )
        made: Wire = {**rest}
        return json_response({**made, "operations": list(found)} if found else made)

    def get(self, request: Request, name: str) -> Response:
        """One operation."""
        del request
        with self._vendor.lock:
            found = self.held.get(f"operations/{name}")
        if found is None:
            raise refuse("NOT_FOUND", f"Operation {name} not found.")
        return json_response(found)

    def check(self, request: Request, account: str) -> Response:
        """Empty when nothing matches; ``owned`` for the partner's own customers."""
        own = self._vendor.own(account)
        try:
            body = msgspec.json.decode(request.get_data(), type=dict[str, Any])
        except msgspec.MsgspecError:
            raise refuse("INVALID_ARGUMENT", "Invalid JSON payload.") from None
        domain = str(body.get("domain", ""))
        if "." not in domain:
            raise condition("INVALID_VALUE", "Invalid domain.", "INVALID_ARGUMENT")
        with self._vendor.lock:
            found = [
                {
                    "existing": True,
                    "owned": True,
                    "customerName": f"{own}/customers/{each.id}",
                    "customerCloudIdentityId": each.identity,
                    "customerType": "DOMAIN",
                }
                for each in self._vendor.book.every()
                if each.facts.domain == domain.lower()
            ]
        return json_response({"cloudIdentityAccounts": found} if found else {})

    def add(
        self,
        customer: str,
        entitlement: str,
        kind: str = "CREATE_ENTITLEMENT",
        done: bool = True,
        error: str = "",
    ) -> Wire:
        """An operation that somebody started; ``error`` is a canonical word (T1)."""
        name = f"operations/op-{len(self.held) + 1}"
        made: Wire = {
            "name": name,
            "metadata": {
                "@type": f"{_TYPES}.OperationMetadata",
                "operationType": kind,
            },
        }
        if done:
            made["done"] = True
            full = f"{self._vendor.account}/customers/{customer}"
            if error:
                made["error"] = {"code": CODES[error], "message": error.lower()}
            else:
                made["response"] = {
                    "@type": f"{_TYPES}.Entitlement",
                    "name": f"{full}/entitlements/{entitlement}",
                }
        self.held[name] = made
        return made
