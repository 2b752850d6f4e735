"""Entitlements as subscriptions (reference §5.2, §5.3, §7, §10.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

import msgspec
from entrepot.sdk.model import (
    BillingCycle,
    ContentHash,
    RawItems,
    ScheduledChange,
    ScheduledKind,
    Subscription,
    SubscriptionStatus,
)

from entrepot_google.mapping import offers
from entrepot_google.mapping.spelling import (
    customer_of,
    cycle,
    last_part,
    moment,
    number,
    subscription_id,
    term_between,
)
from entrepot_google.mapping.version import MAPPING_VERSION
from entrepot_google.wire import catalogue, channel

Offers = Mapping[str, catalogue.OfferWire]
"""Offers by resource name."""

_OPEN_TERMS = "PENDING_TOS_ACCEPTANCE"
_ENDED = ("RENEWAL_WITH_TYPE_CANCEL", "TRIAL_ENDED")


def status_of(found: channel.EntitlementWire) -> SubscriptionStatus:
    """Our reading; of several reasons the one that is hardest to lift (§10.2)."""
    if found.provisioning_state == "ACTIVE":
        return SubscriptionStatus.ACTIVE
    if found.provisioning_state != "SUSPENDED":
        return SubscriptionStatus.UNKNOWN
    reasons = found.suspension_reasons
    if "OTHER" in reasons:
        return SubscriptionStatus.SUSPENDED
    if _OPEN_TERMS in reasons:
        return SubscriptionStatus.PENDING
    if any(reason in reasons for reason in _ENDED):
        return SubscriptionStatus.ENDED
    return SubscriptionStatus.SUSPENDED


def subscription(
    found: channel.EntitlementWire, bought: catalogue.OfferWire | None
) -> Subscription:
    """An entitlement and the offer it was bought under, None when nobody tells it."""
    commitment = found.commitment_settings or channel.CommitmentSettings()
    service = found.provisioned_service or channel.ProvisionedService()
    start, end = moment(commitment.start_time), moment(commitment.end_time)
    status, plan = status_of(found), offers.plan_of(bought) if bought else ""
    trial = bool(found.trial_settings and found.trial_settings.trial)
    base = found.association_info.base_entitlement if found.association_info else ""
    renewal = commitment.renewal_settings
    seats = Seats.of(found)
    return Subscription(
        vendor_id=subscription_id(found.name),
        customer_id=customer_of(found.name),
        sku=offers.sku_of(bought)
        if bought
        else f"{service.product_id}/{service.sku_id}",
        name=(offers.name_of(bought) if bought else "") or service.sku_id,
        quantity=seats.billed(plan),
        status=status,
        vendor_status=_words(found),
        billed=_is_billed(status, plan, trial=trial),
        product_id=offers.sku_of(bought).partition("/")[0] if bought else "",
        offer_key=offers.key_of(bought) if bought else "",
        term=term_between(start, end),
        billing_cycle=offers.cycle_of(bought) if bought else BillingCycle.UNKNOWN,
        segment="",
        currency=offers.currency_of(bought) if bought else "",
        unit_cost=offers.unit_cost(bought) if bought else None,
        assigned=seats.assigned,
        unit="seat" if seats.known else "",
        friendly_name=_display_name(found),
        is_trial=trial,
        is_addon=bool(base),
        parent_id=subscription_id(base) if base else "",
        started_at=moment(found.create_time),
        term_start=start,
        term_end=end,
        ended_at=end if status is SubscriptionStatus.ENDED else None,
        auto_renew=renewal.enable_renewal if renewal else None,
        scheduled=_scheduled(found, plan, trial=trial),
        changed_at=moment(found.update_time),
        vendor_version=found.update_time,
        attributes=_facts(found, service, plan, seats),
    )


class Seats:
    """The three seat parameters of an entitlement (§5.2).

    Attributes:
        bought: ``num_units``: what a commitment pays for.
        cap: ``max_units``: how many licences may be assigned.
        assigned: ``assigned_units``: licences in use; None when it is not told.
    """

    def __init__(
        self, bought: Decimal | None, cap: Decimal | None, assigned: Decimal | None
    ) -> None:
        self.bought, self.cap, self.assigned = bought, cap, assigned

    @classmethod
    def of(cls, found: channel.EntitlementWire) -> Seats:
        """The seats of an entitlement."""
        given = {
            each.name: number(each.value.int64_value)
            for each in found.parameters
            if each.value is not None
        }
        return cls(
            given.get("num_units"),
            given.get("max_units"),
            given.get("assigned_units"),
        )

    @property
    def known(self) -> bool:
        """False for products without seats."""
        return self.bought is not None or self.cap is not None

    def billed(self, plan: str) -> Decimal:
        """What is paid for: seats of a commitment, licences in use of a flexible plan.

        A flexible plan without the number in use counts its cap; a product without
        seats counts once.
        """
        if self.bought is not None:
            return self.bought
        if plan == offers.FLEXIBLE and self.assigned is not None:
            return self.assigned
        return self.cap if self.cap is not None else Decimal(1)


def _words(found: channel.EntitlementWire) -> str:
    if not found.suspension_reasons:
        return found.provisioning_state
    return f"{found.provisioning_state}: {', '.join(found.suspension_reasons)}"


def _is_billed(status: SubscriptionStatus, plan: str, *, trial: bool) -> bool:
    """Commitments are charged while suspended, flexible plans are not (§4.3)."""
    if trial or plan in (offers.FREE, offers.TRIAL):
        return False
    if status is SubscriptionStatus.ACTIVE:
        return True
    waiting = (SubscriptionStatus.SUSPENDED, SubscriptionStatus.PENDING)
    return status in waiting and plan == offers.COMMITMENT


def _scheduled(
    found: channel.EntitlementWire, plan: str, *, trial: bool
) -> tuple[ScheduledChange, ...]:
    """What happens by itself: renewal settings, or the end of a trial (§5.3)."""
    settings = found.trial_settings
    if trial and settings is not None:
        pays = plan in (offers.COMMITMENT, offers.FLEXIBLE)
        kind = ScheduledKind.NEXT_TERM if pays else ScheduledKind.END
        return (ScheduledChange(kind=kind, effective_at=moment(settings.end_time)),)
    commitment = found.commitment_settings
    renewal = commitment.renewal_settings if commitment else None
    if commitment is None or renewal is None:
        return ()
    end = moment(commitment.end_time)
    if not renewal.enable_renewal:
        over = status_of(found) is SubscriptionStatus.ENDED
        change = ScheduledChange(kind=ScheduledKind.END, effective_at=end)
        return () if over else (change,)
    return (
        ScheduledChange(
            kind=ScheduledKind.NEXT_TERM,
            effective_at=end,
            quantity=Seats.of(found).assigned if renewal.resize_unit_count else None,
            term=None,
            billing_cycle=cycle(renewal.payment_cycle)
            if renewal.payment_cycle
            else None,
        ),
    )


def _display_name(found: channel.EntitlementWire) -> str:
    for each in found.parameters:
        if each.name == "display_name" and each.value is not None:
            return each.value.string_value or ""
    return ""


def _facts(
    found: channel.EntitlementWire,
    service: channel.ProvisionedService,
    plan: str,
    seats: Seats,
) -> dict[str, str]:
    commitment = found.commitment_settings
    renewal = commitment.renewal_settings if commitment else None
    given = {
        "provisioning_id": service.provisioning_id,
        "workspace_product": service.product_id,
        "workspace_sku": service.sku_id,
        "offer_id": last_part(found.offer),
        "payment_plan": plan,
        "renewal_plan": renewal.payment_plan if renewal else "",
        "max_units": "" if seats.cap is None else str(seats.cap),
        "purchase_order": found.purchase_order_id,
        "billing_account": last_part(found.billing_account),
        "suspension_reasons": ", ".join(found.suspension_reasons),
    }
    return {name: value for name, value in given.items() if value}


def decode_entitlement(data: bytes, *, known: Offers) -> Subscription:
    """A subscription from its bytes and the offers that were looked up for it."""
    found = channel.ENTITLEMENT.decode(data)
    return subscription(found, known.get(found.offer))


def project_entitlement(data: bytes, *, known: Offers) -> bytes:
    """The mapped fields with the offer's, for the content hash.

    An offer that could be read only later must not leave the first reading in place.
    """
    found = channel.ENTITLEMENT.decode(data)
    return msgspec.msgpack.encode((found, known.get(found.offer)))


def decoder(known: Offers) -> Callable[[bytes], Subscription]:
    """A decoder with these offers at hand."""
    return partial(decode_entitlement, known=known)


def raw_entitlements(items: list[bytes], known: Offers) -> RawItems[Subscription]:
    """Entitlements in the fast form."""
    return RawItems(
        items=items,
        decode=decoder(known),
        content_hash=ContentHash.PROJECTION,
        mapping_version=MAPPING_VERSION,
        project=partial(project_entitlement, known=known),
    )
