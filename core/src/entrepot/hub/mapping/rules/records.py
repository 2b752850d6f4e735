"""What the matcher compares, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

PRESELECT = Decimal("0.90")
SUGGEST = Decimal("0.60")
LEAD = Decimal("0.10")


class Band(StrEnum):
    """What a suggestion is good for."""

    PRESELECTED = "preselected"
    SUGGESTION = "suggestion"
    NONE = "none"


class Method(StrEnum):
    """The evidence a confidence rests on."""

    EXTERNAL_ID = "external_id"
    TAX_ID = "tax_id"
    DOMAIN = "domain"
    NAME = "name"
    SIMILAR_NAME = "similar_name"
    DEFAULT_DOMAIN = "default_domain"
    EXACT_KEY = "exact_key"
    ALIAS = "alias"
    MANUAL = "manual"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer's account at a vendor, as far as matching needs it.

    Attributes:
        id: The hub's id of the account.
        connection: The vendor connection; customers of different vendors may well be
            one company, so they don't compete for it.
        vendor_id: The vendor's id of the customer.
        domains: Verified domains, the primary included.
        default_domain: The name-space the vendor gave.
        external_ids: Ids in other systems that the vendor stores (system, id).
        linked: PSA companies to which this vendor customer was confirmed before.
    """

    id: str
    vendor_id: str
    name: str
    connection: str = ""
    domains: tuple[str, ...] = ()
    default_domain: str = ""
    tax_id: str = ""
    phone: str = ""
    country: str = ""
    postal_code: str = ""
    external_ids: tuple[tuple[str, str], ...] = ()
    linked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A PSA company, as far as matching needs it.

    Attributes:
        domains: Of its web site, and those that at least two contacts write from.
        merged_into: The company this one was merged into; else empty.
        usable: Neither deleted nor merged nor inactive.
        is_customer: False for prospects; they are shown, but flagged.
    """

    vendor_id: str
    name: str
    identifier: str = ""
    domains: tuple[str, ...] = ()
    tax_id: str = ""
    phone: str = ""
    country: str = ""
    postal_code: str = ""
    external_ids: tuple[tuple[str, str], ...] = ()
    merged_into: str = ""
    usable: bool = True
    is_customer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason for or against a match.

    Attributes:
        kind: Machine word.
        weight: The confidence it gives, or what it adds to it.
        text: What was compared, for people.
    """

    kind: str
    weight: Decimal
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible target with its confidence.

    Attributes:
        target: PSA id of the company or product.
        evidence: Everything that counted, the deciding one first.
        flags: Things to know before confirming (``not_a_customer``).
    """

    target: str
    name: str
    confidence: Decimal
    method: Method
    evidence: tuple[Evidence, ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The best candidate for one account or SKU, and those it was preferred to.

    Attributes:
        source: Id of the account, or the key of the SKU.
        rival_group: Sources of one group compete for a target.
        rivals: Counter-candidates, best first.
        contested: Another source has the same best target.
    """

    source: str
    best: Candidate
    rivals: tuple[Candidate, ...] = ()
    band: Band = Band.SUGGESTION
    contested: bool = False
    rival_group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorProduct:
    """What subscriptions are bought of, as far as matching needs it.

    Attributes:
        key: How the caller names it.
        numbers: Further part numbers.
        term: ISO 8601 length of commitment, when the entry keeps it apart.
        billing_cycle: When the entry keeps it apart.
        keeps_term: The map entry would hold for this term and cycle only.
    """

    key: str
    name: str
    sku: str
    product_id: str = ""
    numbers: tuple[str, ...] = ()
    term: str = ""
    billing_cycle: str = ""
    keeps_term: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueProduct:
    """A product of the PSA's catalogue, as far as matching needs it."""

    vendor_id: str
    name: str
    identifier: str = ""
    vendor_sku: str = ""
    part_number: str = ""
    cross_reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What plugins and the reseller say about words, as data.

    Attributes:
        aliases: Short forms and what they stand for.
        guards: Words or phrases that must be on both sides or on neither.
        throwaway_domains: Domains that say nothing about a company.
        own_domains: The reseller's own.
        product_aliases: PSA identifiers by the SKU they stand for.
    """

    aliases: tuple[tuple[str, str], ...] = ()
    guards: tuple[str, ...] = ()
    throwaway_domains: frozenset[str] = frozenset()
    own_domains: frozenset[str] = frozenset()
    product_aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()


def band_of(confidence: Decimal, runner_up: Decimal | None) -> Band:
    """The band of a best candidate.

    Args:
        confidence: Of the best candidate.
        runner_up: Of the next one; None when there is none.
    """
    if confidence < SUGGEST:
        return Band.NONE
    ahead = runner_up is None or confidence - runner_up >= LEAD
    return Band.PRESELECTED if confidence >= PRESELECT and ahead else Band.SUGGESTION
