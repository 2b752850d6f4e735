"""What must hold before a decision is saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from entrepot.hub.mapping.rows import MapRow
from entrepot.hub.mapping.views import ProductDecision, Share
from entrepot.sdk.errors import Conflict, Rejected
from entrepot.sdk.model import BillCustomer, BillingCycle

SHARES = ("all", "fixed", "percent", "remainder")
KINDS = (
    *("license", "bundle_driver", "bundle_component", "usage", "one_time"),
    *("setup", "ignore"),
)
PRICES = ("", "catalog", "markup", "margin", "fixed", "vendor_list", "keep")
ROUNDINGS = ("exact", "ceil")
_BILLS_NOTHING = frozenset({"ignore", "bundle_component"})
_HUNDRED = Decimal(100)


def shares_problem(shares: Sequence[Share]) -> str:
    """Why these shares don't add up; empty when they do (reconciliation §5.1)."""
    if not shares:
        return "no company was chosen"
    if len({share.company_id for share in shares}) != len(shares):
        return "a company has two shares of the same customer"
    wrong = next(filter(None, map(_share_problem, shares)), "")
    if wrong or (len(shares) == 1 and shares[0].share == "all"):
        return wrong
    if any(share.share == "all" for share in shares):
        return "one company gets all, so no other company can get a share"
    percent = sum(share.value for share in shares if share.share == "percent")
    rest = sum(share.share == "remainder" for share in shares)
    if percent > _HUNDRED:
        return f"the percentages add up to {percent} %"
    fixed = any(share.share == "fixed" for share in shares)
    if rest == 1 or (rest == 0 and percent == _HUNDRED and not fixed):
        return ""
    return "exactly one company must get the remainder"


def _share_problem(share: Share) -> str:
    if share.share not in SHARES:
        return f"a share is {', '.join(SHARES)}, not {share.share}"
    needs_value = share.share in ("fixed", "percent")
    if needs_value and share.value <= 0:
        return f"a {share.share} share needs a value above zero"
    if not needs_value and share.value != 0:
        return f"a share of kind {share.share} takes no value"
    return ""


def require_reason(reason: str) -> None:
    """Return if a reason was given.

    Raises:
        Rejected: It is empty.
    """
    if not reason.strip():
        raise Rejected(
            "reason_missing",
            "Leaving something out needs a reason.",
            field="reason",
            remedy="Say in a few words why; the next person will ask.",
        )


def require_version(rows: Iterable[MapRow], version: int | None) -> None:
    """Return if the rows are those the person looked at.

    Raises:
        Conflict: A row was changed meanwhile.
    """
    known = {row.version for row in rows}
    if version is not None and version not in known:
        raise Conflict(
            "changed",
            "This mapping was changed by somebody else.",
            remedy="Look at it again, then decide.",
        )


def require_entry(decision: ProductDecision) -> None:
    """Return if a product-map entry makes sense.

    Raises:
        Rejected: It names the field at fault.
    """
    checks = (
        ("kind", decision.kind in KINDS, f"one of {', '.join(KINDS)}"),
        ("rounding", decision.rounding in ROUNDINGS, "exact or ceil"),
        ("price_mode", decision.price_mode in PRICES, f"one of {', '.join(PRICES)}"),
        ("bill", decision.bill in set(BillCustomer), "a billing flag"),
        (
            "billing_cycle",
            decision.billing_cycle in {"", *BillingCycle},
            "a billing cycle",
        ),
        ("factor", decision.factor > 0, "above zero"),
        ("included_quantity", decision.included_quantity >= 0, "zero or more"),
        ("price_value", _price_fits(decision), "right for its price mode"),
        ("valid_to", _dates_fit(decision), "after valid_from"),
        ("sku", bool(decision.sku or decision.product_id), "given, or a product"),
        ("psa_product_id", _has_target(decision), "given for this kind"),
    )
    for field, fine, wanted in checks:
        if not fine:
            raise Rejected(
                f"{field}_invalid",
                f"The field {field} must be {wanted}.",
                field=field,
                remedy="Correct it and save again.",
            )


def _price_fits(decision: ProductDecision) -> bool:
    if decision.price_mode == "margin":
        return Decimal(0) <= decision.price_value < _HUNDRED
    if decision.price_mode in ("markup", "fixed"):
        return decision.price_value >= 0
    return decision.price_value == 0


def _dates_fit(decision: ProductDecision) -> bool:
    first, end = decision.valid_from, decision.valid_to
    return first is None or end is None or first < end


def _has_target(decision: ProductDecision) -> bool:
    return bool(decision.psa_product_id) or decision.kind in _BILLS_NOTHING
