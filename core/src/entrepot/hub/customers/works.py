"""Many customers at once: durable work with progress and an outcome for every row.

A job does it in parts. Each part and its outcomes are one unit of work: after a crash
no row is done twice and none is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from entrepot.hub.customers.importing import CheckedLines, CustomerImports
from entrepot.hub.customers.parts import Acts
from entrepot.hub.customers.previews import Difference, differences, to_change
from entrepot.hub.customers.price_books import require_book
from entrepot.hub.customers.records import CustomerWork, CustomerWorkPart
from entrepot.hub.customers.rules import plain
from entrepot.hub.customers.work_rows import (
    RIGHT,
    WorkView,
    actor_of,
    require_work,
    who,
)
from entrepot.jobs.facade import Jobs
from entrepot.jobs.queues import REQUESTED
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

JOB = "customer_work"
INLINE = 200
"""Rows up to which a request does the work itself."""
MOST = 200_000
PART = 250


class CustomerWorks:
    """Use cases of doing something to many customers.

    Args:
        store: The hub's database.
        clock: Time.
        jobs: Durable work; None where nothing is submitted.
        imports: Checks and takes in lines of files.
    """

    def __init__(
        self, store: Store, clock: Clock, jobs: Jobs | None, imports: CustomerImports
    ) -> None:
        self._store = store
        self._clock = clock
        self._jobs = jobs
        self._imports = imports
        self._acts = Acts(clock, imports)

    def assign(self, actor: Actor, book_id: str | None, ids: Sequence[str]) -> str:
        """Give customers a price book, or none; returns the work's id.

        Raises:
            NotFound: There is no such price book.
            Rejected: There are none, or too many.
        """
        actor.require(RIGHT)
        name = ""
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            if book_id is not None:
                name = require_book(session, book_id).name
        return self._begin(actor, "price_book", name, {"book": book_id}, list(ids))

    def edit(
        self,
        actor: Actor,
        fields: Mapping[str, str],
        custom: Mapping[str, str],
        ids: Sequence[str],
        *,
        preview: bool = False,
    ) -> str:
        """Set fields of customers; returns the work's id.

        Args:
            actor: Needs ``customers:write``.
            fields: New values by name, of all of them alike.
            custom: New values of custom fields, by field id.
            ids: Of whom.
            preview: Only find out what would become of each; `carry_out` does it.

        Raises:
            Rejected: There are none, or too many; nothing is to be set.
        """
        actor.require(RIGHT)
        if not fields and not custom:
            raise Rejected(
                "nothing_to_set",
                "Nothing is to be changed.",
                remedy="Tick at least one field.",
            )
        settings = {"fields": dict(fields), "custom": dict(custom)}
        return self._begin(actor, "edit", "", settings, list(ids), dry_run=preview)

    def carry_out(self, actor: Actor, work_id: str) -> str:
        """Do what a preview showed, to those that it would change; a new work's id.

        Raises:
            NotFound: There is no such preview.
            Rejected: It hasn't ended well, or it would change nobody.
        """
        view = self.get(actor, work_id)
        if view.kind != "edit" or not view.dry_run:
            raise NotFound("no_such_work", "There is no such preview.")
        if view.state != "done":
            raise Rejected(
                "preview_unfinished",
                "The preview hasn't ended.",
                remedy="Wait for its end, or begin a new one.",
            )
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            ids = to_change(session, work_id)
        settings = dict(view.settings)
        return self.edit(actor, settings["fields"], settings["custom"], ids)

    def differences(
        self, actor: Actor, work_id: str, ids: Sequence[str]
    ) -> Mapping[str, Sequence[Difference]]:
        """What setting the work's fields would change of customers, as they are now.

        Args:
            actor: Needs ``customers:write``.
            work_id: Work of the kind ``edit``; any other changes nothing.
            ids: Of whom, at most a part.

        Raises:
            NotFound: There is no such work.
        """
        view = self.get(actor, work_id)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return differences(session, view.settings, ids)

    def take_in(self, actor: Actor, *, name: str, text: str, dry_run: bool) -> str:
        """Check a long file of customers, or take it in; returns the work's id.

        Raises:
            Rejected: The file can't be read at all, or has too many lines.
        """
        actor.require(RIGHT)
        lines = self._imports.read(actor, text, most=MOST)
        told = plain(name)[:200] or "customers.csv"
        return self._begin(actor, "import", told, {}, lines, dry_run=dry_run)

    def get(self, actor: Actor, work_id: str) -> WorkView:
        """How far some work is.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require(RIGHT)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = require_work(session, work_id)
            names = WorkView.__dataclass_fields__
            found = WorkView(**{name: getattr(row, name) for name in names})
        return found if found.ended_at is not None else self._as_run(actor, found)

    def _as_run(self, actor: Actor, found: WorkView) -> WorkView:
        """The work as its run ended, where that never came to close it."""
        if self._jobs is None:
            return found
        run = self._jobs.runs.get(TenantScope(actor.tenant_id), found.id)
        if run.active:
            return found
        state = run.state if run.state in ("cancelled", "failed") else found.state
        return replace(
            found, state=state, ended_at=run.ended_at, problem=run.error_text or ""
        )

    def rows(
        self, actor: Actor, work_id: str, part: int
    ) -> Sequence[Mapping[str, Any]]:
        """The outcomes of one part, from 0; empty when it isn't done or isn't there.

        Raises:
            NotFound: There is no such work.
        """
        actor.require(RIGHT)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            require_work(session, work_id)
            found = session.get(CustomerWorkPart, (work_id, part))
            return tuple(found.rows or ()) if found is not None else ()

    def work(self, tenant_id: str, work_id: str) -> dict[str, Any]:
        """Do the next part; says how far it is and whether something is left."""
        with self._store.unit(TenantScope(tenant_id)) as session:
            row = require_work(session, work_id)
            part = session.scalars(
                select(CustomerWorkPart)
                .where(
                    CustomerWorkPart.work_id == work_id,
                    CustomerWorkPart.rows.is_(None),
                )
                .order_by(CustomerWorkPart.number)
                .limit(1)
                .with_for_update()
            ).first()
            if part is not None:
                self._do(session, row, part)
            left = row.done < row.total
            return {"done": row.done, "total": row.total, "left": left}

    def _do(self, session: Session, row: CustomerWork, part: CustomerWorkPart) -> None:
        lines = part.lines
        nested = session.begin_nested()
        rows = self._acts.do(session, actor_of(row), row.kind, row.settings, lines)
        if row.dry_run:
            nested.rollback()
            for one in rows:
                one["customer_id"] = one["customer_id"] and _known(one)
        else:
            nested.commit()
        part.rows, part.lines = rows, []
        counts = Counter(row.counts)
        counts.update(one["outcome"] for one in rows)
        row.counts, row.done = dict(counts), row.done + len(lines)

    def close(
        self, tenant_id: str, work_id: str, state: str, problem: str = ""
    ) -> dict[str, Any]:
        """Put on record that the work ended; its counts come back.

        Args:
            tenant_id: Whose.
            work_id: Which.
            state: ``done``, ``failed`` or ``cancelled``.
            problem: Why it failed.
        """
        with self._store.unit(TenantScope(tenant_id)) as session:
            row = require_work(session, work_id)
            if row.ended_at is None:
                row.state, row.problem = state, problem
                row.ended_at = self._clock.now()
                parts = select(CustomerWorkPart).where(
                    CustomerWorkPart.work_id == work_id,
                    CustomerWorkPart.rows.is_(None),
                )
                for part in session.scalars(parts):
                    part.lines = []
                audit(
                    session,
                    actor_of(row),
                    action=f"customer.work.{row.kind}",
                    subject=("customer_work", work_id),
                    after={"state": state, "counts": row.counts, "of": row.total},
                )
            return dict(row.counts)

    def _begin(
        self,
        actor: Actor,
        kind: str,
        name: str,
        settings: dict[str, Any],
        lines: Sequence[Any] | CheckedLines,
        *,
        dry_run: bool = False,
    ) -> str:
        if not lines or len(lines) > MOST:
            raise Rejected(
                "too_many_rows" if lines else "no_rows",
                f"At most {MOST} rows at once." if lines else "There are no rows.",
                remedy="Narrow the list, or split the file.",
            )
        work_id = new_id("cwk")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            session.add(
                CustomerWork(
                    id=work_id,
                    tenant_id=actor.tenant_id,
                    kind=kind,
                    name=name,
                    dry_run=dry_run,
                    state="running",
                    settings=settings,
                    counts={},
                    total=len(lines),
                    done=0,
                    actor=who(actor),
                    created_by=actor.name[:120],
                    created_at=self._clock.now(),
                )
            )
            coming = iter(lines)
            for number in range(-(-len(lines) // PART)):
                part = CustomerWorkPart(
                    work_id=work_id,
                    number=number,
                    tenant_id=actor.tenant_id,
                    lines=list(islice(coming, PART)),
                )
                session.add(part)
                session.flush()
                session.expunge(part)
            self._submit(session, actor, work_id)
        return work_id

    def _submit(self, session: Session, actor: Actor, work_id: str) -> None:
        if self._jobs is not None:
            self._jobs.submit(
                session,
                JOB,
                run_id=work_id,
                args={"work_id": work_id},
                priority=REQUESTED,
                subject=work_id,
                requested_by=actor.name,
                cause="button",
            )


def _known(row: Mapping[str, Any]) -> str | None:
    """A dry run's row names a customer only if there was one before."""
    return str(row["customer_id"]) if row["outcome"] != "created" else None
