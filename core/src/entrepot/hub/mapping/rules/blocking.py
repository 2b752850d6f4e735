"""Finding the few pairs worth comparing, without comparing all with all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

LEAST_OVERLAP = 0.3
MOST = 40
_BUCKETS = 64
_FULL = 255


def trigrams(text: str) -> frozenset[str]:
    """Trigrams of the words of `text`, each word marked at both ends."""
    return frozenset(
        marked[at : at + 3]
        for word in text.split()
        for marked in (f"^{word}$",)
        for at in range(max(1, len(marked) - 2))
    )


class TrigramIndex:
    """Texts by the trigrams they contain, in whatever order their words stand.

    A text is found when about a third of the trigrams of both are shared and the
    letters both have in common would allow the ratio asked for. The second test never
    drops a pair that reaches it; the first does only when changes are spread over a
    name so evenly that hardly three letters in a row survive.

    Args:
        texts: What to index; the position in this sequence is what `near` returns.
        least: Ratio that pairs must be able to reach.
    """

    def __init__(self, texts: Sequence[str], least: float) -> None:
        self._least = least
        postings: dict[str, list[int]] = defaultdict(list)
        sizes: list[int] = []
        for position, text in enumerate(texts):
            grams = trigrams(text)
            sizes.append(len(grams))
            for gram in grams:
                postings[gram].append(position)
        self._postings = {
            gram: np.array(found, dtype=np.int64) for gram, found in postings.items()
        }
        self._sizes: npt.NDArray[np.int64] = np.array(sizes, dtype=np.int64)
        self._lengths = np.array([len(text) for text in texts], dtype=np.int64)
        self._letters = np.stack([_letters(text) for text in texts] or [_letters("")])

    def near(self, text: str, most: int = MOST) -> list[int]:
        """Positions of the nearest texts, nearest first; none without overlap."""
        grams = trigrams(text)
        found = [self._postings[gram] for gram in grams if gram in self._postings]
        if not found:
            return []
        shared = np.bincount(np.concatenate(found), minlength=len(self._sizes))
        sizes = self._sizes + len(grams)
        positions = np.flatnonzero(2 * shared >= LEAST_OVERLAP * sizes)
        overlap = 2 * shared[positions] / sizes[positions]
        possible = np.flatnonzero(self._bound(text, positions) >= self._least)
        positions, overlap = positions[possible], overlap[possible]
        order = np.lexsort((positions, -overlap))[:most]
        return [int(position) for position in positions[order]]

    def _bound(
        self, text: str, positions: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """No ratio of `text` and these texts can be higher."""
        mine, theirs = _letters(text), self._letters[positions]
        common = np.minimum(mine, theirs).sum(axis=1, dtype=np.int64)
        lengths = self._lengths[positions] + len(text)
        return np.asarray(2 * common / lengths)


def _letters(text: str) -> npt.NDArray[np.uint8]:
    """How often each letter occurs; rare ones share a bucket, which keeps the bound."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32) % _BUCKETS
    counts = np.bincount(codes.astype(np.int64), minlength=_BUCKETS)
    return np.minimum(counts, _FULL).astype(np.uint8)


class ExactIndex:
    """Positions by exact words: domains, numbers, normalised names."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = defaultdict(list)

    def add(self, words: Iterable[str], position: int) -> None:
        """Enter `position` under every word that is not empty, once."""
        for word in dict.fromkeys(words):
            if word:
                self._found[word].append(position)

    def get(self, word: str) -> list[int]:
        """Positions entered under `word`; an empty list when there are none."""
        return self._found.get(word, []) if word else []
