"""Which PSA company a vendor's customer is: evidence, confidence, bands (§14.1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from importlib.resources import files

from entrepot.hub.mapping.rules.blocking import ExactIndex, TrigramIndex
from entrepot.hub.mapping.rules.names import (
    company_name,
    may_reach,
    name_similarity,
    token_sorted,
)
from entrepot.hub.mapping.rules.records import (
    Account,
    Band,
    Candidate,
    Company,
    Evidence,
    Method,
    Suggestion,
    Words,
    band_of,
)

EXTERNAL_ID = Decimal(1)
TAX_ID = Decimal("0.97")
DOMAIN = Decimal("0.95")
SAME_NAME = Decimal("0.90")
SAME_SHORT_NAME = Decimal("0.80")
SHORT = 3
LEAST_SIMILAR = 0.80
DEFAULT_DOMAIN = Decimal("0.70")
OTHER_LEGAL_FORM = Decimal("-0.10")
SAME_PLACE = Decimal("0.05")
OTHER_COUNTRY = Decimal("-0.20")
CAP = Decimal("0.98")
KEPT = 5
_STEP = Decimal("0.0001")
_LEAST_NUMBER = 5
_LEAST_PHONE = 7
_LEAST_ID = 8  # a short number may be anybody's
_NOT_A_CUSTOMER = "not_a_customer"


@cache
def free_mail() -> frozenset[str]:
    """Domains where anybody gets a mailbox."""
    listed = files("entrepot.hub.mapping.rules").joinpath("free_mail.txt")
    return frozenset(listed.read_text(encoding="utf-8").split())


class CustomerMatcher:
    """Finds candidates among the companies of one PSA connection.

    Args:
        companies: All companies of the connection; unusable ones never match.
        words: What plugins and the reseller say about domains.
    """

    def __init__(self, companies: Sequence[Company], words: Words) -> None:
        self._words = words
        self._companies = [company for company in companies if company.usable]
        self._names = [company_name(company.name) for company in self._companies]
        self._domains = ExactIndex()
        self._taxes = ExactIndex()
        self._ids = ExactIndex()
        self._exact = ExactIndex()
        self._compact = ExactIndex()
        texts: list[str] = []
        self._owners: list[int] = []
        for at, company in enumerate(self._companies):
            self._domains.add(map(clean_domain, company.domains), at)
            self._taxes.add([_number(company.tax_id)], at)
            self._ids.add(_company_ids(company), at)
            variants = self._names[at].variants
            self._exact.add(map(token_sorted, variants), at)
            self._compact.add((name.replace(" ", "") for name in variants), at)
            texts += variants
            self._owners += [at] * len(variants)
        self._similar = TrigramIndex(texts)

    def candidates(
        self, account: Account, rejected: Collection[str] = ()
    ) -> list[Candidate]:
        """Everything that speaks for a company, best first.

        Args:
            account: Whom to find.
            rejected: Companies a person said no to; never returned.
        """
        found = (self._judge(account, at) for at in sorted(self._near(account)))
        kept = [one for one in found if one and one.target not in rejected]
        return sorted(kept, key=lambda one: (-one.confidence, one.target))

    def _near(self, account: Account) -> set[int]:
        name = company_name(account.name)
        near: set[int] = set()
        for domain in self._telling(account):
            near.update(self._domains.get(domain))
        near.update(self._taxes.get(_number(account.tax_id)))
        for word in _account_ids(account):
            near.update(self._ids.get(word))
        near.update(self._compact.get(_prefix(account.default_domain)))
        for variant in name.variants:
            near.update(self._exact.get(token_sorted(variant)))
            near.update(self._owners[at] for at in self._similar.near(variant))
        return near

    def _judge(self, account: Account, at: int) -> Candidate | None:
        company = self._companies[at]
        best = max(
            self._evidence(account, at), key=lambda one: one[1].weight, default=None
        )
        if best is None:
            return None
        method, deciding = best
        extra: list[Evidence] = []
        if method is not Method.EXTERNAL_ID:
            extra = list(self._modifiers(account, at))
        total = sum((one.weight for one in extra), deciding.weight)
        limit = EXTERNAL_ID if method is Method.EXTERNAL_ID else CAP
        return Candidate(
            target=company.vendor_id,
            name=company.name,
            confidence=min(total, limit).quantize(_STEP),
            method=method,
            evidence=(deciding, *extra),
            flags=() if company.is_customer else (_NOT_A_CUSTOMER,),
        )

    def _evidence(self, account: Account, at: int) -> Iterable[tuple[Method, Evidence]]:
        company = self._companies[at]
        ids = _account_ids(account) & set(_company_ids(company))
        linked = company.vendor_id in account.linked
        if ids or linked:
            text = "confirmed before" if linked else f"stored id {min(ids).lstrip(':')}"
            yield (
                Method.EXTERNAL_ID,
                Evidence(kind="external_id", weight=EXTERNAL_ID, text=text),
            )
        tax = _number(account.tax_id)
        if tax and tax == _number(company.tax_id):
            yield (
                Method.TAX_ID,
                Evidence(
                    kind="tax_id", weight=TAX_ID, text=f"tax number {account.tax_id}"
                ),
            )
        for domain in sorted(self._telling(account)):
            if self._domains.get(domain) == [at]:
                yield (
                    Method.DOMAIN,
                    Evidence(
                        kind="domain",
                        weight=DOMAIN,
                        text=f"{domain}, only this company's",
                    ),
                )
        yield from self._name_evidence(account, at)

    def _name_evidence(
        self, account: Account, at: int
    ) -> Iterable[tuple[Method, Evidence]]:
        mine, theirs = company_name(account.name), self._names[at]
        same = {*map(token_sorted, mine.variants)} & {
            *map(token_sorted, theirs.variants)
        }
        if same:
            short = max(map(len, same)) <= SHORT
            yield (
                Method.NAME,
                Evidence(
                    kind="name",
                    weight=SAME_SHORT_NAME if short else SAME_NAME,
                    text=f"both normalise to {min(same)!r}",
                ),
            )
            return
        similar = _similarity(account.name, self._companies[at].name)
        if similar >= LEAST_SIMILAR:
            weight = Decimal("0.55") + Decimal("0.35") * Decimal(str(similar))
            yield (
                Method.SIMILAR_NAME,
                Evidence(
                    kind="similar_name",
                    weight=weight.quantize(_STEP),
                    text=f"names are {similar:.4f} alike",
                ),
            )
        prefix = _prefix(account.default_domain)
        if prefix and prefix in {name.replace(" ", "") for name in theirs.variants}:
            yield (
                Method.DEFAULT_DOMAIN,
                Evidence(
                    kind="default_domain",
                    weight=DEFAULT_DOMAIN,
                    text=f"{account.default_domain} begins with the name",
                ),
            )

    def _modifiers(self, account: Account, at: int) -> Iterable[Evidence]:
        company = self._companies[at]
        mine = company_name(account.name).families
        theirs = self._names[at].families
        if mine and theirs and not mine & theirs:
            text = f"{', '.join(sorted(mine))} / {', '.join(sorted(theirs))}"
            yield Evidence(kind="legal_form", weight=OTHER_LEGAL_FORM, text=text)
        if _same_place(account, company):
            yield Evidence(
                kind="place", weight=SAME_PLACE, text="same postal code or phone"
            )
        countries = {account.country.upper(), company.country.upper()} - {""}
        if len(countries) > 1:
            text = " / ".join((account.country, company.country))
            yield Evidence(kind="country", weight=OTHER_COUNTRY, text=text)

    def _telling(self, account: Account) -> set[str]:
        """Domains of the account that say something about a company."""
        domains = {clean_domain(domain) for domain in account.domains} - {""}
        useless = free_mail() | self._words.own_domains
        return {
            domain
            for domain in domains - useless
            if not _below(domain, self._words.throwaway_domains)
        }


def suggest_customers(
    accounts: Iterable[Account],
    companies: Sequence[Company],
    words: Words,
    rejected: Collection[tuple[str, str]] = (),
    taken: Collection[str] = (),
) -> list[Suggestion]:
    """The best candidate of every account that has one worth showing.

    Args:
        accounts: Undecided ones.
        companies: Of one PSA connection.
        words: What plugins and the reseller say.
        rejected: Pairs of account id and company that a person said no to.
        taken: Companies that another customer of the same vendor connection is
            confirmed for already.
    """
    matcher = CustomerMatcher(companies, words)
    no: dict[str, set[str]] = {}
    for account_id, company_id in rejected:
        no.setdefault(account_id, set()).add(company_id)
    found = []
    for account in accounts:
        candidates = matcher.candidates(account, no.get(account.id, ()))
        suggestion = rank(account.id, candidates)
        if suggestion is not None:
            found.append(suggestion)
    return contest(found, taken)


def rank(source: str, candidates: Sequence[Candidate]) -> Suggestion | None:
    """Best candidate and rivals; None when the best is not worth showing."""
    if not candidates:
        return None
    best, *rest = candidates
    runner_up = rest[0].confidence if rest else None
    band = band_of(best.confidence, runner_up)
    if band is Band.NONE:
        return None
    return Suggestion(source=source, best=best, rivals=tuple(rest[:KEPT]), band=band)


def contest(
    suggestions: Sequence[Suggestion], taken: Collection[str] = ()
) -> list[Suggestion]:
    """Take the pre-selection from all that claim one company, or a taken one."""
    claims = Counter(one.best.target for one in suggestions)
    return [
        replace(one, band=Band.SUGGESTION, contested=True)
        if claims[one.best.target] > 1 or one.best.target in taken
        else one
        for one in suggestions
    ]


def clean_domain(text: str) -> str:
    """A domain from a domain, an address or a URL; empty when there is none."""
    bare = re.sub(r"^[a-z]+://", "", text.strip().casefold())
    host = re.split(r"[/?#:]", bare.rpartition("@")[2])[0].strip(".")
    return host.removeprefix("www.") if "." in host else ""


def _similarity(left: str, right: str) -> float:
    mine, theirs = company_name(left), company_name(right)
    possible = any(
        may_reach(one, other, LEAST_SIMILAR)
        for one in mine.variants
        for other in theirs.variants
    )
    return name_similarity(mine, theirs) if possible else 0.0


def _below(domain: str, parents: frozenset[str]) -> bool:
    parts = domain.split(".")
    return any(".".join(parts[at:]) in parents for at in range(len(parts)))


def _prefix(default_domain: str) -> str:
    return clean_domain(default_domain).partition(".")[0].replace("-", "")


def _number(text: str) -> str:
    digits = re.sub(r"[\W_]", "", text).casefold()
    return digits if len(digits) >= _LEAST_NUMBER else ""


def _company_ids(company: Company) -> list[str]:
    """What the PSA stored: with its system, and alone if nobody else can mean it."""
    pairs = [pair for pair in company.external_ids if pair[1]]
    return [_pair(*pair) for pair in pairs] + [
        _pair("", value) for _, value in pairs if len(value) >= _LEAST_ID
    ]


def _account_ids(account: Account) -> set[str]:
    """The account's own id as a PSA may have stored it, and ids in third systems."""
    found = {_pair(system, value) for system, value in account.external_ids if value}
    if len(account.vendor_id) >= _LEAST_ID:
        found.add(_pair("", account.vendor_id))
    return found


def _pair(system: str, value: str) -> str:
    return f"{system.casefold()}:{value.casefold()}"


def _same_place(account: Account, company: Company) -> bool:
    codes = [
        re.sub(r"\W", "", one.postal_code).casefold() for one in (account, company)
    ]
    phones = [re.sub(r"\D", "", one.phone)[-9:] for one in (account, company)]
    return (bool(codes[0]) and codes[0] == codes[1]) or (
        len(phones[0]) >= _LEAST_PHONE and phones[0] == phones[1]
    )
