"""Walking a listing whose pages are spoiled at the source."""

from __future__ import annotations

from entrepot.sdk.conformance.checks import SMALL_PAGE, require
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import LISTINGS, identity, scopes
from entrepot.sdk.errors import EntrepotError

MOST = 200
"""Pages after which core would have noticed that a listing goes round."""


def walk(harness: Harness, name: str) -> tuple[set[tuple[str, ...]], bool]:
    """Walk a listing as core does: stop at an error or a cursor seen before.

    Returns:
        The identities found, and whether the listing claims to be whole.

    Raises:
        AssertionError: the plugin raises something else, or goes on for ever with
            cursors that are new each time.
    """
    found: set[tuple[str, ...]] = set()
    whole = True
    for scope in scopes(harness, name):
        try:
            whole &= _scope(harness, name, scope, found)
        except EntrepotError as error:
            require(error.info.code, f"{name}: the error has no code")
            whole = False
    return found, whole


def _scope(
    harness: Harness,
    name: str,
    scope: dict[str, object],
    found: set[tuple[str, ...]],
) -> bool:
    cursor: str | None = None
    seen: set[str] = set()
    whole = True
    for _ in range(MOST):
        query = LISTINGS[name].query(cursor=cursor, page_size=SMALL_PAGE, **scope)
        page = harness.call(name, query)
        found |= {identity(name, record) for record in page.records()}
        whole = whole and bool(page.complete)
        cursor = page.next_cursor
        if cursor is None:
            return whole
        if cursor in seen:
            return False
        seen.add(cursor)
    raise AssertionError(f"{name} goes on for ever, each time with a new cursor")
