"""Reconciliation: the verdict, the differences in lists and groups, the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from entrepot.hub.mapping.views import Progress
from entrepot.hub.psa.tables import PsaCompany, PsaProductRow
from entrepot.hub.reconciliation.queries import IssueQuery, names_of, with_names
from entrepot.hub.reconciliation.rules.kinds import CATALOGUE
from entrepot.hub.reconciliation.views import GroupView, RunView
from entrepot.sdk.errors import EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.api.issues import issue_shapes
from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, parts, scope
from entrepot_web.core_words import told
from entrepot_web.criteria import Criterion
from entrepot_web.lists.reconciliation import ISSUES
from entrepot_web.reseller.differences import find_issue, shown
from entrepot_web.reseller.issue_columns import COLUMNS, CUSTOMER
from entrepot_web.reseller.pages import asked, chosen, list_view, marks, page, sentence
from entrepot_web.reseller.tables import Sheet, export

pages = Blueprint("console_reconciliation", __name__)
GROUPS = ("customer", "kind", "product")
MOST_GROUPS = 100
WORKING = ("draft", "approved", "applying", "verifying")


@dataclass(frozen=True, slots=True)
class Covered:
    """How much of what is bought was compared.

    Attributes:
        compared: Subscriptions that stand on a line or should.
        skipped: Subscriptions that could not be compared.
        blocked: Companies and customers that could not be judged.
    """

    compared: int
    skipped: int
    blocked: int

    @property
    def everything(self) -> int:
        """Compared or not."""
        return self.compared + self.skipped

    @property
    def percent(self) -> Decimal:
        """Share of what was compared, rounded down: 100 means all; 0 of nothing."""
        return Decimal(1000 * self.compared // max(1, self.everything)) / 10


@pages.get("/reconciliation")
@signed_in("reconciliations:read")
def workbench() -> Response:
    """Show the verdict and the differences, those that cost most first."""
    psas = hub().connections.list(actor(), kind="psa")
    if not psas:
        return page("reseller/reconciliation_empty.html", "reconciliation")
    psa = _psa(tuple(one.id for one in psas))
    state = request.args.get("show", "open")
    group = request.args.get("group", "")
    opened = request.args.get("open", "")
    values: dict[str, Any] = {"groups": None, "view": None, "issues": ()}
    if group in GROUPS:
        values["groups"] = _groups(psa, state, group)
    else:
        view = list_view(ISSUES, _criteria(psa))
        with hub().store.read(scope()) as session:
            values |= {"view": view, "issues": issue_shapes(session, view.rows)}
    return page(
        "reseller/reconciliation.html",
        "reconciliation",
        psa=psa,
        psas=psas,
        run=_latest(psa),
        totals=hub().reconciliation.totals(actor(), IssueQuery(psa_connection_id=psa)),
        covered=_covered(hub().reconciliation.coverage(actor(), psa)),
        progress=_progress(psa) if actor().may("mappings:read") else None,
        plans=hub().reconciliation.plans(actor(), states=WORKING, limit=5).items,
        opened=shown(find_issue(opened)) if opened else None,
        shown=state,
        group=group if group in GROUPS else "",
        kinds=[(str(kind), told(info.title)) for kind, info in CATALOGUE.items()],
        narrowed=_narrowed(psa),
        text=_text(),
        zero=Decimal(0),
        marks=marks(),
        **values,
    )


def _covered(outcomes: Iterable[Mapping[str, Any]]) -> Covered:
    found = list(outcomes)
    return Covered(
        compared=sum(one["subscriptions"] for one in found),
        skipped=sum(one["skipped"] for one in found),
        blocked=sum(one["scopes"] for one in found if one["outcome"] == "incomplete"),
    )


def _progress(psa: str) -> Progress:
    """Return how much mapping is undecided, as of some seconds ago at most."""
    return parts().kept.read(
        ("mapping", actor().tenant_id, psa),
        lambda: hub().mapping.progress(actor(), psa),
    )


@pages.get("/reconciliation/export")
@pages.get("/reconciliation/export.xlsx")
@signed_in("reconciliations:read")
def export_issues() -> Response:
    """Return the differences of the screen as a file, all of them."""
    psas = tuple(one.id for one in hub().connections.list(actor(), kind="psa"))
    if not psas:
        abort(404)
    psa = _psa(psas)
    sheet = Sheet(
        name="differences",
        listing=ISSUES,
        first=CUSTOMER,
        columns=COLUMNS,
        usual=tuple(column.key for column in COLUMNS),
        beside=_names_beside,
    )
    return export(sheet, asked(ISSUES, _criteria(psa)), COLUMNS)


@pages.post("/reconciliation")
@signed_in("reconciliations:write")
def compare() -> WerkzeugResponse:
    """Compare again, the next invoice or closed periods as well."""
    psa = request.form.get("psa", "")
    level = 2 if request.form.get("level") == "2" else 1
    wanted = request.form.get("scope", "all")
    try:
        ref = hub().reconciliation.start(actor(), psa, wanted, level=level)
    except NotFound:
        abort(404)
    except EntrepotError as error:
        flash(sentence(error), "warn")
        return redirect("/reconciliation", 303)
    return redirect(f"/reconciliation/runs/{ref.run_id}", 303)


def _psa(known: tuple[str, ...]) -> str:
    psa = request.args.get("psa", known[0])
    if psa not in known:
        abort(404)
    return psa


def _criteria(psa: str) -> list[Criterion]:
    criteria = [
        Criterion("psa_connection_id", "eq", (psa,)),
        *chosen(
            ISSUES, "kind", "severity", "company_id", "product_id", "sku",
            "vendor_customer_id",
        ),
    ]  # fmt: skip
    text = _text()
    if text:
        criteria.append(Criterion("named", "eq", (text,)))
    state = request.args.get("show", "open")
    if state in ("open", "closed"):
        criteria.append(Criterion("is_open", "eq", (state == "open",)))
    return criteria


def _text() -> str:
    return request.args.get("named", "").replace("\0", "").strip()[:200]


def _groups(psa: str, state: str, group: str) -> Sequence[GroupView]:
    known = {"open": True, "closed": False}
    query = IssueQuery(
        psa_connection_id=psa,
        open=known.get(state),
        kinds=tuple(request.args.getlist("kind")),
        severities=tuple(request.args.getlist("severity")),
        limit=MOST_GROUPS,
    )
    return hub().reconciliation.groups(actor(), query, group)


def _narrowed(psa: str) -> str:
    """Return the name of the company or product that the address narrows to."""
    for name, table in (("company_id", PsaCompany), ("product_id", PsaProductRow)):
        value = request.args.get(name, "")
        if value:
            query = select(table.name).where(
                table.connection_id == psa, table.vendor_id == value
            )
            with hub().store.read(scope()) as session:
                return session.scalar(query) or value
    return request.args.get("vendor_customer_id") or request.args.get("sku", "")


def _names_beside(session: Session, rows: Sequence[Any]) -> dict[str, Any]:
    found = [row[0] for row in rows]
    names = names_of(session, actor().tenant_id, found)
    return {row.id: with_names(row, names) for row in found}


def _latest(psa: str) -> RunView | None:
    found = hub().reconciliation.runs(actor(), psa_connection_id=psa, limit=1).items
    return found[0] if found else None
