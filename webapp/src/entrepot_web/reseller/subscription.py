"""One subscription: as it is and as it was, what its plugin adds, what the vendor says.

Every tab has an address of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.hub.subscriptions.notes import LONGEST
from entrepot.hub.subscriptions.panels import Layout
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.sdk.errors import Conflict, EntrepotError, NotFound
from flask import Blueprint, Response, abort, flash, redirect, request
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from entrepot_web.auth.sessions import signed_in
from entrepot_web.context import actor, hub, scope
from entrepot_web.lists.subscriptions import SUBSCRIPTIONS
from entrepot_web.reseller.pages import marks, page, sentence
from entrepot_web.reseller.subscription_facts import (
    contact,
    history,
    layout,
    prices,
    record,
)
from entrepot_web.reseller.subscription_past import (
    compared,
    label,
    licences,
    step_of,
)

pages = Blueprint("console_subscription", __name__)
HISTORY_ROWS = 500


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of a subscription with its address."""

    key: str
    title: str
    href: str


@pages.get("/subscriptions/<subscription_id>")
@signed_in("subscriptions:read")
def subscription(subscription_id: str) -> Response:
    """Show one subscription, as it is and as it was."""
    return _details(subscription_id)


@pages.get("/subscriptions/<subscription_id>/tabs/<name>")
@signed_in("subscriptions:read")
def subscription_tab(subscription_id: str, name: str) -> Response:
    """Show one of the groups of facts that the plugin adds."""
    frame = subscription_frame(subscription_id, name)
    shown = [one for one in frame["layout"].tabs if one.name == name]
    if not shown:
        abort(404)
    return page(
        "reseller/subscription_tab.html", "subscriptions", **frame, shown=shown[0]
    )


@pages.route("/subscriptions/<subscription_id>/record", methods=["GET", "POST"])
@signed_in("sync:write")
def vendor_record(subscription_id: str) -> Response:
    """Show what the hub keeps, for support; ask the vendor what it says now."""
    found, problem, status = None, "", 200
    if request.method == "POST":
        try:
            found = hub().records.read(actor(), subscription_id)
        except NotFound:
            abort(404)
        except EntrepotError as error:
            problem, status = sentence(error), 422
    frame = subscription_frame(subscription_id, "record")
    with hub().store.read(scope()) as session:
        kept = record(_facts(session, subscription_id)[:1])
    answer = page(
        "reseller/subscription_record.html",
        "subscriptions",
        **frame,
        found=found,
        problem=problem,
        kept=kept,
    )
    answer.status_code = status
    return answer


@pages.post("/subscriptions/<subscription_id>/note")
@signed_in("subscriptions:write")
def annotate_subscription(subscription_id: str) -> Response | WerkzeugResponse:
    """Rename a subscription or note order numbers; the vendor's fields stay."""
    given = {name: request.form.get(name, "") for name in LONGEST}
    problem, status = "", 422
    try:
        hub().subscriptions.annotate(
            actor(),
            subscription_id,
            version=int(request.form.get("version", "0")),
            **given,
        )
    except NotFound:
        abort(404)
    except Conflict:
        problem, status = _theirs(subscription_id), 409
    except EntrepotError as error:
        problem = sentence(error)
    except ValueError:
        problem = gettext("Open the page again: the form was not whole.")
    else:
        flash(gettext("Saved. Nothing was changed at the vendor."), "ok")
        return redirect(f"/subscriptions/{subscription_id}", 303)
    answer = _details(subscription_id, given=given, problem=problem)
    answer.status_code = status
    return answer


def _theirs(subscription_id: str) -> str:
    """Return what somebody else saved meanwhile, in words."""
    now = hub().subscriptions.note(actor(), subscription_id)
    return gettext(
        "Somebody else saved this meanwhile. Now the own name is “%(name)s”, the "
        "customer PO “%(customer)s” and the reseller PO “%(reseller)s”. Save again to "
        "replace that with what you entered.",
        name=now.nickname or "–",
        customer=now.customer_po or "–",
        reseller=now.reseller_po or "–",
    )


def _details(
    subscription_id: str,
    given: Mapping[str, str] | None = None,
    problem: str = "",
) -> Response:
    frame = subscription_frame(subscription_id, "")
    row, own = frame["row"], frame["own"]
    with hub().store.read(scope()) as session:
        facts = _facts(session, subscription_id)
        step = step_of(facts)
        names = {key: mark.name for key, mark in marks().items()}
        told = {
            "facts": facts,
            "addons": _addons(session, row),
            "contact": contact(session, own) if actor().may("customers:read") else None,
            "prices": prices(session, own),
            "events": history(session, facts, names, label),
        }
    return page(
        "reseller/subscription.html",
        "subscriptions",
        **frame,
        **told,
        note=hub().subscriptions.note(actor(), subscription_id),
        given=given or {},
        problem=problem,
        step=step,
        past=facts[len(facts) - 1 - step] if facts else None,
        fields=compared(facts, step),
        licences=licences(facts, hub().clock.now()),
    )


def subscription_frame(subscription_id: str, tab: str) -> dict[str, Any]:
    """Return what the head and the tabs of every page of a subscription need."""
    with hub().store.read(scope()) as session:
        row = session.execute(
            SUBSCRIPTIONS.of(actor().tenant_id).where(
                SUBSCRIPTIONS.key == subscription_id
            )
        ).one_or_none()
        if row is None:
            abort(404)
        own = session.get_one(SubscriptionRow, subscription_id)
    found = layout(own)
    return {
        "row": row,
        "own": own,
        "layout": found,
        "tab": tab,
        "tabs": _tabs(subscription_id, found),
        "console_address": hub().links.find(
            actor(),
            row.connection_id,
            "subscription",
            row.vendor_id,
            own.customer_vendor_id,
        ),
        "marks": marks(),
        "rail": True,
    }


def _tabs(subscription_id: str, found: Layout) -> list[Tab]:
    home = f"/subscriptions/{subscription_id}"
    tabs = [Tab("", gettext("Details"), home)]
    tabs.append(Tab("charges", gettext("Charges and usage"), f"{home}/charges"))
    tabs += [Tab(one.name, one.title, f"{home}/tabs/{one.name}") for one in found.tabs]
    if actor().may("sync:write"):
        tabs.append(Tab("record", gettext("Vendor's record"), f"{home}/record"))
    return tabs


def _facts(session: Session, subscription_id: str) -> Sequence[SubscriptionFact]:
    return session.scalars(
        select(SubscriptionFact)
        .where(SubscriptionFact.object_id == subscription_id)
        .order_by(SubscriptionFact.known_at.desc())
        .limit(HISTORY_ROWS)
    ).all()


def _addons(session: Session, row: Any) -> Sequence[Any]:  # noqa: ANN401 - a row
    return session.execute(
        SUBSCRIPTIONS.of(actor().tenant_id)
        .where(
            SubscriptionRow.connection_id == row.connection_id,
            SubscriptionRow.parent_vendor_id == row.vendor_id,
            SubscriptionRow.account_id == row.account_id,
        )
        .limit(50)
    ).all()
