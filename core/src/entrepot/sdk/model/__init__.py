"""The records that cross the border between core and plugins.

All are frozen dataclasses with exact numbers and aware times. A vendor value that
nobody knows becomes the member ``unknown`` and keeps its raw text beside it.
"""

from entrepot.sdk.model.catalog import Offer
from entrepot.sdk.model.charge import Charge, ChargeKind, UsageLine
from entrepot.sdk.model.info import (
    Capabilities,
    CheckResult,
    Gap,
    GapReason,
    Idempotency,
    Listing,
    MatchingVocabulary,
    PluginInfo,
    PluginKind,
    QuotaKey,
)
from entrepot.sdk.model.money import Money
from entrepot.sdk.model.order import (
    ChangedKind,
    ChangeEvent,
    Notification,
    NotificationRegistration,
    OrderStatus,
    VendorOrder,
    VendorOrderLine,
)
from entrepot.sdk.model.page import ContentHash, Page, RawItems
from entrepot.sdk.model.party import AccountStatus, Address, Contact, VendorCustomer
from entrepot.sdk.model.psa import (
    Agreement,
    AgreementLine,
    AgreementStatus,
    BillCustomer,
    BillingLock,
    BillingMode,
    Company,
    InvoicedPeriod,
    LineChange,
    LineChangeKind,
    LineOutcome,
    OutcomeState,
    PeriodAnchor,
    PlannedCall,
    PsaProduct,
    TicketOutcome,
)
from entrepot.sdk.model.subscription import (
    ScheduledChange,
    ScheduledKind,
    Subscription,
    SubscriptionStatus,
)
from entrepot.sdk.model.time import (
    BillingCycle,
    Period,
    Term,
    add_months,
    require_aware,
)

__all__ = [
    "AccountStatus",
    "Address",
    "Agreement",
    "AgreementLine",
    "AgreementStatus",
    "BillCustomer",
    "BillingCycle",
    "BillingLock",
    "BillingMode",
    "Capabilities",
    "ChangeEvent",
    "ChangedKind",
    "Charge",
    "ChargeKind",
    "CheckResult",
    "Company",
    "Contact",
    "ContentHash",
    "Gap",
    "GapReason",
    "Idempotency",
    "InvoicedPeriod",
    "LineChange",
    "LineChangeKind",
    "LineOutcome",
    "Listing",
    "MatchingVocabulary",
    "Money",
    "Notification",
    "NotificationRegistration",
    "Offer",
    "OrderStatus",
    "OutcomeState",
    "Page",
    "Period",
    "PeriodAnchor",
    "PlannedCall",
    "PluginInfo",
    "PluginKind",
    "PsaProduct",
    "QuotaKey",
    "RawItems",
    "ScheduledChange",
    "ScheduledKind",
    "Subscription",
    "SubscriptionStatus",
    "Term",
    "TicketOutcome",
    "UsageLine",
    "VendorCustomer",
    "VendorOrder",
    "VendorOrderLine",
    "add_months",
    "require_aware",
]
