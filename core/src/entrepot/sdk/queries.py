"""The second argument of every hook: one frozen record per question or command.

Growth happens as new fields with a default; an implementation that does not know a
field ignores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entrepot.sdk.model.psa import LineChange
from entrepot.sdk.model.time import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """Common to all listings.

    Attributes:
        cursor: `Page.next_cursor` of the page before; None = first page.
        page_size: Wished size; None = the vendor's best.
        raw: The caller can use `Page.raw`; a plugin may still answer with items.
    """

    cursor: str | None = None
    page_size: int | None = None
    raw: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCustomers(ListPage):
    """All customers of the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCustomer:
    """One customer with all details the vendor has."""

    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOffers(ListPage):
    """All offers and their prices.

    Attributes:
        market: ISO country to list for; None = the connection's own.
    """

    market: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSubscriptions(ListPage):
    """Subscriptions of one customer, or of all where the vendor can.

    Attributes:
        customer_id: Vendor id; None only where `Capabilities.subscriptions` is
            GLOBAL.
    """

    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSubscription:
    """One subscription, read afresh."""

    customer_id: str
    subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrders(ListPage):
    """Orders as the vendor reports them."""

    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsage(ListPage):
    """What was metered in a period.

    Attributes:
        period: Lines that began in these days, in the vendor's time zone.
        customer_id: Vendor id; None only where `Capabilities.usage` is GLOBAL.
    """

    period: Period
    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCharges(ListPage):
    """What the vendor charges for a period.

    Attributes:
        period: Lines billed for these days; a billing month where the vendor bills
            by months.
        customer_id: Vendor id; None only where `Capabilities.charges` is GLOBAL.
    """

    period: Period
    customer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFile:
    """A file that a person hands to the connection.

    Attributes:
        name: What the person calls it; a hint at most.
        content: Its bytes, as they are.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ListContacts(ListPage):
    """People of one customer or company, or of all where possible."""

    owner_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanges(ListPage):
    """What changed since a moment or a cursor.

    Attributes:
        since: Start when there is no cursor yet.
    """

    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveNotification:
    """An inbound HTTP request on the connection's notification path.

    Attributes:
        method: HTTP verb, capital letters.
        headers: Lower-case names.
        query: Query parameters.
        body: As received, at most the hub's size limit.
        received_at: When it arrived.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterNotifications:
    """Make sure that the other side sends notifications to `url`."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConsoleLink:
    """Address of an object in the other side's own console.

    Attributes:
        kind: ``customer``, ``subscription``, ``company``, ``agreement``, ``line``,
            ``product``, ``ticket`` or ``order``.
        object_id: Vendor id.
        parent_id: Vendor id of the owner (customer, agreement) where needed.
    """

    kind: str
    object_id: str
    parent_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCompanies(ListPage):
    """All companies of the PSA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProducts(ListPage):
    """The PSA's product catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAgreements(ListPage):
    """Agreements, of one company or of all."""

    company_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAgreementLines(ListPage):
    """Lines of one agreement, ended ones included, or of all where possible."""

    agreement_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBillingLock:
    """How far one agreement is invoiced."""

    agreement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLineChanges:
    """Turn intended changes into the exact calls, without sending any."""

    changes: tuple[LineChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyLineChange:
    """Carry out one change, read it back, and compare."""

    change: LineChange


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLine:
    """Look for the line that an earlier `ApplyLineChange` may have written.

    Attributes:
        change: The change whose outcome is not known.
        not_before: When it was sent at the earliest.
    """

    change: LineChange
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAgreementLine:
    """One line, read afresh."""

    agreement_id: str
    line_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTicket:
    """A service ticket with evidence; one per fingerprint, updated not duplicated."""

    reference: str
    company_id: str
    summary: str
    body: str
    links: tuple[str, ...] = ()
