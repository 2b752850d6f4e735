"""Setup tables, members and keys of a fresh tenant (connectwise.md §15, seed)."""

from __future__ import annotations

from decimal import Decimal

from .access import Keyring
from .rendering import PODS
from .schema import Json, Row
from .world import World

PUBLIC_KEY = "entrepotPublic"
PRIVATE_KEY = "entrepotPrivate"
BLIND_PUBLIC_KEY = "blindPublic"
BLIND_PRIVATE_KEY = "blindPrivate"
REFERENCE_CAPTION = "Entrepot Ref"
OWNER = "zadmin"

CLOUD_PRORATE = "Cloud Services (prorate)"
CLOUD_WHOLE = "Cloud Services (no prorate)"
CLOUD_YEARLY = "Cloud Services (yearly)"
MANAGED = "Managed Services"

_COUNTRIES = {
    "US": "United States",
    "GB": "United Kingdom",
    "DE": "Germany",
    "NL": "Netherlands",
    "FR": "France",
    "CA": "Canada",
    "AU": "Australia",
}
_CURRENCIES = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "$", "AUD": "$"}
_CYCLES = (
    ("M", "Monthly", "Monthly"),
    ("Q", "Quarterly", "Quarterly"),
    ("Y", "Yearly", "Yearly"),
    ("W", "Weekly", "Weekly"),
    ("1", "One-time", "NotRecurring"),
)
_NAMED: dict[str, tuple[str, ...]] = {
    "locations": ("Headquarters", "North Office", "South Office"),
    "unitOfMeasures": ("Seat", "Each", "Hour"),
    "manufacturers": ("Cloud Vendor", "House Brand"),
    "priorities": ("Priority 1 - Critical", "Priority 3 - Medium", "Priority 5 - Low"),
    "sources": ("Phone", "E-mail", "Integration"),
    "categories": ("Cloud", "Managed Services"),
}


def plant_setup(world: World, keyring: Keyring) -> None:
    """Fill the setup tables and make the members."""
    for table, names in _NAMED.items():
        for name in names:
            _add(world, table, name=name)
    _organisation(world)
    _companies(world)
    _finance(world)
    _catalogue(world)
    _service(world)
    _members(world, keyring)
    _custom_fields(world)


def add_custom_field(world: World, table: str, caption: str) -> Row:
    """Define a text field on the screen of a table."""
    return _add(
        world,
        "userDefinedFields",
        podId=PODS[table],
        caption=caption,
        sequenceNumber=1,
        fieldTypeIdentifier="Text",
        entryTypeIdentifier="EntryField",
    )


def _add(world: World, table: str, **values: Json) -> Row:
    return world.insert(table, values, OWNER, quiet=True)


def _organisation(world: World) -> None:
    for short, name in (
        ("PS", "Professional Services"),
        ("MS", "Managed"),
        ("AD", "Admin"),
    ):
        _add(world, "departments", identifier=short, name=name)
    for number, name in ((1, "Company"), (2, "Contact"), (3, "Service Ticket")):
        _add(world, "hostedScreens", screenId=number, name=name)


def _companies(world: World) -> None:
    for name in _COUNTRIES.values():
        _add(world, "countries", name=name)
    for name in ("Active", "Inactive", "Not-Approved", "Credit Hold"):
        _add(
            world,
            "companyStatuses",
            name=name,
            defaultFlag=name == "Active",
            inactiveFlag=name == "Inactive",
        )
    for name in ("Client", "Prospect", "Vendor"):
        _add(
            world,
            "companyTypes",
            name=name,
            vendorFlag=name == "Vendor",
            defaultFlag=name == "Client",
        )
    for name, kind in (("Email", "Email"), ("Direct", "Phone"), ("Fax", "Fax")):
        _add(world, "communicationTypes", name=name, kind=kind)


def country_id(world: World, code: str) -> int | None:
    """The row of an ISO country; None for one the tenant does not know."""
    name = _COUNTRIES.get(code)
    return world.find("countries", {"name": name}) if name else None


def _finance(world: World) -> None:
    for identifier, name, option in _CYCLES:
        _add(
            world,
            "billingCycles",
            identifier=identifier,
            name=name,
            billingOptions=option,
        )
    _add(world, "billingTerms", name="Net 30", dueDays=30, defaultFlag=True)
    for name, closed in (("New", False), ("Sent", False), ("Closed", True)):
        _add(world, "billingStatuses", name=name, closedFlag=closed)
    for code, symbol in _CURRENCIES.items():
        _add(
            world,
            "currencies",
            currencyIdentifier=code,
            name=code,
            symbol=symbol,
            currencyCode=code,
            numberOfDecimals=2,
        )
    _add(
        world,
        "taxCodes",
        identifier="STD",
        description="Standard",
        invoiceCaption="Tax",
        effectiveDate="2020-01-01T00:00:00Z",
        defaultFlag=True,
        levelOne={"rate": Decimal("0.10"), "rateType": "Percent", "caption": "Tax"},
    )
    for name, prorate in (
        (MANAGED, False),
        (CLOUD_PRORATE, True),
        (CLOUD_WHOLE, False),
        (CLOUD_YEARLY, True),
        ("One-time", False),
    ):
        _add(
            world,
            "agreementTypes",
            name=name,
            prorateFlag=prorate,
            invoiceProratedAdditionsFlag=False,
            inactiveFlag=False,
        )


def _catalogue(world: World) -> None:
    for name, kind in (("Service", "Service"), ("Non-Inventory", "NonInventoryPart")):
        _add(world, "productTypes", name=name, typeXref=kind, inactiveFlag=False)
    for name, category in (("Subscriptions", "Cloud"), ("Support", "Managed Services")):
        _add(
            world,
            "subcategories",
            name=name,
            category=world.named("categories", category)["id"],
            inactiveFlag=False,
        )


def _service(world: World) -> None:
    board = _add(world, "boards", name="Service Desk", location=1, department=1)
    for order, (name, closed) in enumerate(
        (("New", False), ("In Progress", False), ("Completed", True))
    ):
        _add(
            world,
            "boardStatuses",
            board=board["id"],
            name=name,
            closedStatus=closed,
            defaultFlag=name == "New",
            inactive=False,
            sortOrder=order,
        )
    for name in ("Billing", "Alert"):
        _add(world, "boardTypes", board=board["id"], name=name, inactiveFlag=False)


def _members(world: World, keyring: Keyring) -> None:
    people = (
        (OWNER, "Zoe", "Admin", "F", False),
        ("jdoe", "Jan", "Doe", "F", False),
        ("entrepot", "Entrepot", "Integration", "A", False),
        ("blind", "Costless", "Integration", "A", True),
    )
    for identifier, first, last, licence, blind in people:
        _add(
            world,
            "members",
            identifier=identifier,
            firstName=first,
            lastName=last,
            licenseClass=licence,
            defaultEmail=f"{identifier}@reseller.example",
            blockCostFlag=blind,
            blockPriceFlag=False,
        )
    keyring.add(world.named("members", "entrepot")["id"], PUBLIC_KEY, PRIVATE_KEY)
    keyring.add(
        world.named("members", "blind")["id"], BLIND_PUBLIC_KEY, BLIND_PRIVATE_KEY
    )


def _custom_fields(world: World) -> None:
    for table in ("companies", "additions"):
        add_custom_field(world, table, REFERENCE_CAPTION)
