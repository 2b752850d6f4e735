"""What the vendor allows to be changed on a subscription (§5.3 to §5.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from entrepot_microsoft.simulator import catalog, lifecycle, render
from entrepot_microsoft.simulator.model import WEEK, Batch, NextTerm, Sub, Wire
from entrepot_microsoft.simulator.refusals import refuse


def patch(sub: Sub, body: Wire, now: datetime) -> None:
    """Apply a PATCH with its full-body semantics (§5.3, B32).

    A missing ``autoRenewEnabled`` switches renewal off and missing instructions
    delete them, silently, as the vendor does.

    Raises:
        Refusal: In the vendor's words.
    """
    wanted = {key[:1].lower() + key[1:]: value for key, value in body.items()}
    _check_editable(sub, wanted, now)
    target = str(wanted.get("status", sub.status)).lower()
    if target != sub.status:
        set_status(sub, target, now)
    else:
        _fields(sub, wanted, now)
    if "friendlyName" in wanted:
        sub.friendly_name = str(wanted["friendlyName"])
    sub.touch()


def _check_editable(sub: Sub, wanted: Wire, now: datetime) -> None:
    if sub.status == "deleted":
        raise refuse(400, "2011", "The subscription is deleted.")
    if lifecycle.is_renewing(sub, now):
        raise refuse(409, "800082", "The subscription is being renewed; retry later.")
    if sub.updates >= 1200:
        raise refuse(400, "900311", "The subscription was updated too often.")
    sent = (wanted.get("attributes") or {}).get("etag")
    if sub.is_legacy and sent:
        current = render.subscription("", sub, now)["attributes"]["etag"]
        if sent != current:
            raise refuse(400, "2055", "The etag is stale; read the resource again.")


def _fields(sub: Sub, wanted: Wire, now: datetime) -> None:
    quantity = wanted.get("quantity", sub.quantity)
    if quantity != sub.quantity:
        set_quantity(sub, int(quantity), now)
    cycle = str(wanted.get("billingCycle", sub.cycle)).lower()
    if cycle != sub.cycle:
        code = "2054" if sub.is_legacy else "800097"
        raise refuse(400, code, "The billing cycle cannot be changed this way.")
    sub.auto_renew = bool(wanted.get("autoRenewEnabled", False))
    coming = wanted.get("scheduledNextTermInstructions")
    sub.next_charge = wanted.get("nextChargeInstructions")
    sub.actions = list(wanted.get("scheduledActions") or [])
    if not coming:
        sub.next_term = None
    elif not sub.auto_renew:
        raise refuse(400, "800093", "Scheduled changes need auto-renew.")
    else:
        sub.next_term = _instructions(coming)


def _instructions(coming: Wire) -> NextTerm:
    product: Wire = coming.get("product") or {}
    item = f"{product.get('productId')}:{product.get('skuId')}"
    if product and item not in catalog.SKUS:
        raise refuse(400, "900244", "The product of the next term is not valid.")
    quantity: Any = coming.get("quantity")
    return NextTerm(
        quantity=None if quantity is None else int(quantity),
        sku_key=item if product else "",
        term=str(product.get("termDuration") or ""),
        cycle=str(product.get("billingCycle") or "").lower(),
    )


def set_quantity(sub: Sub, quantity: int, now: datetime) -> None:
    """Change seats, or refuse (B35)."""
    if sub.status == "suspended":
        raise refuse(400, "2001" if sub.is_legacy else "800091", "It is suspended.")
    if sub.status != "active":
        raise refuse(400, "800040", f"It is {sub.status}.")
    if sub.is_trial:
        raise refuse(400, "2006", "Updates are not allowed for a trial.")
    maximum = 300 if sub.is_legacy else catalog.SKUS[sub.item].maximum
    if not 1 <= quantity <= maximum:
        code = "2002" if sub.is_legacy else "900275"
        raise refuse(400, code, f"The quantity must be between 1 and {maximum}.")
    if not sub.is_legacy:
        _move_batches(sub, quantity, now)
        sub.next_term = None  # §5.5: any mid-term change wipes scheduled ones
    sub.quantity = quantity


def _move_batches(sub: Sub, quantity: int, now: datetime) -> None:
    if quantity > sub.quantity:
        added = quantity - sub.quantity
        sub.batches.append(Batch(quantity=added, until=now + WEEK))
        return
    less = sub.quantity - quantity
    open_batches = sub.refundable(now)
    if less > sum(batch.quantity for batch in open_batches):
        # The documented sample carries the code as a number (T11).
        raise refuse(400, 800090, "The quantity cannot be decreased at this time.")
    for batch in reversed(open_batches):
        taken = min(batch.quantity, less)
        batch.quantity -= taken
        less -= taken


def set_status(sub: Sub, target: str, now: datetime) -> None:
    """Suspend, resume or cancel, or refuse (B37, B38)."""
    if (sub.status, target) not in _MOVES:
        raise refuse(400, "800096", f"The status cannot go to {target}.")
    if target == "deleted":
        _check_cancel(sub, now)
    if sub.is_trial and target != "deleted":
        raise refuse(400, "2006", "Updates are not allowed for a trial.")
    sub.status, sub.status_since = target, now
    if target in ("suspended", "deleted"):
        sub.auto_renew, sub.next_term = False, None


_MOVES = {
    ("active", "suspended"),
    ("suspended", "active"),
    ("active", "deleted"),
    ("suspended", "deleted"),
}


def _check_cancel(sub: Sub, now: datetime) -> None:
    if sub.is_legacy:
        raise refuse(400, "800040", "Suspend it; it is deleted after 90 days.")
    until = sub.cancellable_until
    if until is None or now >= until:
        raise refuse(400, "900117", "It can be cancelled within 7 days only.")
