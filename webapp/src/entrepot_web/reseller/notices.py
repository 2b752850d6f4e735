"""What needs somebody: failing connections, plans that wait, runs that have ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.hub.connections.views import ConnectionView
from entrepot.hub.reconciliation.tables import ReconPlan, ReconRun
from entrepot.hub.sync.tables import SyncRun
from flask import Blueprint, Response, g, redirect, render_template, request
from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.i18n import choices, preferences
from entrepot_web.reseller.pages import connections_in_use, page, tagged
from entrepot_web.reseller.present import word
from entrepot_web.reseller.waiting import waiting

pages = Blueprint("console_notices", __name__)
READ = "notices"
"""Name of the preference that holds what a person has read."""

RECENT = timedelta(days=3)
MOST = 20
_TROUBLE = ("failed", "incomplete")
_OPEN_PLANS = ("draft", "approved", "stale", "failed", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that needs somebody, or that somebody waited for.

    Attributes:
        key: Stays the same as long as it is the same matter.
        kind: Colour and icon, as of a status.
        read: Whether the person has marked it as read.
    """

    key: str
    kind: str
    title: str
    text: str
    href: str
    at: datetime | None
    read: bool = False


@pages.get("/notices")
@signed_in()
def all_notices() -> Response:
    """Show everything that needs somebody, unread first."""
    return page("reseller/notices.html", "", found=notices(), topic="console")


@pages.get("/notices/bell")
@signed_in()
def bell() -> Response:
    """Give the bell its number and the modules theirs; asked for again and again."""
    unread = sum(not one.read for one in notices())
    html = render_template("reseller/_bell.html", unread=unread, waiting=waiting())
    return tagged(html)


@pages.post("/notices")
@signed_in()
def mark_read() -> WerkzeugResponse:
    """Mark one notice as read, or all; what no longer exists is forgotten."""
    keys = {one.key for one in notices()}
    asked = request.form.get("key")
    read = keys if asked is None else {asked} | set(_read())
    preferences().choose(actor(), READ, sorted(read & keys))
    g.pop("choices", None)
    return redirect("/notices", 303)


def notices() -> Sequence[Notice]:
    """Return what needs the person who looks, unread and newest first."""
    known = set(_read())
    found = [
        Notice(
            key=one.key,
            kind=one.kind,
            title=one.title,
            text=one.text,
            href=one.href,
            at=one.at,
            read=one.key in known,
        )
        for one in _collected()
    ]
    oldest = datetime.min.replace(tzinfo=hub().clock.now().tzinfo)
    found.sort(key=lambda one: one.at or oldest, reverse=True)
    return sorted(found, key=lambda one: one.read)


def _read() -> Sequence[str]:
    kept = choices().get(READ)
    return kept if isinstance(kept, list) else []


def _collected() -> Iterator[Notice]:
    may = actor().may
    connections = connections_in_use() if may("connections:read") else []
    yield from _parked(connections)
    with hub().store.read(scope()) as session:
        if may("sync:read"):
            names = {one.id: one.name for one in connections}
            active = {one.id for one in connections if one.state == "active"}
            yield from _troubled(session, names, active)
            yield from _own_readings(session, names)
        if may("reconciliations:read"):
            yield from _plans(session)
            yield from _own_comparisons(session)


def _parked(connections: Sequence[ConnectionView]) -> Iterator[Notice]:
    for one in connections:
        if one.parked is not None:
            yield Notice(
                key=f"parked:{one.id}:{one.parked.at:%Y%m%dT%H%M%S}",
                kind="bad",
                title=gettext("%(name)s stands still", name=one.name),
                text=" ".join((one.parked.message, one.parked.remedy)).strip(),
                href=f"/connections/{one.id}",
                at=one.parked.at,
            )


def _troubled(
    session: Session, names: dict[str, str], active: set[str]
) -> Iterator[Notice]:
    """Yield connections whose last reading failed or stayed incomplete."""
    last = (
        select(SyncRun.connection_id, func.max(SyncRun.created_at).label("at"))
        .where(SyncRun.ended_at.is_not(None), SyncRun.mode != "customer")
        .group_by(SyncRun.connection_id)
        .subquery()
    )
    query = (
        select(SyncRun)
        .join(
            last,
            (SyncRun.connection_id == last.c.connection_id)
            & (SyncRun.created_at == last.c.at),
        )
        .where(SyncRun.state.in_(_TROUBLE))
        .limit(MOST)
    )
    for run in session.scalars(query):
        if run.connection_id not in active:
            continue
        title = gettext("%(name)s could not be read", name=names[run.connection_id])
        if run.state == "incomplete":
            title = gettext(
                "%(name)s was read incompletely", name=names[run.connection_id]
            )
        yield Notice(
            key=f"trouble:{run.id}",
            kind="bad" if run.state == "failed" else "warn",
            title=title,
            text=" ".join(
                (run.error_text or run.incomplete_reason, run.remedy)
            ).strip(),
            href=f"/sync-runs/{run.id}",
            at=run.ended_at,
        )


def _own_readings(session: Session, names: dict[str, str]) -> Iterator[Notice]:
    """Yield the readings that the person started and that have ended well."""
    query = (
        select(SyncRun)
        .where(
            SyncRun.requested_by == g.user.name,
            SyncRun.ended_at > hub().clock.now() - RECENT,
            SyncRun.state.not_in(_TROUBLE),
        )
        .order_by(SyncRun.created_at.desc())
        .limit(MOST)
    )
    for run in session.scalars(query):
        name = names.get(run.connection_id, run.connection_id)
        yield Notice(
            key=f"read:{run.id}",
            kind=word("run", run.state).kind,
            title=gettext("Your reading of %(name)s has ended", name=name),
            text=word("run", run.state).text,
            href=f"/sync-runs/{run.id}",
            at=run.ended_at,
        )


def _own_comparisons(session: Session) -> Iterator[Notice]:
    query = (
        select(ReconRun)
        .where(
            ReconRun.requested_by == g.user.name,
            ReconRun.ended_at > hub().clock.now() - RECENT,
        )
        .order_by(ReconRun.created_at.desc())
        .limit(MOST)
    )
    for run in session.scalars(query):
        yield Notice(
            key=f"compared:{run.id}",
            kind="ok" if run.state == "ok" else "warn",
            title=gettext("Your comparison has ended"),
            text=run.because or run.brake,
            href=f"/reconciliation/runs/{run.id}",
            at=run.ended_at,
        )


def _plans(session: Session) -> Iterator[Notice]:
    titles = {
        "draft": ("hold", gettext("A plan waits for approval")),
        "approved": ("hold", gettext("An approved plan waits to be applied")),
        "stale": ("warn", gettext("A plan is out of date")),
        "failed": ("bad", gettext("A plan failed")),
        "unknown": ("bad", gettext("The outcome of a plan is unknown")),
    }
    query = (
        select(ReconPlan)
        .where(ReconPlan.state.in_(_OPEN_PLANS))
        .order_by(ReconPlan.id.desc())
        .limit(MOST)
    )
    for plan in session.scalars(query):
        kind, title = titles[plan.state]
        yield Notice(
            key=f"plan:{plan.id}:{plan.state}",
            kind=kind,
            title=title,
            text=plan.message or gettext("Made by %(name)s", name=plan.created_by),
            href=f"/reconciliation/plans/{plan.id}",
            at=plan.ended_at or plan.approved_at or plan.created_at,
        )
