"""Which PSA company a vendor's customer is: evidence, confidence, bands (§14.1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files

from entrepot.hub.mapping.rules.blocking import ExactIndex, TrigramIndex
from entrepot.hub.mapping.rules.names import (
    Name,
    company_name,
    name_similarity,
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
LEAST_ID = 8  # a short number may be anybody's
_NOT_A_CUSTOMER = "not_a_customer"


@cache
def free_mail() -> frozenset[str]:
    """Domains where anybody gets a mailbox."""
    listed = files("entrepot.hub.mapping.rules").joinpath("free_mail.txt")
    return frozenset(listed.read_text(encoding="utf-8").split())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    """An account with everything that is computed of it once."""

    account: Account
    name: Name
    words: frozenset[str]
    domains: frozenset[str]
    ids: frozenset[str]
    tax: str
    prefix: str


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
        self._by_id = ExactIndex()
        self._exact = ExactIndex()
        self._compact = ExactIndex()
        texts: list[str] = []
        self._owners: list[int] = []
        for at, company in enumerate(self._companies):
            self._domains.add(map(clean_domain, company.domains), at)
            self._taxes.add([_number(company.tax_id)], at)
            self._ids.add(_company_ids(company), at)
            self._by_id.add([company.vendor_id], at)
            variants = self._names[at].variants
            self._exact.add(self._names[at].ordered, at)
            self._compact.add((name.replace(" ", "") for name in variants), at)
            texts += variants
            self._owners += [at] * len(variants)
        self._similar = TrigramIndex(texts, LEAST_SIMILAR)

    def candidates(
        self, account: Account, rejected: Collection[str] = ()
    ) -> list[Candidate]:
        """Everything that speaks for a company, best first.

        Args:
            account: Whom to find.
            rejected: Companies a person said no to; never returned.
        """
        probe = self._probe(account)
        found = (self._judge(probe, at) for at in sorted(self._near(probe)))
        kept = [one for one in found if one and one.target not in rejected]
        return sorted(kept, key=lambda one: (-one.confidence, one.target))

    def _probe(self, account: Account) -> _Probe:
        domains = {clean_domain(domain) for domain in account.domains} - {""}
        domains -= free_mail() | self._words.own_domains
        name = company_name(account.name)
        return _Probe(
            account=account,
            name=name,
            words=frozenset(name.ordered),
            domains=frozenset(
                domain
                for domain in domains
                if not _below(domain, self._words.throwaway_domains)
            ),
            ids=frozenset(_account_ids(account)),
            tax=_number(account.tax_id),
            prefix=_prefix(account.default_domain),
        )

    def _near(self, probe: _Probe) -> set[int]:
        near: set[int] = set()
        for domain in probe.domains:
            near.update(self._domains.get(domain))
        near.update(self._taxes.get(probe.tax))
        for word in probe.ids:
            near.update(self._ids.get(word))
        for vendor_id in probe.account.linked:
            near.update(self._by_id.get(vendor_id))
        near.update(self._compact.get(probe.prefix))
        for words in probe.words:
            near.update(self._exact.get(words))
        for variant in probe.name.variants:
            near.update(self._owners[at] for at in self._similar.near(variant))
        return near

    def _judge(self, probe: _Probe, at: int) -> Candidate | None:
        company = self._companies[at]
        best = max(
            self._evidence(probe, at), key=lambda one: one[1].weight, default=None
        )
        if best is None:
            return None
        method, deciding = best
        extra: list[Evidence] = []
        if method is not Method.EXTERNAL_ID:
            extra = list(self._modifiers(probe, at))
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

    def _evidence(self, probe: _Probe, at: int) -> Iterable[tuple[Method, Evidence]]:
        company = self._companies[at]
        ids = probe.ids & set(_company_ids(company))
        linked = company.vendor_id in probe.account.linked
        if ids or linked:
            stored = min(ids, default="").lstrip(":")
            text = "confirmed before" if linked else f"stored id {stored}"
            yield Method.EXTERNAL_ID, _reason("external_id", EXTERNAL_ID, text)
        if probe.tax and probe.tax == _number(company.tax_id):
            text = f"tax number {company.tax_id}"
            yield Method.TAX_ID, _reason("tax_id", TAX_ID, text)
        for domain in sorted(probe.domains):
            if self._domains.get(domain) == [at]:
                text = f"{domain} belongs to no other company"
                yield Method.DOMAIN, _reason("domain", DOMAIN, text)
        yield from self._name_evidence(probe, at)

    def _name_evidence(
        self, probe: _Probe, at: int
    ) -> Iterable[tuple[Method, Evidence]]:
        theirs = self._names[at]
        same = probe.words.intersection(theirs.ordered)
        if same:
            short = max(map(len, same)) <= SHORT
            weight = SAME_SHORT_NAME if short else SAME_NAME
            text = f"both normalise to {min(same)!r}"
            yield Method.NAME, _reason("name", weight, text)
            return
        similar = name_similarity(probe.name, theirs, LEAST_SIMILAR)
        if similar >= LEAST_SIMILAR:
            weight = Decimal("0.55") + Decimal("0.35") * Decimal(str(similar))
            text = f"names are {similar:.4f} alike"
            yield Method.SIMILAR_NAME, _reason("similar_name", weight, text)
        compact = {name.replace(" ", "") for name in theirs.variants}
        if probe.prefix and probe.prefix in compact:
            text = f"{probe.account.default_domain} begins with the name"
            yield Method.DEFAULT_DOMAIN, _reason("default_domain", DEFAULT_DOMAIN, text)

    def _modifiers(self, probe: _Probe, at: int) -> Iterable[Evidence]:
        account, company = probe.account, self._companies[at]
        mine, theirs = probe.name.families, self._names[at].families
        if mine and theirs and not mine & theirs:
            text = f"{', '.join(sorted(mine))} / {', '.join(sorted(theirs))}"
            yield _reason("legal_form", OTHER_LEGAL_FORM, text)
        if _same_place(account, company):
            yield _reason("place", SAME_PLACE, "same postal code or phone")
        countries = {account.country.upper(), company.country.upper()} - {""}
        if len(countries) > 1:
            text = f"{account.country} / {company.country}"
            yield _reason("country", OTHER_COUNTRY, text)


def suggest_customers(
    accounts: Iterable[Account],
    companies: Sequence[Company],
    words: Words,
    rejected: Collection[tuple[str, str]] = (),
    taken: Collection[tuple[str, str]] = (),
) -> list[Suggestion]:
    """The best candidate of every account that has one worth showing.

    Args:
        accounts: Undecided ones.
        companies: Of one PSA connection.
        words: What plugins and the reseller say.
        rejected: Pairs of account id and company that a person said no to.
        taken: Pairs of vendor connection and company that are confirmed already.
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
            found.append(replace(suggestion, rival_group=account.connection))
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
    suggestions: Sequence[Suggestion], taken: Collection[tuple[str, str]] = ()
) -> list[Suggestion]:
    """Take the pre-selection from all that claim one company, or a taken one."""
    claims = Counter(map(_claim, suggestions))
    return [
        replace(one, band=Band.SUGGESTION, contested=True)
        if claims[_claim(one)] > 1 or _claim(one) in taken
        else one
        for one in suggestions
    ]


def _claim(one: Suggestion) -> tuple[str, str]:
    return one.rival_group, one.best.target


def _reason(kind: str, weight: Decimal, text: str) -> Evidence:
    return Evidence(kind=kind, weight=weight.quantize(_STEP), text=text)


def clean_domain(text: str) -> str:
    """A domain from a domain, an address or a URL; empty when there is none."""
    bare = re.sub(r"^[a-z]+://", "", text.strip().casefold())
    host = re.split(r"[/?#:]", bare.rpartition("@")[2])[0].strip(".")
    return host.removeprefix("www.") if "." in host else ""


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
        _pair("", value) for _, value in pairs if len(value) >= LEAST_ID
    ]


def _account_ids(account: Account) -> set[str]:
    """The account's own id as a PSA may have stored it, and ids in third systems."""
    found = {_pair(system, value) for system, value in account.external_ids if value}
    if len(account.vendor_id) >= LEAST_ID:
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
