"""Which SKUs are in use: kept beside subscriptions, so that nobody reads them all.

Whoever writes subscriptions notes what they were and what they are; the differences
are summed and written by the same transaction. `recount` corrects what has drifted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from entrepot.hub.subscriptions.tables import SubscriptionRow, SubscriptionSku
from entrepot.sdk.model import ScheduledKind
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

SOLD = ("active", "suspended", "pending", "unknown")
"""Statuses in which somebody has a subscription."""

_VARIANT = ("sku", "product_id", "term", "billing_cycle", "name")
COUNTED = (*_VARIANT, "status", "billed", "scheduled")
"""The columns that decide what a subscription counts for, as tallies read them."""

_COUNTS = ("n_live", "n_billed", "n_planned")
_S: Any = SubscriptionRow.__table__.c
_TABLE: Any = SubscriptionSku.__table__
_T = _TABLE.c
_LIVE = (_S.gone_at.is_(None), _S.status.in_(SOLD))

Variant = tuple[str, str, str, str, str]
"""SKU, product id, term, billing cycle and name."""


@dataclass(frozen=True, slots=True)
class Tallied:
    """Which of a row's values decide what it counts for, and where they stand.

    Attributes:
        plain: Picks variant, status and whether it is billed from a row of values.
        scheduled: Position of what is planned in a row of values.
    """

    plain: itemgetter[Any]
    scheduled: int

    @classmethod
    def of(cls, columns: Sequence[str]) -> Tallied:
        """Make the positions for rows with these columns."""
        *plain, scheduled = map(columns.index, COUNTED)
        return cls(itemgetter(*plain), scheduled)


_READ = Tallied.of(COUNTED)


class SkuTally:
    """Sums what a batch changes of a connection's SKUs.

    Args:
        written: Where the values stand in rows that are written.
    """

    def __init__(self, written: Tallied) -> None:
        self._written = written
        self._sums: dict[Variant, list[int]] = {}

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Count rows that stand from now on."""
        self._note(self._written, rows, 1)

    def drop(self, rows: Sequence[Sequence[Any]]) -> None:
        """Count rows, as they were read, that stand no longer."""
        self._note(_READ, rows, -1)

    def write(self, connection: Connection, tenant_id: str, connection_id: str) -> int:
        """Write the differences; returns how many SKUs' counts changed."""
        return write(connection, tenant_id, connection_id, self._sums)

    def _note(self, places: Tallied, rows: Sequence[Sequence[Any]], sign: int) -> None:
        at = places.scheduled
        for (*variant, status, billed), count in Counter(
            map(places.plain, rows)
        ).items():
            if status in SOLD:
                sums = (sign * count, sign * count * bool(billed), 0)
                _plus(self._sums, tuple(variant), sums)
        for row in rows:
            if row[at]:
                *variant, status, _ = places.plain(row)
                for planned in planned_of(variant, row[at]) if status in SOLD else ():
                    _plus(self._sums, planned, (0, 0, sign))


def planned_of(
    variant: Sequence[str], scheduled: Iterable[Mapping[str, Any]]
) -> Iterator[Variant]:
    """Return what a subscription becomes at its next term, where that is planned."""
    sku, product_id, term, billing_cycle, name = variant
    for change in scheduled:
        if change.get("kind") == ScheduledKind.NEXT_TERM:
            then = change.get("sku") or sku
            yield (
                then,
                product_id,
                change.get("term") or term,
                change.get("billing_cycle") or billing_cycle,
                name if then == sku else then,
            )


def write(
    connection: Connection,
    tenant_id: str,
    connection_id: str,
    sums: Mapping[Variant, Sequence[int]],
) -> int:
    """Add differences to the counts of a connection; what nobody has is deleted.

    Args:
        connection: In a transaction.
        tenant_id: Whose counts.
        connection_id: Of which connection.
        sums: By variant what to add to its three counts.

    Returns:
        How many counts changed.
    """
    # In one order, so that two writers don't wait for each other in a circle.
    rows: list[dict[str, Any]] = sorted(
        (
            {
                "id": _key(connection_id, variant),
                "tenant_id": tenant_id,
                "connection_id": connection_id,
                **dict(zip(_VARIANT, variant, strict=True)),
                **dict(zip(_COUNTS, counts, strict=True)),
            }
            for variant, counts in sums.items()
            if any(counts)
        ),
        key=lambda row: str(row["id"]),
    )
    if not rows:
        return 0
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = dialect.insert(_TABLE)
    added = added.on_conflict_do_update(
        index_elements=["id"],
        set_={name: _T[name] + added.excluded[name] for name in _COUNTS},
    )
    connection.execute(added, rows)
    if any(row[name] < 0 for row in rows for name in _COUNTS):
        connection.execute(
            delete(_TABLE).where(
                _T.tenant_id == tenant_id,
                _T.connection_id == connection_id,
                *(_T[name] == 0 for name in _COUNTS),
            )
        )
    return len(rows)


def rows_to_drop(
    connection: Connection, tenant_id: str, ids: Sequence[str]
) -> Sequence[Any]:
    """Return what some subscriptions count for, those that are gone left out."""
    return connection.execute(
        select(*(_S[name] for name in COUNTED))
        .where(_S.tenant_id == tenant_id, _S.id.in_(ids), _S.gone_at.is_(None))
        .with_for_update()
    ).all()


def recount(store: Store, tenant_id: str) -> int:
    """Correct a reseller's counts; returns how many were wrong.

    Read in a snapshot and written as differences: what a sync adds meanwhile stays.
    """
    scope = TenantScope(tenant_id)
    with store.read(scope) as session:
        connection = session.connection()
        found = _counted(connection, tenant_id)
        for row in connection.execute(
            select(
                _T.connection_id,
                *(_T[name] for name in _VARIANT),
                *(_T[name] for name in _COUNTS),
            ).where(_T.tenant_id == tenant_id)
        ):
            kept = found.setdefault(row[0], {})
            _plus(kept, tuple(row[1:6]), [-one for one in row[6:]])
    wrong = {
        key: {variant: sums for variant, sums in kept.items() if any(sums)}
        for key, kept in found.items()
    }
    if not any(wrong.values()):
        return 0
    with store.unit(scope) as session:
        connection = session.connection()
        return sum(
            write(connection, tenant_id, key, sums)
            for key, sums in sorted(wrong.items())
        )


_Sums = dict[str, dict[Variant, list[int]]]


def _counted(connection: Connection, tenant_id: str) -> _Sums:
    """What all subscriptions together count for, by connection."""
    found: _Sums = {}
    columns = (_S.connection_id, *(_S[name] for name in _VARIANT))
    own = (_S.tenant_id == tenant_id, *_LIVE)
    for row in connection.execute(
        select(*columns, _S.billed, func.count())
        .where(*own)
        .group_by(*columns, _S.billed)
    ):
        count = row[-1]
        sums = (count, count * bool(row[-2]), 0)
        _plus(found.setdefault(row[0], {}), tuple(row[1:6]), sums)
    for row in connection.execute(
        select(*columns, _S.scheduled).where(*own, _S.scheduled != [])
    ):
        for planned in planned_of(row[1:6], row[6]):
            _plus(found.setdefault(row[0], {}), planned, (0, 0, 1))
    return found


def _plus(found: dict[Variant, list[int]], variant: Any, sums: Sequence[int]) -> None:  # noqa: ANN401 - a Variant
    kept = found.setdefault(variant, [0, 0, 0])
    for at, count in enumerate(sums):
        kept[at] += count


def _key(connection_id: str, variant: Variant) -> str:
    text = json.dumps((connection_id, *variant), ensure_ascii=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()
