"""Customers of both layouts (reference §1.2, §4.1, §4.3, §6.1; pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from entrepot.sdk.model import AccountStatus, Address, VendorCustomer

import entrepot_ibm.wire as wire
from entrepot_ibm.mapping.spelling import currency, moment

_STATUS = {
    "PENDING": AccountStatus.PENDING,
    "ACTIVE": AccountStatus.ACTIVE,
    "SUSPENDED": AccountStatus.SUSPENDED,
    "CANCELED": AccountStatus.CLOSED,
    "CANCELLED": AccountStatus.CLOSED,
}
_PARTNERS = ("DISTRIBUTOR", "RESELLER")
_COUNTRY = {
    # The vendor writes three letters; only the countries its price lists know here.
    "USA": "US",
    "GBR": "GB",
    "DEU": "DE",
    "NLD": "NL",
    "FRA": "FR",
    "CAN": "CA",
    "AUS": "AU",
    "AUT": "AT",
    "BEL": "BE",
    "BRA": "BR",
    "CHE": "CH",
    "DNK": "DK",
    "ESP": "ES",
    "FIN": "FI",
    "IND": "IN",
    "IRL": "IE",
    "ITA": "IT",
    "JPN": "JP",
    "MEX": "MX",
    "NOR": "NO",
    "POL": "PL",
    "PRT": "PT",
    "SGP": "SG",
    "SWE": "SE",
}


@dataclass(frozen=True, slots=True)
class PartnerCustomer:
    """What the partner's reports say of one customer, put together."""

    id: str
    name: str = ""
    type: str = ""
    reseller_id: str = ""
    reseller_name: str = ""
    country: str = ""
    currency: str = ""


def account(
    found: wire.AccountWire, unit: wire.BillingUnitWire | None
) -> VendorCustomer:
    """An account of our own enterprise; one currency holds for all of them."""
    return VendorCustomer(
        vendor_id=found.id,
        name=found.name or found.id,
        email=found.owner_email,
        address=Address(country=country(unit.country_code if unit else "")),
        currency=currency(unit.currency_code if unit else ""),
        status=_STATUS.get(found.state.upper(), AccountStatus.UNKNOWN),
        vendor_status=found.state,
        created_at=moment(found.created_at),
        vendor_version=found.updated_at or "",
        attributes=_given(
            layout="enterprise",
            enterprise_path=found.enterprise_path,
            parent=found.parent,
            owner=found.owner_iam_id,
            own_account="yes" if found.is_enterprise_account else "",
            paid="" if found.paid is None else "yes" if found.paid else "no",
        ),
    )


def partner_customer(found: PartnerCustomer) -> VendorCustomer:
    """A customer of the partner programme.

    The reports carry no state of the account: who is in them is a customer.
    """
    return VendorCustomer(
        vendor_id=found.id,
        name=found.name or found.id,
        address=Address(country=country(found.country)),
        currency=currency(found.currency),
        status=AccountStatus.ACTIVE,
        attributes=_given(
            layout="partner",
            customer_type=found.type,
            reseller_id=found.reseller_id,
            reseller=found.reseller_name,
        ),
    )


def directory(
    options: Iterable[wire.OptionWire], reports: Iterable[wire.ReportWire]
) -> list[PartnerCustomer]:
    """Everybody in billing options or usage, each once, ordered by id.

    There is no listing of customers; whoever has no commitment this month must be
    found in the usage (T14). Later rows fill in what earlier ones lack.
    """
    found: dict[str, PartnerCustomer] = {}
    for option in options:
        if option.customer_id:
            _add(found, _of_option(option))
    for report in reports:
        if report.entity_id and report.entity_partner_type.upper() not in _PARTNERS:
            _add(found, _of_report(report))
    return [found[key] for key in sorted(found)]


def _add(found: dict[str, PartnerCustomer], more: PartnerCustomer) -> None:
    known = found.get(more.id, more)
    lacking = {
        name: getattr(more, name)
        for name in PartnerCustomer.__slots__
        if not getattr(known, name)
    }
    found[more.id] = replace(known, **lacking)


def _of_option(option: wire.OptionWire) -> PartnerCustomer:
    return PartnerCustomer(
        option.customer_id,
        option.customer_name,
        option.customer_type.upper(),
        option.reseller_id,
        option.reseller_name,
        option.country_code,
        option.currency_code,
    )


def _of_report(report: wire.ReportWire) -> PartnerCustomer:
    kind = report.entity_type.upper().replace("-", "_")
    return PartnerCustomer(
        report.entity_id,
        report.entity_name,
        kind,
        country=report.country_code,
        currency=report.currency_code,
    )


def country(text: str) -> str:
    """ISO country of two letters; empty for a code nobody here knows."""
    code = text.upper()
    return code if len(code) == 2 and code.isalpha() else _COUNTRY.get(code, "")


def _given(**facts: str) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}
