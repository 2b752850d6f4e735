"""Calls to the vendor's services; answers come as wire records (reference §4).

Continuations are taken apart and put together again here: the vendor's links may be
absolute or relative, and some listings have no argument for them (§5.2, T03).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from entrepot.sdk.errors import Rejected, Retryable
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_ibm import wire
from entrepot_ibm.errors import customer_error_for, error_for, read_fault
from entrepot_ibm.settings import IbmSettings
from entrepot_ibm.tokens import OWN, TokenAuth

T = TypeVar("T")
Params = dict[str, str | int | None]

MOST = 100
PARTNER_OPTIONS = 200
PARTNER_POOLS = 30  # counts billing units, not rows (§4.3)
_TOKENS = ("start", "next_docid", "offset", "_start", "_offset")
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class RawPage:
    """Encoded items of one page, and the text that asks for the next."""

    items: list[bytes]
    token: str | None = None


class Client:
    """One connection's calls. Cheap to make; the pool belongs to the session.

    Args:
        http: Core's session.
        settings: The connection's settings.
        auth: Signs calls.
        customer: Whose account the signature is for; `OWN` for ours.
    """

    def __init__(
        self,
        http: HttpSession,
        settings: IbmSettings,
        auth: TokenAuth,
        customer: str = OWN,
    ) -> None:
        self._settings = settings
        self._http = http.bound(
            headers={"Accept": "application/json"},
            auth=auth,
            errors=error_for if customer == OWN else customer_error_for,
            request_id_headers=("X-Global-Transaction-ID", "Transaction-Id"),
            correlation_header="Transaction-Id",
        )

    # Enterprise layout

    def enterprises(self) -> list[wire.EnterpriseWire]:
        """All enterprises the key may see."""
        return self._every("enterprise", "/enterprises", {}, wire.ENTERPRISE)

    def enterprise(self, enterprise_id: str) -> wire.EnterpriseWire:
        """One enterprise."""
        path = f"/enterprises/{quote(enterprise_id, safe='')}"
        return self._one("enterprise", path, wire.ENTERPRISE)

    def accounts(self, enterprise_id: str, token: str | None, size: int) -> RawPage:
        """One page of an enterprise's accounts, the enterprise's own included."""
        params: Params = {"enterprise_id": enterprise_id, "limit": min(size, MOST)}
        return self._page("enterprise", "/accounts", params, "next_docid", token)

    def account(self, account_id: str) -> wire.AccountWire:
        """One account."""
        path = f"/accounts/{quote(account_id, safe='')}"
        return self._one("enterprise", path, wire.ACCOUNT)

    def billing_units(self, enterprise_id: str) -> list[wire.BillingUnitWire]:
        """All billing units of an enterprise."""
        params: Params = {"enterprise_id": enterprise_id, "limit": MOST}
        return self._every("billing", "/v1/billing-units", params, wire.BILLING_UNIT)

    def unit_options(self, unit_id: str) -> list[wire.OptionWire]:
        """All billing options of a billing unit."""
        params: Params = {"billing_unit_id": unit_id, "limit": MOST}
        return self._every("billing", "/v1/billing-options", params, wire.OPTION)

    def unit_pools(self, unit_id: str, month: str) -> list[wire.PoolWire]:
        """Credit pools of a billing unit in a month."""
        params: Params = {"billing_unit_id": unit_id, "date": month, "limit": MOST}
        return self._every("billing", "/v1/credit-pools", params, wire.POOL)

    def account_report(self, account_id: str, month: str) -> list[wire.ReportWire]:
        """Usage of one account of our enterprise in a month."""
        params: Params = {"account_id": account_id, "month": month, "limit": MOST}
        path = "/v1/resource-usage-reports"
        return self._every("enterprise_usage", path, params, wire.REPORT)

    # Partner layout

    def partner_name(self) -> str:
        """The partner's own name, by the cheapest report; empty when it has none."""
        params: Params = {"partner_id": self._settings.partner_id, "limit": 1}
        params["viewpoint"] = self._settings.viewpoint
        path = "/v1/resource-usage-reports"
        page = self._page("partner", path, params, "offset", None)
        return _item(wire.REPORT, page.items[0]).entity_name if page.items else ""

    def options(self, month: str | None, customer: str) -> list[wire.OptionWire]:
        """Billing options of a customer; None = the current month."""
        params = {
            **self._partner(customer),
            "date": month,
            "limit": PARTNER_OPTIONS,
        }
        return self._every("partner", "/v1/billing-options", params, wire.OPTION)

    def options_page(
        self, month: str, token: str | None, size: int
    ) -> tuple[list[wire.OptionWire], str | None]:
        """One page of the billing options of all customers, and its continuation."""
        params = {**self._partner(None), "date": month, "limit": size}
        page = self._page("partner", "/v1/billing-options", params, "start", token)
        return [_item(wire.OPTION, item) for item in page.items], page.token

    def reports_page(
        self, month: str, token: str | None, size: int
    ) -> tuple[list[wire.ReportWire], str | None]:
        """One page of the usage of every end customer, and its continuation."""
        params: Params = {
            **self._partner(None),
            "month": month,
            "viewpoint": self._settings.viewpoint,
            "limit": size,
            "recurse": "true",
            "reseller_id": None,
        }
        path = "/v1/resource-usage-reports"
        page = self._page("partner", path, params, "offset", token)
        return [_item(wire.REPORT, item) for item in page.items], page.token

    def pools(self, month: str | None, customer: str) -> list[wire.PoolWire]:
        """Credit pools of a customer."""
        params = {**self._partner(customer), "date": month, "limit": PARTNER_POOLS}
        return self._every("partner", "/v1/credit-pools", params, wire.POOL)

    def reports(
        self, month: str | None, customer: str, viewpoint: str | None = None
    ) -> list[wire.ReportWire]:
        """Usage of one customer in a month.

        The viewpoint is always sent: without it the vendor takes the caller's (T12).
        """
        params: Params = {
            **self._partner(customer),
            "month": month,
            "viewpoint": viewpoint or self._settings.viewpoint,
            "limit": MOST,
        }
        return self._every("partner", "/v1/resource-usage-reports", params, wire.REPORT)

    # Customer's account

    def instances(self, state: str, token: str | None, size: int) -> RawPage:
        """One page of instances in one state; others are hidden (§4.4, T02)."""
        params: Params = {"state": state, "limit": min(size, MOST)}
        path = "/v2/resource_instances"
        return self._page("controller", path, params, "start", token)

    def instance(self, instance_id: str) -> bytes:
        """One instance by GUID or CRN, encoded; removed ones answer too (T09)."""
        path = f"/v2/resource_instances/{quote(instance_id, safe='')}"
        return self._get("controller", path).content

    def reclamations(self, instance_id: str) -> list[wire.ReclamationWire]:
        """Scheduled reclamations of an instance; not paged."""
        params: Params = {"resource_instance_id": instance_id}
        return self._every("controller", "/v1/reclamations", params, wire.RECLAMATION)

    def instance_usage(self, account: str, month: str) -> list[wire.InstanceUsageWire]:
        """Usage of every instance of an account in a month (§4.6)."""
        path = f"/v4/accounts/{account}/resource_instances/usage/{month}"
        params: Params = {"_limit": 200, "_names": "true"}
        return self._every("billing", path, params, wire.INSTANCE_USAGE, "_start")

    # Catalogue

    def services(self, offset: int, size: int) -> tuple[list[wire.EntryWire], bool]:
        """Services of the catalogue from an offset on; whether there are more."""
        params: Params = {
            "q": "kind:service",
            "include": "*",
            "_offset": offset,
            "_limit": size,
        }
        response = self._get("catalogue", "/", params)
        listed = _read(response, wire.LISTED, response.content)
        found = [_read(response, wire.ENTRY, raw) for raw in listed.resources or ()]
        more = offset + len(found) < (listed.count or 0)
        return found, more and bool(found)

    def plans(self, service_id: str) -> list[wire.EntryWire]:
        """Plans of a service."""
        path = f"/{quote(service_id, safe='')}/plan"
        return self._every("catalogue", path, {"include": "*"}, wire.ENTRY, "_offset")

    def pricing(
        self, plan_id: str, known: tuple[str, bytes] | None
    ) -> tuple[str, bytes]:
        """ETag and encoded pricing of a plan.

        `known` comes back when the vendor says it still holds (T21).
        """
        path = f"/{quote(plan_id, safe='')}/pricing"
        headers = {"If-None-Match": known[0]} if known and known[0] else {}
        response = self._bound("catalogue").get(path, headers=headers, accept=(304,))
        if response.status == 304 and known is not None:
            return known
        return response.header("ETag") or "", response.content

    # Helpers

    def _partner(self, customer: str | None) -> Params:
        # reseller_id and customer_id exclude one another (§4.3).
        reseller = self._settings.reseller_id or None
        return {
            "partner_id": self._settings.partner_id,
            "customer_id": customer,
            "reseller_id": None if customer else reseller,
        }

    def _bound(self, service: str) -> HttpSession:
        quota = "enterprise" if service == "enterprise_usage" else service
        return self._http.bound(base_url=self._settings.base(service), quota=quota)

    def _get(
        self, service: str, path: str, params: Mapping[str, object] | None = None
    ) -> HttpResponse:
        return self._bound(service).get(path, params=params)

    def _one(self, service: str, path: str, reader: wire.Reader[T]) -> T:
        response = self._get(service, path)
        return _read(response, reader, response.content)

    def _page(
        self,
        service: str,
        path: str,
        params: Params,
        name: str,
        token: str | None,
    ) -> RawPage:
        # A token that is refused ends the listing, whatever words say so (B12).
        response = self._bound(service).raw_get(
            path, params={**params, name: token}, accept=() if token is None else (400,)
        )
        if response.status == 400:
            raise _cursor_lost(response)
        listed = _read(response, wire.LISTED, response.content)
        items = listed.resources if listed.resources is not None else listed.reports
        if items is None:
            raise response.broken(ValueError("no items"))
        following = continuation(listed)
        if following is not None and following == token:
            # The same page once more: asking again gets the right one (T06).
            raise Retryable(
                "paging_stuck",
                "The vendor sent the same page twice.",
                detail=f"{response.method} {response.url}",
                vendor_request_id=response.request_id,
                after=5.0,
            )
        return RawPage([bytes(item) for item in items], following)

    def _every(
        self,
        service: str,
        path: str,
        params: Params,
        reader: wire.Reader[T],
        name: str = "",
    ) -> list[T]:
        """All items of a listing; a continuation that comes twice ends in an error."""
        found: list[T] = []
        token, seen = None, set[str]()
        word = name or _word(service, path)
        for _ in range(_MOST_PAGES):
            page = self._page(service, path, params, word, token)
            found += [_item(reader, item) for item in page.items]
            token = page.token
            if token is None:
                return found
            if token in seen:
                break
            seen.add(token)
        raise Retryable(
            "paging_stuck", "The vendor's listing does not end.", detail=path, after=5.0
        )


def continuation(listed: wire.Listed) -> str | None:
    """What asks for the page after this one; None when it was the last (§5.2).

    The vendor's four ways: `next_url`, `next.href`, `next.offset`, and counting on
    where there is a total only.
    """
    following = listed.next or listed.next_url
    if isinstance(following, wire.Href):
        if following.offset not in (None, ""):
            return str(following.offset)
        return _token_of(following.href)
    if following:
        return _token_of(following)
    if listed.offset is not None and listed.count is not None:
        done = listed.offset + len(listed.resources or ())
        return str(done) if listed.resources and done < listed.count else None
    return None


def _token_of(url: str | None) -> str | None:
    if not url:
        return None
    query = parse_qs(urlsplit(url).query)
    return next((query[name][0] for name in _TOKENS if query.get(name)), None)


def _word(service: str, path: str) -> str:
    if path.endswith("/resource-usage-reports"):
        return "offset"
    return "next_docid" if service == "enterprise" else "start"


def _read(response: HttpResponse, reader: wire.Reader[T], data: bytes | wire.Raw) -> T:
    try:
        return reader.read(data)
    except ValueError as error:
        raise response.broken(error) from None


def _item(reader: wire.Reader[T], data: bytes) -> T:
    try:
        return reader.read(data)
    except ValueError as error:
        raise Retryable(
            "answer_unreadable",
            "The other side sent an answer that cannot be read.",
            detail=str(error)[:200],
        ) from None


def _cursor_lost(response: HttpResponse) -> Rejected:
    return Rejected(
        "cursor_invalid",
        "The listing cannot go on from this cursor.",
        detail=f"{response.method} {response.url}: {read_fault(response.content).text}",
        vendor_request_id=response.request_id,
        remedy="Start the listing again.",
    )
