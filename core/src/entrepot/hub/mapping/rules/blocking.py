"""Finding the few pairs worth comparing, without comparing all with all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

LEAST_OVERLAP = 0.34
MOST = 25


def trigrams(text: str) -> frozenset[str]:
    """Trigrams of the words of `text`, each word marked at both ends."""
    return frozenset(
        marked[at : at + 3]
        for word in text.split()
        for marked in (f"^{word}$",)
        for at in range(max(1, len(marked) - 2))
    )


class TrigramIndex:
    """Texts by the trigrams they contain.

    The order of words does not matter. A text is found when at least about a third of
    the trigrams of both texts are shared, which every pair does whose ratio reaches
    the matcher's 0.80 short of a change in every third letter.

    Args:
        texts: What to index; the position in this sequence is what `near` returns.
    """

    def __init__(self, texts: Sequence[str]) -> None:
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

    def near(self, text: str, most: int = MOST) -> list[int]:
        """Positions of the nearest texts, nearest first; none without overlap."""
        grams = trigrams(text)
        found = [self._postings[gram] for gram in grams if gram in self._postings]
        if not found:
            return []
        positions, shared = np.unique(np.concatenate(found), return_counts=True)
        overlap = 2 * shared / (self._sizes[positions] + len(grams))
        kept = np.flatnonzero(overlap >= LEAST_OVERLAP)
        order = np.lexsort((positions[kept], -overlap[kept]))[:most]
        return [int(position) for position in positions[kept][order]]


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
