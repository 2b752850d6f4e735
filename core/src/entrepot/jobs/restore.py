"""After a restore: find out what became of the writes that were under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from entrepot.jobs.intent import Probed
from entrepot.jobs.intents import Intent, IntentBook
from entrepot.sdk.errors import EntrepotError
from entrepot.store.base import SYSTEM_TENANT
from entrepot.store.scope import SystemScope, TenantScope
from entrepot.store.state import writes_paused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from entrepot.jobs.facade import Jobs
    from entrepot.jobs.submit import RunRef

RESUME_JOB = "resume_writes"
"""Registered by the application: looks up what may have gone out, then resumes."""


def ask_to_resume(jobs: Jobs) -> None:
    """Submit the job that resumes writes, when they are paused and it is registered."""
    if RESUME_JOB not in jobs.registry:
        return
    with jobs.store.read(SystemScope("restore")) as session:
        if writes_paused(session) is None:
            return
    with jobs.store.unit(TenantScope(SYSTEM_TENANT)) as session:
        submit_resume(jobs, session)


def submit_resume(jobs: Jobs, session: Session) -> RunRef:
    """Submit the job that resumes writes, or join the one that waits or runs."""
    return jobs.submit(
        session,
        RESUME_JOB,
        run_id=f"{RESUME_JOB}:{uuid4().hex}",
        exclusive=RESUME_JOB,
        cause="restored",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSummary:
    """What probing found.

    Attributes:
        done: References the other side has.
        unsent: References it certainly does not have; a retry sends them.
        unknown: References nobody can tell about; a person must decide.
    """

    done: tuple[str, ...]
    unsent: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def clear(self) -> bool:
        """Whether no write is left in doubt."""
        return not self.unknown


def probe_open_intents(
    book: IntentBook, probe: Callable[[Intent], Probed], tenant_id: str | None = None
) -> ProbeSummary:
    """Ask the other side about every open write.

    Args:
        book: The journal.
        probe: Searches by the intent's reference on its connection.
        tenant_id: One reseller's only, or None for all.

    Returns:
        The references by outcome; a probe that fails leaves its intent in doubt.
    """
    found: dict[str, list[str]] = {"done": [], "unsent": [], "unknown": []}
    for intent in book.open_intents(tenant_id):
        found[_probe_one(book, probe, intent)].append(intent.reference)
    return ProbeSummary(**{state: tuple(names) for state, names in found.items()})


def _probe_one(
    book: IntentBook, probe: Callable[[Intent], Probed], intent: Intent
) -> str:
    try:
        seen = probe(intent)
    except EntrepotError as error:
        columns = {"error_code": error.code[:120], "error_text": error.user_message}
        return book.finish(intent, "unknown", columns).state
    if seen.found is None:
        return book.finish(intent, "unknown", {}).state
    if not seen.found:
        return book.finish(intent, "unsent", {"error_code": "not_found"}).state
    found = {
        "vendor_reference": seen.vendor_reference,
        "answer": seen.answer,
        "error_code": None,
    }
    return book.finish(intent, "done", found).state
