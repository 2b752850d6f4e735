"""Words of the core that the console shows: named here so that they are translated.

The core speaks English to machines; what it calls its kinds and roles is looked up in
the reader's language where it is shown.
"""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

KINDS = (
    lazy_gettext("Vendor customer has no PSA company"),
    lazy_gettext("Mapped PSA company can no longer be used"),
    lazy_gettext("Customer mapping contradicts itself"),
    lazy_gettext("Vendor product has no PSA product"),
    lazy_gettext("Mapped PSA product can no longer be used"),
    lazy_gettext("Several product mappings fit equally well"),
    lazy_gettext("No single active agreement to bill under"),
    lazy_gettext("Lines stand on an agreement that no longer bills"),
    lazy_gettext("Line stands on another agreement than the rule says"),
    lazy_gettext("No price in the agreement's currency"),
    lazy_gettext("Agreement and subscription are billed in other cycles"),
    lazy_gettext("Data of this customer is incomplete"),
    lazy_gettext("The hub's copy is older than the vendor's state"),
    lazy_gettext("The vendor has a subscription the hub doesn't know"),
    lazy_gettext("The vendor no longer lists this subscription"),
    lazy_gettext("An order of ours is not final yet"),
    lazy_gettext("An order of ours is overdue"),
    lazy_gettext("Somebody changed it before our order"),
    lazy_gettext("Two systems keep changing the quantity back"),
    lazy_gettext("The vendor invoiced other units or costs"),
    lazy_gettext("Bought, but no PSA line"),
    lazy_gettext("Bought, but the PSA line was ended"),
    lazy_gettext("The PSA line ends on another day than the subscription"),
    lazy_gettext("The PSA line starts on another day than the subscription"),
    lazy_gettext("PSA line without any subscription"),
    lazy_gettext("The same thing stands on two PSA lines"),
    lazy_gettext("Fewer units billed than bought"),
    lazy_gettext("More units billed than bought"),
    lazy_gettext("Fewer units billed than the agreed minimum"),
    lazy_gettext("Unit cost differs"),
    lazy_gettext("Unit price differs"),
    lazy_gettext("Margin is below its floor"),
    lazy_gettext("The PSA line stands for another term"),
    lazy_gettext("The line's billable flag is wrong"),
    lazy_gettext("The line's tax flag is wrong"),
    lazy_gettext("A closed period was billed for other units"),
    lazy_gettext("The open period would be billed for other units"),
    lazy_gettext("A bundle has fewer of a component than it needs"),
    lazy_gettext("A bundle has more of a component than it needs"),
    lazy_gettext("Final usage isn't posted to the PSA"),
    lazy_gettext("Posted usage differs from the final amount"),
    lazy_gettext("The action would alter an invoiced period"),
    lazy_gettext("Something changed between plan and apply"),
)
"""Titles of the kinds of differences."""

ROLES = (
    lazy_gettext("Owner"),
    lazy_gettext("Manager"),
    lazy_gettext("Sales"),
    lazy_gettext("Billing"),
    lazy_gettext("Support"),
    lazy_gettext("Read-only"),
    lazy_gettext("Everything, including people and API credentials."),
    lazy_gettext("Works with connections and mapping, approves corrections."),
    lazy_gettext("Works with customers and subscriptions."),
    lazy_gettext("Maps, compares and approves corrections; sees the audit log."),
    lazy_gettext("Starts reads, maps, compares and plans; can't approve."),
    lazy_gettext("Reads only."),
)
"""Names of roles, and what they may do."""

SHARES = (
    lazy_gettext("no company was chosen"),
    lazy_gettext("a company has two shares of the same customer"),
    lazy_gettext("one company gets all, so no other company can get a share"),
    lazy_gettext("exactly one company must get the remainder"),
    lazy_gettext("the fixed shares are larger than the quantity"),
)
"""Why shares of a customer don't add up."""


def told(text: str) -> str:
    """Return a text of the core in the reader's language; unknown ones stay."""
    return gettext(text) if text else text
