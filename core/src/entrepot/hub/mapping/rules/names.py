"""Normalising names and telling how alike two are (reconciliation §14.1)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

AND = frozenset({"und", "et", "og", "och"})
LEGAL_FAMILY = {
    **dict.fromkeys(("inc", "incorporated", "corp", "corporation"), "inc"),
    **dict.fromkeys(("ltd", "limited", "pvt"), "ltd"),
    **dict.fromkeys(("co", "company"), ""),
    **{
        form: form
        for form in (
            *("llc", "gmbh", "ag", "sa", "sas", "sarl", "srl", "spa", "bv", "nv"),
            *("ab", "oy", "aps", "pty", "plc", "kg", "kft", "sl", "llp", "lp"),
        )
    },
}
_GERMAN_NORDIC = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"}
)
_LETTERS_OF_THEIR_OWN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae"})
_DROPPED = re.compile(r"[.'’]")
_SEPARATORS = re.compile(r"[\W_]+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Name:
    """A normalised company name.

    Attributes:
        variants: The name under each folding, tokens in their order; empty when
            nothing remains after dropping legal forms.
        ordered: The variants with their tokens in alphabetical order.
        families: Families of the legal forms; neutral ones leave none.
    """

    variants: tuple[str, ...]
    ordered: tuple[str, ...]
    families: frozenset[str]


@lru_cache(maxsize=100_000)
def company_name(text: str) -> Name:
    """Normalise a company name; a name of legal forms only has no variants."""
    found: list[str] = []
    families: set[str] = set()
    for folded in foldings(text):
        tokens, dropped = _without_legal_forms(tokens_of(folded))
        families |= dropped
        if tokens and tokens[0] == "the":
            tokens = tokens[1:]
        if tokens:
            found.append(" ".join(tokens))
    variants = tuple(dict.fromkeys(found))
    ordered = tuple(dict.fromkeys(map(token_sorted, variants)))
    return Name(variants, ordered, frozenset(families))


def tokens_of(folded: str) -> list[str]:
    """Words of a folded text, with every "and" spelled alike."""
    text = _DROPPED.sub("", folded.replace("&", " and "))
    words = _SEPARATORS.sub(" ", text).split()
    return ["and" if word in AND else word for word in words]


def foldings(text: str) -> tuple[str, ...]:
    """The text in lower case, once with accents stripped, once spelled out."""
    lower = unicodedata.normalize("NFC", text).casefold()
    spelled = lower.translate(_GERMAN_NORDIC)
    plain = lower.translate(_LETTERS_OF_THEIR_OWN)
    return tuple(dict.fromkeys((_stripped(plain), _stripped(spelled))))


def _stripped(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(char for char in decomposed if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", kept)


def _without_legal_forms(tokens: list[str]) -> tuple[list[str], set[str]]:
    """Drop trailing legal forms, also "gmbh and co kg", and say their families."""
    families: set[str] = set()
    kept = list(tokens)
    while kept:
        joined = len(kept) > 1 and kept[-1] == "and" and len(kept) < len(tokens)
        if joined and kept[-2] in LEGAL_FAMILY:
            kept.pop()
        elif kept[-1] in LEGAL_FAMILY:
            families.add(LEGAL_FAMILY[kept.pop()])
        else:
            break
    if kept and kept[-1] == "and" and len(kept) < len(tokens):
        kept.pop()  # "Smith & Co": nothing is left for the "and" to join
    return kept, families - {""}


def token_sorted(text: str) -> str:
    """The words of a normalised text in alphabetical order."""
    return " ".join(sorted(text.split()))


def similarity(left: str, right: str) -> float:
    """Ratcliff/Obershelp ratio of two texts as they are, the better direction."""
    if left == right:
        return 1.0
    return max(
        SequenceMatcher(None, left, right, autojunk=False).ratio(),
        SequenceMatcher(None, right, left, autojunk=False).ratio(),
    )


def name_similarity(left: Name, right: Name, least: float = 0.0) -> float:
    """The best ratio over all pairs of variants, words sorted; 0 without a name.

    Args:
        left: One name.
        right: The other.
        least: Ratios below it don't matter and may come back as 0, which is faster.
    """
    pairs = ((mine, theirs) for mine in left.ordered for theirs in right.ordered)
    return max(
        (similarity(*pair) for pair in pairs if may_reach(*pair, least)), default=0.0
    )


def may_reach(left: str, right: str, least: float) -> bool:
    """Whether the ratio of two texts can be `least`: matching blocks keep their order.

    What the blocks cover is a common subsequence, so the longest one bounds the ratio.
    """
    total = len(left) + len(right)
    return total > 0 and 2 * _longest_common(left, right) >= least * total


def _longest_common(left: str, right: str) -> int:
    """Length of the longest common subsequence, a machine word at a time (Hyyrö)."""
    places = _places(left)
    full = (1 << len(left)) - 1
    open_ = full
    for letter in right:
        hit = open_ & places.get(letter, 0)
        open_ = ((open_ + hit) | (open_ - hit)) & full
    return len(left) - open_.bit_count()


@lru_cache(maxsize=10_000)
def _places(text: str) -> dict[str, int]:
    """Bit mask of each letter's places in `text`."""
    places: dict[str, int] = {}
    for at, letter in enumerate(text):
        places[letter] = places.get(letter, 0) | 1 << at
    return places
