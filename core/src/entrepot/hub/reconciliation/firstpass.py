"""The first look, in the database: only what differs is compared in detail."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from entrepot.hub.reconciliation.loading import Base
from entrepot.hub.reconciliation.rules.results import Outcome, Verdict
from entrepot.hub.reconciliation.scopes import Subject
from entrepot.hub.reconciliation.tables import ReconRun


def first_pass(
    session: Session, base: Base, subjects: Sequence[Subject], row: ReconRun
) -> tuple[list[Subject], Verdict]:
    """Subjects that need a detailed look, and what the sums covered."""
    del session, base, row
    return list(subjects), Verdict(outcome=Outcome.NOT_EXAMINED)
