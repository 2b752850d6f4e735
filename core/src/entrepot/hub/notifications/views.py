"""Notifications as people and the API see them."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.hub.notifications.rules import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """What is told of a customer, or of all of a reseller.

    Attributes:
        customer_id: Empty for the reseller's choice for all.
        own: Whether the customer has a choice of its own; otherwise `choice` is the
            reseller's.
        choice: What holds.
        version: For the next change; 0 where nothing was ever chosen.
    """

    customer_id: str
    own: bool
    choice: Choice
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """A mail that told a notification.

    Attributes:
        to_kind: ``user`` or ``contact``.
        name: Of the person; of a contact without a name the address.
        state: ``waiting``, ``sending``, ``sent``, ``failed`` or ``unknown``.
        error: Why it was not sent, or empty.
    """

    id: str
    to_kind: str
    name: str
    state: str
    error: str
