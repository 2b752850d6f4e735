"""From the vendor's records to the model and back; pure (connectwise.md §9-§12)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec
from entrepot.sdk.model import (
    Address,
    Agreement,
    AgreementLine,
    AgreementStatus,
    BillCustomer,
    BillingCycle,
    BillingMode,
    Company,
    Contact,
    PeriodAnchor,
    PsaProduct,
)

from . import wire

MAPPING_VERSION = "1"
"""Changes whenever the same bytes would give another record."""

_CYCLES = {
    "Weekly": BillingCycle.WEEKLY,
    "BiWeekly": BillingCycle.BIWEEKLY,
    "Monthly": BillingCycle.MONTHLY,
    "BiMonthly": BillingCycle.BIMONTHLY,
    "Quarterly": BillingCycle.QUARTERLY,
    "SemiAnnual": BillingCycle.SEMIANNUAL,
    "Yearly": BillingCycle.ANNUAL,
    "NotRecurring": BillingCycle.ONE_TIME,
}
_STATUSES = {
    "Active": AgreementStatus.ACTIVE,
    "Cancelled": AgreementStatus.CANCELLED,
    "Expired": AgreementStatus.EXPIRED,
    "Inactive": AgreementStatus.INACTIVE,
}
_BILL = {
    "Billable": BillCustomer.BILLABLE,
    "DoNotBill": BillCustomer.DO_NOT_BILL,
    "NoCharge": BillCustomer.NO_CHARGE,
}
_BILL_WORDS = {value: word for word, value in _BILL.items()}
_ANCHORS = {
    "ContractYear": PeriodAnchor.CONTRACT,
    "CalendarYear": PeriodAnchor.CALENDAR,
}
# The meaning of periodType is not verified (connectwise.md §9.2); `Current` is read as
# arrears because a wrong "arrears" pushes nothing, a wrong "advance" would.
_PERIOD_TYPES = {"Future": BillingMode.ADVANCE, "Current": BillingMode.ARREARS}
_COUNTRIES = {
    "united states": "US",
    "united kingdom": "GB",
    "germany": "DE",
    "netherlands": "NL",
    "france": "FR",
    "canada": "CA",
    "australia": "AU",
    "austria": "AT",
    "switzerland": "CH",
    "belgium": "BE",
    "ireland": "IE",
    "spain": "ES",
    "italy": "IT",
    "sweden": "SE",
    "denmark": "DK",
    "norway": "NO",
    "new zealand": "NZ",
    "south africa": "ZA",
}
FREE_MAIL = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com"),
        *("msn.com", "yahoo.com", "icloud.com", "me.com", "aol.com", "gmx.de"),
        *("gmx.net", "web.de", "t-online.de", "proton.me", "protonmail.com"),
        *("mail.com",),
    }
)
"""Mail domains that say nothing about a company."""
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufeff"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRules:
    """Which types and statuses mean what in this tenant.

    Attributes:
        inactive_statuses: Ids of statuses that count as inactive.
        other_types: Ids of types that are no customers.
        reference_field: Caption of the custom field with our references.
    """

    inactive_statuses: frozenset[int] = frozenset()
    other_types: frozenset[int] = frozenset()
    reference_field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOwner:
    """What an agreement tells about its lines, which do not say it themselves."""

    agreement_id: str
    company_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class Setup:
    """Setup rows that the mapping needs, by id."""

    cycles: Mapping[int, str] = field(default_factory=dict)


def rules_for(
    types: Iterable[wire.NamedSetup],
    statuses: Iterable[wire.NamedSetup],
    *,
    non_customer: frozenset[str],
    inactive: frozenset[str],
    reference_field: str,
) -> CompanyRules:
    """The rules from the tenant's setup tables and the names in our settings."""
    return CompanyRules(
        other_types=frozenset(
            one.id
            for one in types
            if one.vendor_flag or (one.name or "").lower() in non_customer
        ),
        inactive_statuses=frozenset(
            one.id
            for one in statuses
            if one.inactive_flag or (one.name or "").lower() in inactive
        ),
        reference_field=reference_field,
    )


def company(record: wire.Company, rules: CompanyRules) -> Company:
    """A company; deleted ones come too and say so."""
    status = record.status or wire.Reference()
    types = {one.id for one in record.types or () if one.id is not None}
    deleted = bool(record.deleted_flag)
    email = record.invoice_to_email_address or ""
    return Company(
        vendor_id=str(record.id),
        name=record.name or "",
        identifier=record.identifier or "",
        active=not deleted and status.id not in rules.inactive_statuses,
        is_customer=not record.is_vendor_flag
        and not (types and types <= rules.other_types),
        deleted=deleted,
        domains=_domains(record.website, email),
        tax_id=record.tax_identifier or "",
        phone=record.phone_number or "",
        email=email,
        address=_address(record),
        external_ids=external_ids(record.custom_fields, rules.reference_field),
        parent_id=_id(record.parent_company),
        status=status.name or "",
        vendor_version=(record.info or wire.Info()).last_updated or "",
        attributes={"types": ", ".join(one.name or "" for one in record.types or ())},
    )


def _address(record: wire.Company) -> Address:
    country = (record.country or wire.Reference()).name or ""
    return Address(
        line1=record.address_line1 or "",
        line2=record.address_line2 or "",
        city=record.city or "",
        region=record.state or "",
        postal_code=record.zip or "",
        country=_COUNTRIES.get(country.strip().lower(), ""),
    )


def external_ids(
    fields: Iterable[wire.CustomField] | None, caption: str
) -> tuple[tuple[str, str], ...]:
    """References of the form `system:id`, several separated by commas."""
    text = custom_value(fields, caption)
    pairs = (part.strip().partition(":") for part in text.split(","))
    return tuple((system.lower(), rest) for system, colon, rest in pairs if rest)


def custom_value(fields: Iterable[wire.CustomField] | None, caption: str) -> str:
    """Text of the custom field with this caption; empty when there is none.

    Zero-width characters, which people paste, are dropped (connectwise.md §4).
    """
    for one in fields or ():
        if caption and (one.caption or "").lower() == caption.lower():
            return str(one.value or "").translate(_ZERO_WIDTH).strip()
    return ""


def _domains(website: str | None, email: str) -> tuple[str, ...]:
    found = [_host(website or ""), email.rpartition("@")[2].lower()]
    usable = (one for one in found if "." in one and one not in FREE_MAIL)
    return tuple(dict.fromkeys(usable))


def _host(website: str) -> str:
    text = website.strip().lower()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        return (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""  # People type all kinds of things into this field.


def contact(record: wire.Contact) -> Contact:
    """A person; the default e-mail address and telephone number."""
    items = record.communication_items or []
    return Contact(
        vendor_id=str(record.id),
        owner_id=_id(record.company),
        first_name=record.first_name or "",
        last_name=record.last_name or "",
        email=_reach(items, "Email"),
        phone=_reach(items, "Phone"),
        role=record.title or "",
        primary=bool(record.default_flag),
    )


def _reach(items: Iterable[wire.Communication], kind: str) -> str:
    fitting = [one for one in items if one.communication_type == kind and one.value]
    fitting.sort(key=lambda one: not one.default_flag)
    return (fitting[0].value or "") if fitting else ""


def agreement(record: wire.Agreement, setup: Setup, billing_mode: str) -> Agreement:
    """An agreement.

    Args:
        record: The vendor's.
        setup: Setup rows.
        billing_mode: Our setting: `derive`, `advance` or `arrears`.
    """
    status = record.agreement_status or ""
    kind = record.type or wire.Reference()
    parent = _id(record.parent_agreement)
    return Agreement(
        vendor_id=str(record.id),
        company_id=_id(record.company),
        name=record.name or "",
        type_id=_id(record.type),
        type_name=kind.name or "",
        status=_STATUSES.get(status, AgreementStatus.UNKNOWN),
        vendor_status=status,
        start=day(record.start_date),
        end=_agreement_end(record),
        billing_start=day(record.bill_start_date),
        billing_cycle=cycle(record, setup),
        period_anchor=_ANCHORS.get(record.invoicing_cycle or "", PeriodAnchor.UNKNOWN),
        billing_mode=mode(record, billing_mode),
        currency=currency(record),
        prorates=record.prorate_flag,
        next_invoice=day(record.next_invoice_date),
        parent_id=parent,
        family_id=parent or str(record.id),
        vendor_version=(record.info or wire.Info()).last_updated or "",
        attributes={
            "period_type": record.period_type or "",
            "bills_prorated_at_once": str(bool(record.invoice_prorated_additions_flag)),
        },
    )


def _agreement_end(record: wire.Agreement) -> date | None:
    if record.cancelled_flag and record.date_cancelled:
        return day(record.date_cancelled)
    return None if record.no_ending_date_flag else day(record.end_date)


def cycle(record: wire.Agreement, setup: Setup) -> BillingCycle:
    """How often the agreement is invoiced; unknown when its setup row is."""
    setup_id = (record.billing_cycle or wire.Reference()).id
    option = setup.cycles.get(setup_id or 0, "")
    return _CYCLES.get(option, BillingCycle.UNKNOWN)


def mode(record: wire.Agreement, billing_mode: str) -> BillingMode:
    """Advance or arrears: the setting, else the agreement's period type."""
    if billing_mode != "derive":
        return BillingMode(billing_mode)
    return _PERIOD_TYPES.get(record.period_type or "", BillingMode.ADVANCE)


def currency(record: wire.Agreement) -> str:
    """ISO code of the agreement's currency; empty when it is not said."""
    found = record.currency or wire.CurrencyReference()
    return (found.currency_code or found.name or "").upper()


def line(
    record: wire.Addition, owner: LineOwner, reference_field: str
) -> AgreementLine:
    """A line; absent price or cost stays unknown and never becomes 0."""
    info = record.info or wire.Info()
    product = record.product or wire.Reference()
    return AgreementLine(
        vendor_id=str(record.id),
        agreement_id=owner.agreement_id,
        company_id=owner.company_id,
        product_id=_id(record.product),
        product_name=product.identifier or product.name or "",
        description=record.description or "",
        invoice_text=record.invoice_description or "",
        quantity=record.quantity if record.quantity is not None else Decimal(0),
        included_quantity=record.less_included or Decimal(0),
        unit_price=record.unit_price,
        unit_cost=record.unit_cost,
        currency=owner.currency,
        bill=_BILL.get(record.bill_customer or "", BillCustomer.UNKNOWN),
        taxable=record.taxable_flag,
        effective=day(record.effective_date),
        ends=day(record.cancelled_date),
        reference=custom_value(record.custom_fields, reference_field),
        created_at=moment(info.date_entered),
        created_by=info.entered_by or "",
        changed_at=moment(info.last_updated),
        changed_by=info.updated_by or "",
        change_token=change_token(record),
        attributes={"bill_customer": record.bill_customer or ""},
    )


def change_token(record: wire.Addition) -> str:
    """Text that differs after any change.

    `lastUpdated` has whole seconds only, so the mapped fields are part of it.
    """
    info = record.info or wire.Info()
    digest = hashlib.sha256(msgspec.json.encode(record)).hexdigest()[:16]
    return f"{info.last_updated or ''}/{digest}"


def line_content(record: wire.Addition, owner: LineOwner) -> bytes:
    """The bytes whose hash tells whether a line changed: all that is mapped."""
    head = f"{owner.company_id}|{owner.currency}|".encode()
    return head + msgspec.json.encode(record)


def product(record: wire.CatalogItem) -> PsaProduct:
    """A catalogue item; bundles cannot be used on agreement lines (§9.3)."""
    automatic = record.auto_update_unit_cost_flag or record.auto_update_unit_price_flag
    return PsaProduct(
        vendor_id=str(record.id),
        identifier=record.identifier or "",
        name=record.description or "",
        active=not record.inactive_flag,
        vendor_sku=record.vendor_sku or "",
        part_number=record.manufacturer_part_number or "",
        cross_reference=record.integration_x_ref or "",
        price=record.price,
        cost=record.cost,
        taxable=record.taxable_flag,
        category=(record.category or wire.Reference()).name or "",
        usable_on_lines=record.product_class != "Bundle",
        vendor_version=(record.info or wire.Info()).last_updated or "",
        attributes={
            "product_class": record.product_class or "",
            "rewrites_lines": str(bool(automatic)),
        },
    )


def day(text: str | None) -> date | None:
    """The day of a date field; None when it is empty.

    Date fields hold midnight UTC and mean a calendar day, so no zone is applied.

    Raises:
        ValueError: The text is no date.
    """
    return date.fromisoformat(text[:10]) if text else None


def moment(text: str | None) -> datetime | None:
    """An aware moment; None when it is empty."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def day_text(value: date) -> str:
    """A day as the vendor's date fields want it: whole seconds, UTC."""
    return f"{value.isoformat()}T00:00:00Z"


def bill_word(value: BillCustomer) -> str:
    """The vendor's word.

    Raises:
        ValueError: For `unknown`, which cannot be written.
    """
    if value is BillCustomer.UNKNOWN:
        raise ValueError("bill: unknown cannot be written")
    return _BILL_WORDS[value]


def _id(reference: wire.Reference | None) -> str:
    return "" if reference is None or reference.id is None else str(reference.id)
