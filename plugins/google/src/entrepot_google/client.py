"""Calls to Google: Cloud Channel, Workspace Reseller, Pub/Sub and BigQuery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from entrepot.sdk.errors import NotFound, Rejected, Retryable, Unsupported
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_google.errors import error_for, query_error
from entrepot_google.settings import GoogleSettings
from entrepot_google.tokens import TokenAuth
from entrepot_google.wire import bigquery, catalogue, channel, pubsub, reseller, signin

T = TypeVar("T")
CUSTOMERS_PAGE = 50  # the vendor's largest (§2.5)
ENTITLEMENTS_PAGE = 100
_OFFERS_PAGE = 1000
_CHANGES_PAGE = 50
_ESTATE_PAGE = 100
_LINKS_PAGE = 200
_PULL = 100
_MOST_PAGES = 10_000
_QUERY_MS = 20_000
_QUERY_POLLS = 30
_REQUEST_IDS = ("X-Request-Id", "X-Goog-Request-Id")


@dataclass(frozen=True, slots=True)
class RawPage:
    """Encoded items and the token of the next page; None on the last one."""

    items: list[bytes]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class QueryPage:
    """Rows by column, the job that holds them, and the token of the next page."""

    rows: list[dict[str, str]]
    job: str
    location: str
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """Who signs the calls to which API."""

    order: TokenAuth
    pubsub: TokenAuth
    bigquery: TokenAuth


class Client:
    """Google's calls. Cheap to make; the pool belongs to the session.

    Args:
        http: Core's session.
        settings: The connection's settings.
        signers: Tokens by API.
        sleep: Waits between two looks at a running query.
    """

    def __init__(
        self,
        http: HttpSession,
        settings: GoogleSettings,
        signers: Signers,
        sleep: Callable[[float], None],
    ) -> None:
        self._settings, self._unbound, self._sleep = settings, http, sleep
        self._signers = signers
        self._channel = self._bound(settings.channel_base, signers.order, "channel")

    def _bound(self, base: str, auth: TokenAuth, quota: str) -> HttpSession:
        return self._unbound.bound(
            base_url=base,
            headers={"Accept": "application/json"},
            auth=auth,
            errors=error_for,
            quota=quota,
            request_id_headers=_REQUEST_IDS,
        )

    # Customers

    def customers(
        self, token: str | None, size: int = CUSTOMERS_PAGE, link: str = ""
    ) -> RawPage:
        """One page of our own customers, or of those of a channel partner (§2.5)."""
        params = {"pageSize": size, "pageToken": token}
        path = f"/v1/{link or self._settings.account}/customers"
        response = self._channel.raw_get(path, params=params, quota="customers")
        found = response.decode(channel.CUSTOMERS)
        return _page(response, found.customers, found.next_page_token, token)

    def partner_links(self) -> list[channel.PartnerLinkWire]:
        """All channel partners below us, in any state (§6.5)."""
        found: list[channel.PartnerLinkWire] = []
        for response in self._walk(
            self._channel,
            f"/v1/{self._settings.account}/channelPartnerLinks",
            {"pageSize": _LINKS_PAGE},
            lambda answer: answer.decode(channel.PARTNER_LINKS).next_page_token,
        ):
            found += response.decode(channel.PARTNER_LINKS).channel_partner_links
        return found

    def customer(self, customer_id: str) -> channel.CustomerWire:
        """One customer."""
        path = self._customer_path(customer_id)
        return self._channel.get(path).decode(channel.CUSTOMER)

    def customer_of_identity(self, identity: str) -> channel.CustomerWire | None:
        """The customer with this Cloud Identity id, or None (§3.5)."""
        params = {"filter": f"cloud_identity_id = {identity}", "pageSize": 1}
        path = f"/v1/{self._settings.account}/customers"
        response = self._channel.get(path, params=params, quota="customers")
        found = response.decode(channel.CUSTOMERS).customers
        return channel.CUSTOMER.decode(found[0]) if found else None

    # Entitlements

    def entitlements(self, customer_id: str, token: str | None, size: int) -> RawPage:
        """One page of a customer's entitlements; ended ones are not shown (§7.1)."""
        params = {"pageSize": size, "pageToken": token}
        response = self._channel.raw_get(
            f"{self._customer_path(customer_id)}/entitlements",
            params=params,
            quota="entitlements",
        )
        found = response.decode(channel.ENTITLEMENTS)
        return _page(response, found.entitlements, found.next_page_token, token)

    def entitlement(self, customer_id: str, entitlement_id: str) -> bytes:
        """One entitlement, encoded."""
        path = f"{self._customer_path(customer_id)}/entitlements/{entitlement_id}"
        return self._channel.get(path).content

    def offer_of(self, customer_id: str, entitlement_id: str) -> catalogue.OfferWire:
        """The offer an entitlement was bought under, retired ones too (§5.1)."""
        path = f"{self._customer_path(customer_id)}/entitlements/{entitlement_id}"
        return self._channel.get(f"{path}:lookupOffer").decode(catalogue.OFFER)

    def changes(self, customer_id: str) -> list[channel.EntitlementChangeWire]:
        """The history of all entitlements of a customer, as the vendor orders it."""
        path = f"{self._customer_path(customer_id)}/entitlements/-"
        found: list[channel.EntitlementChangeWire] = []
        for response in self._walk(
            self._channel,
            f"{path}:listEntitlementChanges",
            {"pageSize": _CHANGES_PAGE},
            lambda answer: answer.decode(channel.CHANGES).next_page_token,
        ):
            found += response.decode(channel.CHANGES).entitlement_changes
        return found

    def operations(self) -> list[channel.OperationWire] | None:
        """Long-running operations; None where the vendor does not list them.

        The published method answers 501 in practice (§2.8).
        """
        try:
            response = self._channel.get("/v1/operations")
        except (Unsupported, NotFound):
            return None
        return list(response.decode(channel.OPERATIONS).operations)

    # Catalogue

    def offers(self) -> list[catalogue.OfferWire]:
        """Everything that is sold now; list prices only (§5.1)."""
        found: list[catalogue.OfferWire] = []
        for response in self._walk(
            self._channel,
            f"/v1/{self._settings.account}/offers",
            {"pageSize": _OFFERS_PAGE, "languageCode": self._settings.language},
            lambda answer: answer.decode(catalogue.OFFERS).next_page_token,
        ):
            found += response.decode(catalogue.OFFERS).offers
        return found

    def purchasable_offers(
        self, customer_id: str, sku: str
    ) -> list[catalogue.OfferWire]:
        """A SKU's offers with the prices the partner pays for one customer."""
        found: list[catalogue.OfferWire] = []
        for response in self._walk(
            self._channel,
            f"{self._customer_path(customer_id)}:listPurchasableOffers",
            {
                "createEntitlementPurchase.sku": sku,
                "pageSize": _OFFERS_PAGE,
                "languageCode": self._settings.language,
            },
            lambda answer: answer.decode(catalogue.PURCHASABLE).next_page_token,
        ):
            page = response.decode(catalogue.PURCHASABLE).purchasable_offers
            found += [each.offer for each in page]
        return found

    # The Workspace estate (Reseller API)

    def estate(self) -> Iterator[reseller.ResellerSubscription]:
        """Every Workspace subscription of the partner, page by page."""
        session = self._bound(
            self._settings.reseller_base, self._signers.order, "reseller"
        )
        for response in self._walk(
            session,
            "/apps/reseller/v1/subscriptions",
            {"maxResults": _ESTATE_PAGE},
            lambda answer: answer.decode(reseller.RESELLER).next_page_token,
        ):
            yield from response.decode(reseller.RESELLER).subscriptions

    # Events

    def subscribers(self) -> channel.Subscribers:
        """The topic of the account and who may listen to it."""
        path = f"/v1/{self._settings.account}:listSubscribers"
        return self._channel.get(path).decode(channel.SUBSCRIBERS)

    def register_subscriber(self, service_account: str) -> str:
        """Let a service account listen; repeating it changes nothing. The topic."""
        path = f"/v1/{self._settings.account}:register"
        body = {"serviceAccount": service_account}
        response = self._channel.post(path, json=body, repeatable=True)
        return response.decode(channel.SUBSCRIBERS).topic

    def pull(self) -> list[pubsub.ReceivedMessage]:
        """Up to a hundred waiting events; none is acknowledged yet."""
        path = f"/v1/{self._settings.subscription}:pull"
        # Not acknowledged, they come again: repeating the call loses nothing.
        body = {"maxMessages": _PULL, "returnImmediately": True}
        response = self._pubsub().post(path, json=body, repeatable=True)
        return list(response.decode(pubsub.PULL).received_messages)

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Say that these events were taken over."""
        path = f"/v1/{self._settings.subscription}:acknowledge"
        self._pubsub().post(path, json={"ackIds": ack_ids}, repeatable=True)

    def push_subscription(self) -> pubsub.PubsubSubscription | None:
        """Our Pub/Sub subscription, or None while there is none."""
        try:
            response = self._pubsub().get(f"/v1/{self._settings.subscription}")
        except NotFound:
            return None
        return response.decode(pubsub.PUBSUB_SUBSCRIPTION)

    def create_push(self, topic: str, push: Mapping[str, Any]) -> None:
        """Create our Pub/Sub subscription on a topic."""
        body = {"topic": topic, "pushConfig": push}
        self._pubsub().put(f"/v1/{self._settings.subscription}", json=body)

    def change_push(self, push: Mapping[str, Any]) -> None:
        """Deliver to another address, or with another identity."""
        path = f"/v1/{self._settings.subscription}:modifyPushConfig"
        self._pubsub().post(path, json={"pushConfig": push}, repeatable=True)

    def certificates(self) -> signin.JsonKeySet:
        """Published keys that sign pushed events."""
        session = self._unbound.bound(auth=None, quota="certificate")
        return session.get(self._settings.certificates).decode(signin.KEY_SET)

    # Billing export

    def ask(self, body: Mapping[str, Any], size: int) -> QueryPage:
        """Run a query and return its first rows (§8.3).

        Raises:
            Rejected, Retryable: The query failed, or takes too long.
        """
        asked = {**body, "maxResults": size, "timeoutMs": _QUERY_MS}
        # It only reads; a second run costs but changes nothing.
        response = self._bigquery().post(self._queries, json=asked, repeatable=True)
        answer = response.decode(bigquery.QUERY)
        for _ in range(_QUERY_POLLS):
            if answer.job_complete:
                return _rows(answer)
            if answer.errors:
                found = answer.errors[0]
                raise query_error(found.reason, found.message, self._queries)
            self._sleep(1.0)
            job = answer.job_reference or bigquery.JobReference()
            answer = self._results(job.job_id, job.location, None, size)
        raise Retryable(
            "query_slow",
            "The billing export did not answer in time.",
            detail=self._queries,
            after=300.0,
        )

    def results(
        self, job: str, location: str, token: str | None, size: int
    ) -> QueryPage:
        """Further rows of a query; the vendor keeps them for a day.

        Raises:
            Rejected: They are gone.
        """
        try:
            return _rows(self._results(job, location, token, size))
        except NotFound as error:
            raise Rejected(
                "query_gone",
                "The answer of the billing export is no longer kept.",
                detail=error.info.detail,
                remedy="Start the listing again.",
            ) from None

    def _results(
        self, job: str, location: str, token: str | None, size: int
    ) -> bigquery.QueryWire:
        params = {
            "pageToken": token,
            "maxResults": size,
            "timeoutMs": _QUERY_MS,
            "location": location or None,
        }
        response = self._bigquery().get(f"{self._queries}/{job}", params=params)
        return response.decode(bigquery.QUERY)

    @property
    def _queries(self) -> str:
        project = self._settings.billing_table.split(".", maxsplit=1)[0]
        return f"/bigquery/v2/projects/{project}/queries"

    def _bigquery(self) -> HttpSession:
        base = self._settings.bigquery_base
        return self._bound(base, self._signers.bigquery, "bigquery")

    # Helpers

    def _customer_path(self, customer_id: str) -> str:
        return f"/v1/{self._settings.account}/customers/{customer_id}"

    def _pubsub(self) -> HttpSession:
        return self._bound(self._settings.pubsub_base, self._signers.pubsub, "pubsub")

    def _walk(
        self,
        session: HttpSession,
        path: str,
        params: Mapping[str, Any],
        following: Callable[[HttpResponse], str],
    ) -> Iterator[HttpResponse]:
        """All pages: an empty page is no end, an absent token is (§2.5)."""
        token = ""
        for _ in range(_MOST_PAGES):
            response = session.get(path, params={**params, "pageToken": token or None})
            yield response
            before, token = token, following(response)
            if not token:
                return
            if token == before:
                raise _stuck(response)


def _rows(answer: bigquery.QueryWire) -> QueryPage:
    """Rows as texts by column; empty text for nothing."""
    schema = answer.table_schema or bigquery.TableSchema()
    names = [each.name for each in schema.fields]
    rows = [
        dict(zip(names, (cell.v or "" for cell in row.f), strict=True))
        for row in answer.rows
    ]
    job = answer.job_reference or bigquery.JobReference()
    return QueryPage(rows, job.job_id, job.location, answer.page_token or None)


def _page(
    response: HttpResponse,
    items: tuple[msgspec.Raw, ...],
    token: str,
    asked: str | None,
) -> RawPage:
    if token and token == asked:
        raise _stuck(response)
    return RawPage([bytes(item) for item in items], token or None)


def _stuck(response: HttpResponse) -> Retryable:
    # The same page once more: asking again gets the right one.
    return Retryable(
        "paging_stuck",
        "The vendor sent the same page twice.",
        detail=f"{response.method} {response.url}",
        vendor_request_id=response.request_id,
        after=5.0,
    )
