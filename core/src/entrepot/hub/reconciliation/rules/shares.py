"""Splitting one vendor customer's quantity between several PSA companies."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from entrepot.hub.reconciliation.rules.numbers import floor
from entrepot.hub.reconciliation.rules.records import ZERO, CustomerShare, ShareMode

_HUNDRED = Decimal(100)


def problem_of(shares: Sequence[CustomerShare], quantity: Decimal | None = None) -> str:
    """Why these shares do not add up; empty when they do.

    Args:
        shares: All confirmed shares of one vendor customer.
        quantity: With it, fixed shares are also compared with what there is.
    """
    if len(shares) <= 1 and all(share.mode is ShareMode.ALL for share in shares):
        return ""
    if any(share.mode is ShareMode.ALL for share in shares):
        return "one company gets all, so no other company can get a share"
    percent = _sum(shares, ShareMode.PERCENT)
    rest = [share for share in shares if share.mode is ShareMode.REMAINDER]
    if percent > _HUNDRED:
        return f"the percentages add up to {percent} %"
    if len(rest) != 1 and not (not rest and percent == _HUNDRED):
        return "exactly one company must get the remainder"
    if len({share.company for share in shares}) != len(shares):
        return "a company has two shares of the same customer"
    if quantity is not None and _sum(shares, ShareMode.FIXED) > quantity:
        return "the fixed shares are larger than the quantity"
    return ""


def split(quantity: Decimal, shares: Sequence[CustomerShare]) -> dict[str, Decimal]:
    """Quantity by company; the parts always add up to `quantity`.

    Fixed shares come first (in order, as long as something is left), then percentages
    of the rest by the largest remainder, then the remainder. Whole quantities are
    split into whole parts.
    """
    if len(shares) == 1 and shares[0].mode is ShareMode.ALL:
        return {shares[0].company: quantity}
    parts: dict[str, Decimal] = {}
    left = quantity
    for share in shares:
        if share.mode is ShareMode.FIXED:
            parts[share.company] = min(share.value, left)
            left -= parts[share.company]
    parts.update(_proportional(left, shares))
    return parts


def _proportional(left: Decimal, shares: Sequence[CustomerShare]) -> dict[str, Decimal]:
    percent = _sum(shares, ShareMode.PERCENT)
    wanted: list[tuple[str, Decimal]] = []
    for share in shares:
        if share.mode is ShareMode.PERCENT:
            wanted.append((share.company, left * share.value / _HUNDRED))
        elif share.mode is ShareMode.REMAINDER:
            wanted.append((share.company, left * (_HUNDRED - percent) / _HUNDRED))
    return _largest_remainder(left, wanted)


def _largest_remainder(
    total: Decimal, wanted: list[tuple[str, Decimal]]
) -> dict[str, Decimal]:
    exponent = total.normalize().as_tuple().exponent
    quantum = Decimal(1).scaleb(min(exponent, 0) if isinstance(exponent, int) else 0)
    parts = {company: floor(part / quantum) * quantum for company, part in wanted}
    missing = total - sum(parts.values(), ZERO)
    order = sorted(wanted, key=lambda row: (parts[row[0]] - row[1], row[0]))
    for company, _ in order:
        if missing < quantum:
            break
        parts[company] += quantum
        missing -= quantum
    return parts


def _sum(shares: Sequence[CustomerShare], mode: ShareMode) -> Decimal:
    return sum((share.value for share in shares if share.mode is mode), ZERO)
