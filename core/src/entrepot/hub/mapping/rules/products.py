"""Which PSA product a vendor's SKU is: keys, aliases, names under guard (§14.2)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from entrepot.hub.mapping.rules.blocking import ExactIndex, TrigramIndex
from entrepot.hub.mapping.rules.customers import rank
from entrepot.hub.mapping.rules.names import (
    foldings,
    may_reach,
    similarity,
    token_sorted,
    tokens_of,
)
from entrepot.hub.mapping.rules.records import (
    Band,
    Candidate,
    CatalogueProduct,
    Evidence,
    Method,
    Suggestion,
    VendorProduct,
    Words,
)

EXACT_KEY = Decimal("0.98")
ALIAS = Decimal("0.95")
SAME_NAME = Decimal("0.85")
GUARDED = Decimal("0.40")
LEAST_SIMILAR = 0.80
_STEP = Decimal("0.0001")
_BY_IDENTIFIER = frozenset({"key", "alias"})
_NAMES_ONLY = frozenset({Method.NAME, Method.SIMILAR_NAME})

_TERMS = {
    **dict.fromkeys(("annual", "annually", "yearly", "year", "p1y"), "annual"),
    **dict.fromkeys(("monthly", "month", "p1m"), "monthly"),
    **dict.fromkeys(("triennial", "triennially", "p3y"), "triennial"),
}
_EDITIONS = {
    **{
        word: word
        for word in (
            *("basic", "standard", "starter", "premium", "plus", "enterprise"),
            *("business", "nonprofit", "education", "faculty", "student"),
            *("government", "trial", "addon"),
        )
    },
    "students": "student",
    "nonprofits": "nonprofit",
    "edu": "education",
}
_PHRASES = (
    (re.compile(r"\bnon profit"), "nonprofit"),
    (re.compile(r"\badd on\b"), "addon"),
    (re.compile(r"\b(?:1|one) year\b"), "annual"),
    (re.compile(r"\b(?:3|three) years?\b"), "triennial"),
)
_NUMBERED = re.compile(r"\b(plan|tier|level) ([0-9]{1,2}|[a-z])\b")
_EDITION_NUMBER = re.compile(r"[a-z][0-9]{1,2}")


class ProductMatcher:
    """Finds candidates in the catalogue of one PSA connection.

    Args:
        products: Active products that may stand on lines.
        words: Aliases and guard words of the plugins and the reseller.
    """

    def __init__(self, products: Sequence[CatalogueProduct], words: Words) -> None:
        self._products = list(products)
        self._aliases = [(normal(short), normal(full)) for short, full in words.aliases]
        self._guards = tuple(normal(word) for word in words.guards if normal(word))
        self._known = {
            _key(sku): {_key(text) for text in identifiers}
            for sku, identifiers in words.product_aliases
        }
        self._keys = ExactIndex()
        self._names = [normal(product.name) for product in self._products]
        self._full = [self._expand(name) for name in self._names]
        self._exact = ExactIndex()
        for at, product in enumerate(self._products):
            self._keys.add(map(_key, _numbers(product)), at)
            bare = _without_terms(self._full[at])
            self._exact.add(map(token_sorted, (self._full[at], bare)), at)
        self._similar = TrigramIndex(self._full, LEAST_SIMILAR)

    def candidates(
        self, product: VendorProduct, rejected: Collection[str] = ()
    ) -> list[Candidate]:
        """Everything that speaks for a PSA product, best first.

        Args:
            product: What to find.
            rejected: PSA products a person said no to; never returned.
        """
        full = self._expand(normal(product.name))
        near = set(self._similar.near(full))
        for name in (full, _without_terms(full)):
            near.update(self._exact.get(token_sorted(name)))
        wanted = self._wanted(product)
        for key in wanted[0] | wanted[1]:
            near.update(self._keys.get(key))
        found = (self._judge(product, full, at, wanted) for at in sorted(near))
        kept = [one for one in found if one and one.target not in rejected]
        return sorted(kept, key=lambda one: (-one.confidence, one.target))

    def _wanted(self, product: VendorProduct) -> tuple[set[str], set[str]]:
        exact = {_key(product.sku), _key(product.product_id)}
        exact |= {_key(number) for number in product.numbers}
        return exact - {""}, self._known.get(_key(product.sku), set())

    def _judge(
        self,
        product: VendorProduct,
        full: str,
        at: int,
        wanted: tuple[set[str], set[str]],
    ) -> Candidate | None:
        method, evidence = self._evidence(product, full, at, wanted)
        if evidence is None:
            return None
        confidence, reasons = evidence.weight, [evidence]
        missing = self._guard_difference(product, full, at)
        if missing and evidence.kind not in _BY_IDENTIFIER:
            confidence = min(confidence, GUARDED)
            text = f"only one side says {', '.join(sorted(missing))}"
            reasons.append(Evidence(kind="guard", weight=GUARDED, text=text))
        target = self._products[at]
        return Candidate(
            target=target.vendor_id,
            name=target.name,
            confidence=confidence.quantize(_STEP),
            method=method,
            evidence=tuple(reasons),
        )

    def _evidence(
        self,
        product: VendorProduct,
        full: str,
        at: int,
        wanted: tuple[set[str], set[str]],
    ) -> tuple[Method, Evidence | None]:
        keys = {_key(text) for text in _numbers(self._products[at])} - {""}
        if shared := keys & wanted[0]:
            text = f"same number {min(shared)}"
            return Method.EXACT_KEY, Evidence(kind="key", weight=EXACT_KEY, text=text)
        if shared := keys & wanted[1]:
            text = f"{min(shared)} is known for this SKU"
            return Method.ALIAS, Evidence(kind="alias", weight=ALIAS, text=text)
        mine, theirs = token_sorted(full), token_sorted(self._full[at])
        if product.keeps_term:  # the guard compares the terms
            mine, theirs = map(_without_terms, (mine, theirs))
        if mine == theirs:
            return self._same_name(product, at)
        if not may_reach(mine, theirs, LEAST_SIMILAR):
            return Method.SIMILAR_NAME, None
        similar = similarity(mine, theirs)
        if similar < LEAST_SIMILAR:
            return Method.SIMILAR_NAME, None
        weight = min(SAME_NAME, Decimal(str(round(similar, 4))) * SAME_NAME)
        text = f"names are {similar:.4f} alike"
        found = Evidence(kind="similar_name", weight=weight, text=text)
        return Method.SIMILAR_NAME, found

    def _same_name(self, product: VendorProduct, at: int) -> tuple[Method, Evidence]:
        names = (normal(product.name), self._names[at])
        if product.keeps_term:
            names = (_without_terms(names[0]), _without_terms(names[1]))
        if token_sorted(names[0]) == token_sorted(names[1]):
            text = f"both are called {product.name!r}"
            return Method.NAME, Evidence(kind="name", weight=SAME_NAME, text=text)
        text = f"{self._products[at].name!r} spelled out is the same name"
        return Method.ALIAS, Evidence(kind="word_alias", weight=ALIAS, text=text)

    def _guard_difference(
        self, product: VendorProduct, full: str, at: int
    ) -> frozenset[str]:
        mine = self.guard_tokens(full)
        theirs = self.guard_tokens(self._full[at])
        if product.keeps_term:
            terms = set(_TERMS.values())
            mine = (mine - terms) | _terms_of(product)
        return mine ^ theirs

    def guard_tokens(self, text: str) -> frozenset[str]:
        """The tokens of a normalised name that must be equal on both sides."""
        rest = text
        found: set[str] = set()
        for guard in sorted(self._guards, key=len, reverse=True):
            pattern = rf"\b{re.escape(guard)}\b"
            if re.search(pattern, rest):
                found.add(guard)
                rest = re.sub(pattern, " ", rest)
        for numbered in _NUMBERED.finditer(rest):
            found.add(f"{numbered[1]} {numbered[2]}")
        for word in rest.split():
            if word in _EDITIONS or word in _TERMS:
                found.add(_EDITIONS.get(word) or _TERMS[word])
            elif _EDITION_NUMBER.fullmatch(word):
                found.add(word)
        return frozenset(found)

    def _expand(self, name: str) -> str:
        for short, full in self._aliases:
            if short:
                name = re.sub(rf"\b{re.escape(short)}\b", full, name)
        return name


def suggest_products(
    products: Iterable[VendorProduct],
    catalogue: Sequence[CatalogueProduct],
    words: Words,
    rejected: Collection[tuple[str, str]] = (),
) -> list[Suggestion]:
    """The best candidate of every SKU that has one worth showing.

    Args:
        products: Undecided SKUs.
        catalogue: Active products of one PSA connection.
        words: Aliases and guard words.
        rejected: Pairs of SKU key and PSA product that a person said no to.
    """
    matcher = ProductMatcher(catalogue, words)
    no: dict[str, set[str]] = {}
    for source, target in rejected:
        no.setdefault(source, set()).add(target)
    ranked = (
        rank(one.key, matcher.candidates(one, no.get(one.key, ()))) for one in products
    )
    return [_without_name_preselection(one) for one in ranked if one is not None]


def _without_name_preselection(one: Suggestion) -> Suggestion:
    """Names alone are never pre-selected, however their words are abbreviated."""
    by_name = one.best.method in _NAMES_ONLY or any(
        reason.kind == "word_alias" for reason in one.best.evidence
    )
    if not by_name or one.band is not Band.PRESELECTED:
        return one
    return Suggestion(
        source=one.source, best=one.best, rivals=one.rivals, band=Band.SUGGESTION
    )


def normal(text: str) -> str:
    """A product name in lower case without signs; empty when nothing remains."""
    name = " ".join(tokens_of(foldings(text.replace("/", " "))[0]))
    for pattern, word in _PHRASES:
        name = pattern.sub(word, name)
    return name


def raw_similarity(left: str, right: str) -> float:
    """How alike two normalised names are, their words sorted."""
    return similarity(token_sorted(left), token_sorted(right))


def _without_terms(name: str) -> str:
    return " ".join(word for word in name.split() if word not in _TERMS)


def _terms_of(product: VendorProduct) -> frozenset[str]:
    words = (product.term.casefold(), product.billing_cycle.casefold())
    return frozenset(_TERMS[word] for word in words if word in _TERMS)


def _numbers(product: CatalogueProduct) -> tuple[str, ...]:
    return (
        product.identifier,
        product.vendor_sku,
        product.part_number,
        product.cross_reference,
    )


def _key(text: str) -> str:
    return re.sub(r"\s", "", text).casefold()
