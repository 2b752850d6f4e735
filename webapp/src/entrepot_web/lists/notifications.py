"""The list of what was told of customers."""

from __future__ import annotations

from entrepot.hub.notifications.rules import KINDS, STATES
from entrepot.hub.notifications.tables import CustomerNotification
from flask_babel import lazy_gettext
from sqlalchemy import select

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing, columns_of

_N = CustomerNotification
KIND_WORDS = {
    "renewal": lazy_gettext("Renewal ahead"),
    "suspended": lazy_gettext("Subscription suspended"),
    "ended": lazy_gettext("Subscription ended"),
    "quantity": lazy_gettext("Units changed at the vendor"),
    "difference": lazy_gettext("New difference in money"),
    "unreadable": lazy_gettext("Account can't be read"),
}
STATE_WORDS = {
    "new": ("info", lazy_gettext("New")),
    "shown": ("mute", lazy_gettext("Only shown")),
    "waiting": ("hold", lazy_gettext("Waiting to be sent")),
    "sent": ("ok", lazy_gettext("Sent")),
    "failed": ("bad", lazy_gettext("Not sent")),
}

NOTIFICATIONS = Listing(
    name="customer-notifications",
    base=select(*columns_of(_N)),
    key=_N.id,
    fields={
        "id": Field(_N.id, "id"),
        "customer_id": Field(_N.customer_id, "id"),
        "kind": Field(_N.kind, "enum", KINDS),
        "state": Field(_N.state, "enum", STATES),
        "subject_id": Field(_N.subject_id, "id"),
        "created_at": Field(_N.created_at, "moment"),
    },
    sorts=("id",),
    default_sort="-id",
)
