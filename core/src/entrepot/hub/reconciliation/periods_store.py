"""Closed periods: what lines carried when they were invoiced, and what is settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.psa.tables import PsaAgreement, PsaLineFact
from entrepot.hub.psa.tables import PsaLine as LineRow
from entrepot.hub.reconciliation import rows
from entrepot.hub.reconciliation.rules.lock import period_of
from entrepot.hub.reconciliation.rules.psa_records import (
    Agreement,
    PsaLine,
    QuantityUntil,
    Settled,
)
from entrepot.hub.reconciliation.tables import GapLedger
from entrepot.sdk.model import BillingMode
from entrepot.store.facts import GONE

_CHUNK = 5_000
_DAY = timedelta(days=1)


def with_history(
    session: Session,
    lines: Sequence[PsaLine],
    found: Sequence[LineRow],
    agreements: Iterable[PsaAgreement],
    zone: str,
) -> tuple[PsaLine, ...]:
    """Lines with the quantities they carried when closed periods were invoiced.

    Args:
        session: For reading.
        lines: As they are now, of the rows in `found`.
        found: Their rows.
        agreements: Their agreements, with the periods that were invoiced.
        zone: Billing zone.
    """
    facts = _facts(session, {row.id: row.vendor_id for row in found})
    stages = {row.vendor_id: _Invoices(row, ZoneInfo(zone)) for row in agreements}
    made = []
    for line in lines:
        stage = stages.get(line.agreement)
        earlier = stage.earlier(facts.get(line.id, ())) if stage is not None else ()
        made.append(replace(line, earlier=earlier) if earlier else line)
    return tuple(made)


Step = tuple[datetime, Decimal]
"""Since when a line carried a quantity."""


def _facts(session: Session, ids: Mapping[str, str]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = defaultdict(list)
    wanted = sorted(ids)
    for start in range(0, len(wanted), _CHUNK):
        facts = session.execute(
            select(PsaLineFact.object_id, PsaLineFact.valid_from, PsaLineFact.payload)
            .where(
                PsaLineFact.object_id.in_(wanted[start : start + _CHUNK]),
                PsaLineFact.change != GONE,
            )
            .order_by(PsaLineFact.object_id, PsaLineFact.known_at)
        )
        for fact in facts:
            quantity = Decimal(str(fact.payload["quantity"]))
            found[ids[fact.object_id]].append((fact.valid_from, quantity))
    return found


class _Invoices:
    """When which days of an agreement were invoiced.

    Args:
        row: The agreement.
        zone: Billing zone.
    """

    def __init__(self, row: PsaAgreement, zone: ZoneInfo) -> None:
        self._zone = zone
        self._agreement: Agreement = rows.agreement_of(row)
        self._written = sorted(
            (
                date.fromisoformat(one["invoiced_on"]),
                date.fromisoformat(one["last_day"]),
            )
            for one in row.lock_periods
            if one.get("invoiced_on") and one.get("last_day")
        )

    def earlier(self, steps: Sequence[Step]) -> tuple[QuantityUntil, ...]:
        """The quantities before each change, up to the last day invoiced with them."""
        found: list[QuantityUntil] = []
        through = self._agreement.locked_through
        for (_, before), (moment, after) in pairwise(steps):
            if before == after or through is None:
                continue
            last = min(self._invoiced_by(moment), through)
            if not found or last > found[-1].until:
                found.append(QuantityUntil(until=last, quantity=before))
        return tuple(found)

    def _invoiced_by(self, moment: datetime) -> date:
        """Last day invoiced by a moment: as the invoices say, else as is usual."""
        day = moment.astimezone(self._zone).date()
        told = [last for on, last in self._written if on <= day]
        if told:
            return max(told)
        here = period_of(self._agreement, day)
        arrears = self._agreement.billing_mode is BillingMode.ARREARS
        return here.start - _DAY if arrears else here.last_day


def settled_of(
    session: Session, tenant_id: str, psa_connection_id: str, companies: Sequence[str]
) -> tuple[Settled, ...]:
    """What catch-ups settled of some companies' closed periods."""
    found = session.scalars(
        select(GapLedger)
        .where(
            GapLedger.tenant_id == tenant_id,
            GapLedger.psa_connection_id == psa_connection_id,
            GapLedger.company_id.in_(companies),
        )
        .order_by(GapLedger.id)
    )
    return tuple(
        Settled(
            agreement=row.agreement_id,
            product=row.product_id,
            period_start=row.period_start,
            unit_days=row.unit_days,
            amount=row.amount,
        )
        for row in found
    )
