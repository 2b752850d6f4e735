"""Why a part of a correction is shown but not written, in words for people."""

from __future__ import annotations

from decimal import Decimal

from entrepot.hub.reconciliation.rules.results import NotPushed

REASONS = {
    "arrears": (
        "The agreement is billed in arrears: changing the line in place would bill "
        "the whole open period at the new quantity. The line has to be split, which "
        "isn't written yet."
    ),
    "mode_unknown": (
        "It isn't known whether the agreement bills in advance. Set the billing mode "
        "in its agreement rule."
    ),
    "lock_unknown": (
        "It isn't known how far the agreement is invoiced, so nothing is written."
    ),
    "mid_period": (
        "The change lies inside the open period; splitting a line in mid-period isn't "
        "written yet."
    ),
    "dated_delta": (
        "The rule leaves proration to the PSA, which needs a dated additional line in "
        "an invoiced period; that isn't written yet."
    ),
    "closed_period": (
        "The part in periods that are already invoiced isn't charged yet; it is only "
        "reported."
    ),
    "credit": (
        "A credit for periods that are already invoiced isn't written; it is only "
        "reported."
    ),
    "not_charged_by_policy": (
        "The rule says that parts of periods aren't charged; the gap is reported."
    ),
    "price_change": "Price changes aren't written yet.",
    "cost_change": "Cost changes aren't written yet.",
    "flag_change": "Billable and tax flags aren't written yet.",
    "included_units": "Included units of a line aren't written yet.",
    "start_date": "Start dates of existing lines aren't written yet.",
    "usage": "One-time charges for usage aren't written yet.",
    "basis": (
        "Currency or billing cycle don't fit, so no price can be computed and nothing "
        "is written."
    ),
    "needs_choice": "A person has to choose what is right first.",
    "lock_dates_differ": (
        "The two agreements are invoiced up to different days; moving the line would "
        "bill some days twice or never."
    ),
    "several_lines": "Several lines share the quantity; choose the one to change.",
    "no_successor": "No active agreement is known to continue on.",
    "closed_line": (
        "The line starts after the last invoiced day, so it can't be ended before it "
        "begins."
    ),
    "unfinished_plan": "An unfinished plan of ours is resumed first.",
    "wait": "An order of ours is still on its way.",
}


def not_pushed(code: str, amount: Decimal | None = None) -> NotPushed:
    """The reason of that code, with the money it concerns where there is any."""
    return NotPushed(code=code, text=REASONS[code], amount=amount)
