"""Finding what a control action is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from entrepot_microsoft.simulator.model import Customer, Sub
from entrepot_microsoft.simulator.refusals import Refusal

if TYPE_CHECKING:
    from entrepot_microsoft.simulator.app import MicrosoftSimulator

P = ParamSpec("P")
T = TypeVar("T")


class Reach:
    """Customers and subscriptions as control actions name them.

    Both names may be left out: then the first customer, and its first active paid
    new-commerce subscription, is meant.
    """

    def __init__(self, vendor: MicrosoftSimulator) -> None:
        self._vendor = vendor

    def customer(self, customer: str | None) -> Customer:
        """The customer.

        Raises:
            ValueError: With the vendor's own refusal.
        """
        chosen = customer or self._vendor.book.every_customer_id()[0]
        return allowed(self._vendor.book.customer, chosen, self._vendor.clock.now())

    def sub(
        self, customer: str | None, subscription: str | None
    ) -> tuple[Customer, Sub]:
        """The subscription and its customer.

        Raises:
            LookupError: If there is none.
        """
        found = self.customer(customer)
        if subscription is not None:
            if subscription not in found.subs:
                raise LookupError(f"no subscription {subscription} of {found.id}")
            return found, found.subs[subscription]
        for sub in found.subs.values():
            if sub.status == "active" and sub.term and not sub.is_trial:
                return found, sub
        raise LookupError(f"{found.id} has no active new-commerce subscription")


def allowed(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a rule; its refusal becomes a ``ValueError`` with the vendor's text."""
    try:
        return function(*arguments, **named)
    except Refusal as refusal:
        raise ValueError(refusal.response.get_data(as_text=True)) from None
