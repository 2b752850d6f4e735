"""Workspace Reseller: only what the estate check compares (reference §4.2)."""

from __future__ import annotations

import msgspec

from entrepot_google.wire.base import Number, Wire


class ResellerPlan(Wire):
    """Plan of a subscription."""

    plan_name: str = ""


class ResellerSeats(Wire):
    """Seats, the field depends on the plan."""

    number_of_seats: Number | None = None
    maximum_number_of_seats: Number | None = None
    licensed_number_of_seats: Number | None = None


class ResellerRenewal(Wire):
    """What happens at the end of the term."""

    renewal_type: str = ""


class ResellerSubscription(Wire):
    """A Workspace subscription."""

    customer_id: str = ""
    subscription_id: str = ""
    sku_id: str = ""
    status: str = ""
    suspension_reasons: tuple[str, ...] = ()
    plan: ResellerPlan | None = None
    seats: ResellerSeats | None = None
    renewal_settings: ResellerRenewal | None = None


class ResellerPage(Wire):
    """A page of Workspace subscriptions."""

    subscriptions: tuple[ResellerSubscription, ...] = ()
    next_page_token: str = ""


RESELLER = msgspec.json.Decoder(ResellerPage)
