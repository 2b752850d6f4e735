# ruff: noqa: E501 - a table reads better in long lines
"""The catalogue of discrepancies, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LEVELS = (1, 2)
"""Levels of comparison: the next invoice; closed periods and the open one as well."""


class Severity(StrEnum):
    """How bad a kind is."""

    BLOCK = "block"  # nothing can be computed
    ERROR = "error"  # money is wrong
    WARN = "warn"  # money may become wrong
    INFO = "info"


class Group(StrEnum):
    """What suppresses what: see `precedence`."""

    MAPPING = "mapping"
    DATA = "data"
    VENDOR = "vendor"
    PRESENCE = "presence"
    DATES = "dates"
    QUANTITY = "quantity"
    PRICE = "price"
    FLAGS = "flags"
    PERIOD = "period"
    BUNDLE = "bundle"
    USAGE = "usage"
    BASIS = "basis"  # currency and cycle: block price and cost only
    ACTION = "action"


class Auto(StrEnum):
    """Whether a policy may approve the default action."""

    ALWAYS = "always"
    OPTIONAL = "optional"
    NEVER = "never"


class Kind(StrEnum):
    """Every kind of discrepancy there is."""

    CUSTOMER_UNMAPPED = "CUSTOMER_UNMAPPED"
    CUSTOMER_MAPPING_STALE = "CUSTOMER_MAPPING_STALE"
    CUSTOMER_MAPPING_CONFLICT = "CUSTOMER_MAPPING_CONFLICT"
    PRODUCT_UNMAPPED = "PRODUCT_UNMAPPED"
    PRODUCT_MAPPING_STALE = "PRODUCT_MAPPING_STALE"
    PRODUCT_MAPPING_CONFLICT = "PRODUCT_MAPPING_CONFLICT"
    AGREEMENT_UNRESOLVED = "AGREEMENT_UNRESOLVED"
    AGREEMENT_INACTIVE = "AGREEMENT_INACTIVE"
    WRONG_AGREEMENT = "WRONG_AGREEMENT"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    BILLING_CYCLE_MISMATCH = "BILLING_CYCLE_MISMATCH"
    DATA_INCOMPLETE = "DATA_INCOMPLETE"
    HUB_STALE = "HUB_STALE"
    MISSING_IN_HUB = "MISSING_IN_HUB"
    MISSING_AT_VENDOR = "MISSING_AT_VENDOR"
    PENDING_ORDER = "PENDING_ORDER"
    ORDER_STUCK = "ORDER_STUCK"
    CONCURRENT_CHANGE = "CONCURRENT_CHANGE"
    FLAPPING = "FLAPPING"
    VENDOR_INVOICE_MISMATCH = "VENDOR_INVOICE_MISMATCH"
    MISSING_IN_PSA = "MISSING_IN_PSA"
    CANCELLED_IN_PSA = "CANCELLED_IN_PSA"
    CANCEL_DATE_MISMATCH = "CANCEL_DATE_MISMATCH"
    EFFECTIVE_DATE_MISMATCH = "EFFECTIVE_DATE_MISMATCH"
    ORPHAN_IN_PSA = "ORPHAN_IN_PSA"
    DUPLICATE_IN_PSA = "DUPLICATE_IN_PSA"
    QUANTITY_UNDERBILLED = "QUANTITY_UNDERBILLED"
    QUANTITY_OVERBILLED = "QUANTITY_OVERBILLED"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    COST_MISMATCH = "COST_MISMATCH"
    PRICE_MISMATCH = "PRICE_MISMATCH"
    MARGIN_BELOW_FLOOR = "MARGIN_BELOW_FLOOR"
    TERM_MISMATCH = "TERM_MISMATCH"
    BILLABLE_FLAG_MISMATCH = "BILLABLE_FLAG_MISMATCH"
    TAX_FLAG_MISMATCH = "TAX_FLAG_MISMATCH"
    PERIOD_GAP = "PERIOD_GAP"
    OPEN_PERIOD_GAP = "OPEN_PERIOD_GAP"
    BUNDLE_COMPONENT_SHORTFALL = "BUNDLE_COMPONENT_SHORTFALL"
    BUNDLE_COMPONENT_EXCESS = "BUNDLE_COMPONENT_EXCESS"
    USAGE_UNPOSTED = "USAGE_UNPOSTED"
    USAGE_AMOUNT_MISMATCH = "USAGE_AMOUNT_MISMATCH"
    INVOICED_PERIOD_LOCKED = "INVOICED_PERIOD_LOCKED"
    PLAN_STALE = "PLAN_STALE"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """What the catalogue says about a kind.

    Attributes:
        action: The default action, in the words of the workflow.
        level: Comparison level that raises it.
    """

    severity: Severity
    group: Group
    action: str
    auto: Auto
    title: str
    level: int = 1


_TABLE = """
CUSTOMER_UNMAPPED | BLOCK | MAPPING | REMAP | NEVER | 1 | Vendor customer has no PSA company
CUSTOMER_MAPPING_STALE | BLOCK | MAPPING | REMAP | NEVER | 1 | Mapped PSA company can no longer be used
CUSTOMER_MAPPING_CONFLICT | BLOCK | MAPPING | REMAP | NEVER | 1 | Customer mapping contradicts itself
PRODUCT_UNMAPPED | BLOCK | MAPPING | REMAP | NEVER | 1 | Vendor product has no PSA product
PRODUCT_MAPPING_STALE | BLOCK | MAPPING | REMAP | NEVER | 1 | Mapped PSA product can no longer be used
PRODUCT_MAPPING_CONFLICT | BLOCK | MAPPING | REMAP | NEVER | 1 | Several product mappings fit equally well
AGREEMENT_UNRESOLVED | BLOCK | MAPPING | CHOOSE_AGREEMENT | NEVER | 1 | No single active agreement to bill under
AGREEMENT_INACTIVE | ERROR | PRESENCE | PICK_SUCCESSOR | NEVER | 1 | Lines stand on an agreement that no longer bills
WRONG_AGREEMENT | WARN | PRESENCE | MOVE | NEVER | 1 | Line stands on another agreement than the rule says
CURRENCY_MISMATCH | BLOCK | BASIS | FIX_PRICE_LIST | NEVER | 1 | No price in the agreement's currency
BILLING_CYCLE_MISMATCH | BLOCK | BASIS | SET_SPREAD | NEVER | 1 | Agreement and subscription are billed in other cycles
DATA_INCOMPLETE | INFO | DATA | WAIT | NEVER | 1 | Data of this customer is incomplete
HUB_STALE | INFO | VENDOR | UPDATE_HUB | ALWAYS | 1 | The hub's copy is older than the vendor's state
MISSING_IN_HUB | INFO | VENDOR | UPDATE_HUB | ALWAYS | 1 | The vendor has a subscription the hub doesn't know
MISSING_AT_VENDOR | ERROR | VENDOR | UPDATE_HUB | OPTIONAL | 1 | The vendor no longer lists this subscription
PENDING_ORDER | INFO | VENDOR | WAIT | NEVER | 1 | An order of ours is not final yet
ORDER_STUCK | ERROR | VENDOR | CREATE_TICKET | NEVER | 1 | An order of ours is overdue
CONCURRENT_CHANGE | ERROR | VENDOR | RE_READ | NEVER | 1 | Somebody changed it before our order
FLAPPING | WARN | VENDOR | CREATE_TICKET | NEVER | 1 | Two systems keep changing the quantity back
VENDOR_INVOICE_MISMATCH | WARN | VENDOR | CREATE_TICKET | NEVER | 1 | The vendor invoiced other units or costs
MISSING_IN_PSA | ERROR | PRESENCE | PUSH_TO_PSA | OPTIONAL | 1 | Bought, but no PSA line
CANCELLED_IN_PSA | ERROR | PRESENCE | ASK | NEVER | 1 | Bought, but the PSA line was ended
CANCEL_DATE_MISMATCH | ERROR | PRESENCE | PUSH_TO_PSA | NEVER | 1 | The PSA line ends on another day than the subscription
EFFECTIVE_DATE_MISMATCH | WARN | DATES | PUSH_TO_PSA | NEVER | 1 | The PSA line starts on another day than the subscription
ORPHAN_IN_PSA | ERROR | PRESENCE | REVIEW | NEVER | 1 | PSA line without any subscription
DUPLICATE_IN_PSA | ERROR | PRESENCE | PUSH_TO_PSA | NEVER | 1 | The same thing stands on two PSA lines
QUANTITY_UNDERBILLED | ERROR | QUANTITY | PUSH_TO_PSA | OPTIONAL | 1 | Fewer units billed than bought
QUANTITY_OVERBILLED | ERROR | QUANTITY | PUSH_TO_PSA | NEVER | 1 | More units billed than bought
BELOW_MINIMUM | ERROR | QUANTITY | PUSH_TO_PSA | NEVER | 1 | Fewer units billed than the agreed minimum
COST_MISMATCH | WARN | PRICE | PUSH_TO_PSA | OPTIONAL | 1 | Unit cost differs
PRICE_MISMATCH | ERROR | PRICE | PUSH_TO_PSA | NEVER | 1 | Unit price differs
MARGIN_BELOW_FLOOR | WARN | PRICE | REVIEW | NEVER | 1 | Margin is below its floor
TERM_MISMATCH | WARN | PRESENCE | REMAP_LINE | NEVER | 1 | The PSA line stands for another term
BILLABLE_FLAG_MISMATCH | ERROR | FLAGS | PUSH_TO_PSA | NEVER | 1 | The line's billable flag is wrong
TAX_FLAG_MISMATCH | WARN | FLAGS | PUSH_TO_PSA | NEVER | 1 | The line's tax flag is wrong
PERIOD_GAP | ERROR | PERIOD | CHARGE_ONCE | NEVER | 2 | A closed period was billed for other units
OPEN_PERIOD_GAP | WARN | PERIOD | SPLIT | NEVER | 2 | The open period would be billed for other units
BUNDLE_COMPONENT_SHORTFALL | INFO | BUNDLE | REVIEW | NEVER | 1 | A bundle has fewer of a component than it needs
BUNDLE_COMPONENT_EXCESS | INFO | BUNDLE | REVIEW | NEVER | 1 | A bundle has more of a component than it needs
USAGE_UNPOSTED | ERROR | USAGE | PUSH_TO_PSA | OPTIONAL | 1 | Final usage isn't posted to the PSA
USAGE_AMOUNT_MISMATCH | ERROR | USAGE | PUSH_TO_PSA | NEVER | 1 | Posted usage differs from the final amount
INVOICED_PERIOD_LOCKED | BLOCK | ACTION | CATCH_UP | NEVER | 1 | The action would alter an invoiced period
PLAN_STALE | INFO | ACTION | RE_PLAN | NEVER | 1 | Something changed between plan and apply
"""


def _rows() -> dict[Kind, KindInfo]:
    rows = {}
    for line in _TABLE.strip().splitlines():
        kind, severity, group, action, auto, level, title = line.split(" | ")
        rows[Kind(kind)] = KindInfo(
            Severity[severity], Group[group], action, Auto[auto], title, int(level)
        )
    return rows


CATALOGUE = _rows()
"""Every kind with its severity, group, default action and auto-approval."""
