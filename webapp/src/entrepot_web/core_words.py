"""Words of the core that the console shows: named here so that they are translated.

The core speaks English to machines; what it calls its kinds and roles is looked up in
the reader's language where it is shown.
"""

from __future__ import annotations

import re
from functools import cache

from flask_babel import gettext, lazy_gettext
from markupsafe import Markup

from entrepot_web.context import hub
from entrepot_web.i18n import SOURCE, language

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


STREAMS = (
    lazy_gettext("Customers"),
    lazy_gettext("Contacts"),
    lazy_gettext("Subscriptions"),
    lazy_gettext("Orders"),
    lazy_gettext("Offers"),
    lazy_gettext("Companies"),
    lazy_gettext("Agreements"),
    lazy_gettext("Products"),
    lazy_gettext("Lines"),
    lazy_gettext("Charges"),
    lazy_gettext("Usage"),
    lazy_gettext("Agreement lines"),
)
"""What connections read, as headings."""

CAUSES = (
    lazy_gettext("Schedule"),
    lazy_gettext("Button"),
    lazy_gettext("Refresh"),
    lazy_gettext("Notification"),
    lazy_gettext("Retry"),
)
"""Why something was read."""

NOUNS = (
    lazy_gettext("Audit"),
    lazy_gettext("Connections"),
    lazy_gettext("Credentials"),
    lazy_gettext("Jobs"),
    lazy_gettext("Mappings"),
    lazy_gettext("Reconciliations"),
    lazy_gettext("Sync"),
    lazy_gettext("Users"),
)
"""What credentials are for."""

KEPT = (
    lazy_gettext(
        "ids of the customer and of its accounts, company names, domains and countries"
    ),
    lazy_gettext(
        "subscriptions, orders, charges and every comparison: they hold no person"
    ),
    lazy_gettext(
        "who did what and when in the audit log, without what it said of the person"
    ),
)
"""What stays after an erasure."""


def marked(text: str) -> str:
    """Return a text as it is: marks a sentence with values for translation."""
    return text


SENTENCES = (
    marked("“%(name)s” is no longer read, and nothing is written through it."),
    marked("What was read so far stays in the books, without further updates."),
    marked("Its %(count)s stored secrets are deleted and must be re-entered."),
    marked(
        "%(accounts)s customers with %(bought)s subscriptions were read through it. "
        "They stay, marked as no longer kept up to date."
    ),
    marked(
        "The mapping of %(customers)s customers and %(products)s products goes unused; "
        "nothing of it is compared with the PSA any more."
    ),
    marked("only one side says %(words)s"),
    marked("same number %(number)s"),
    marked("%(number)s is known for this SKU"),
    marked("names are %(share)s alike"),
    marked("both are called %(name)s"),
    marked("%(name)s spelled out is the same name"),
    marked("confirmed before"),
    marked("stored id %(number)s"),
    marked("tax number %(number)s"),
    marked("%(domain)s belongs to no other company"),
    marked("both normalise to %(name)s"),
    marked("%(domain)s begins with the name"),
    marked("Enter an e-mail address such as ana@example.com."),
    marked("Use at least %(count)s characters; a phrase works."),
    marked("Use at most 256 characters."),
    marked("Leave your e-mail name out of it."),
    marked("Choose one of %(names)s."),
    marked("%(role)s permits %(permission)s, which you don't hold yourself."),
    marked("Name at least one, such as customers:read."),
    marked("%(name)s doesn't exist."),
    marked("You don't hold %(permission)s yourself."),
    marked("Enter a name of 1 to 120 characters."),
    marked("A user with this address exists already."),
    marked("This is the last owner. Make somebody else an owner first."),
    marked("There is no user %(id)s."),
    marked("Somebody else has to remove you."),
    marked("Somebody else has to lock you out."),
    marked("This isn't your password."),
    marked("Choose another one than until now."),
    marked("There is no such active person here."),
    marked("You act as yourself already."),
    marked("Choose somebody with a lower role than yours; never an operator."),
    marked("Say why, in 5 to 300 characters."),
    marked(
        "This person works for other resellers too. They can reset their own password; "
        "ask the operator to lock them out."
    ),
    marked("Somebody changed the field %(name)s meanwhile."),
    marked("Look at what it is now and change it again."),
    marked("There is a field %(name)s already."),
    marked("%(count)s customers have a value in %(name)s."),
    marked("Empty it there first; an import can do it for many."),
    marked("A label has 1 to 120 characters."),
    marked(
        "Customers can't sign in here, so there is nothing to invite to. Enter No, or "
        "leave it empty."
    ),
    marked("There is no such notification."),
    marked("No mail of this one has failed."),
    marked("Choose %(from)s to %(to)s days."),
    marked("The hub ended while a server took the mail; it may have arrived."),
    marked("The address was erased."),
    marked("%(count)s could not be compared completely"),
    marked("%(count)s could not be compared"),
    marked("%(count)s customers could not be compared"),
    marked("not known"),
    marked("The preview hasn't ended."),
    marked("Wait for its end, or begin a new one."),
)
"""Sentences of the core, where values stand with a name in their place."""

_VALUE = re.compile(r"%\((\w+)\)s")


def told(text: str) -> str:
    """Return a text of core or a plugin in the reader's language; unknown ones stay."""
    if not text:
        return text
    found = gettext(text)
    if found != text or language() == SOURCE:
        return found
    for english, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match:
            return gettext(english) % match.groupdict()
    return hub().plugins.say(text, language())


def said(text: str) -> Markup:
    """Return a plugin's text for a page; marked as English where it has no other."""
    found = told(text)
    if found == text and language() != SOURCE:
        return Markup('<span lang="en">{}</span>').format(text)
    return Markup("{}").format(found)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return each sentence with the pattern of what the core makes of it."""
    made = []
    for english in SENTENCES:
        parts = _VALUE.split(english)
        # Every second part is the name of a value.
        pattern = "".join(
            f"(?P<{part}>.+?)" if at % 2 else re.escape(part)
            for at, part in enumerate(parts)
        )
        made.append((english, re.compile(pattern)))
    return tuple(made)
