"""Orders as vendors report them: one row per order, its items inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.subscriptions.order_text import SEARCHED
from entrepot.hub.subscriptions.tables import VendorOrderRow
from entrepot.sdk.model import OrderStatus
from entrepot.store import search
from flask_babel import lazy_gettext
from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from entrepot_web.criteria import Field
from entrepot_web.listing import FEW, Found, Listing, Question

STATUSES = tuple(status.value for status in OrderStatus)
STATUS_WORDS = {
    "completed": ("ok", lazy_gettext("Completed")),
    "pending": ("info", lazy_gettext("Pending")),
    "rejected": ("bad", lazy_gettext("Rejected")),
    "cancelled": ("mute", lazy_gettext("Cancelled")),
    "unknown": ("mute", lazy_gettext("Unknown")),
}

_O: Any = VendorOrderRow
_A: Any = CustomerAccount
_C: Any = Customer


class order_words(FunctionElement[str]):
    """What an order's items are called and who placed it, of both documents."""

    type = String()
    inherit_cache = True


@compiles(order_words)
def _sqlite(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    lines, more = (compiler.process(one, **options) for one in element.clauses)
    each = " || ' ' || ".join(
        f"coalesce(json_extract(item.value, '$.{name}'), '')"
        for name in ("name", "sku")
    )
    return (
        f"lower(coalesce((SELECT group_concat({each}, ' ') "  # noqa: S608 - columns of ours
        f"FROM json_each({lines}) AS item), '') || ' ' "
        f"|| coalesce(json_extract({more}, '$.operator'), ''))"
    )


@compiles(order_words, "postgresql")
def _postgresql(element: Any, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    lines, more = (compiler.process(one, **options) for one in element.clauses)
    return (
        "lower(coalesce((SELECT string_agg(concat_ws(' ', item->>'name', "  # noqa: S608 - columns of ours
        f"item->>'sku'), ' ') FROM jsonb_array_elements(CAST({lines} AS jsonb)) AS item"
        f"), '') || ' ' || coalesce(CAST({more} AS jsonb)->>'operator', ''))"
    )


class OrderSearch:
    """Free text: order number, reference, status, plan, who placed it, provider."""

    def hits(
        self, session: Session, tenant_id: str, text: str, most: int
    ) -> Sequence[str]:
        """Return ids of orders that match, in no order, at most `most`.

        All orders' words are walked along their index; of those whose words are longer
        than that, each is looked at.
        """
        statuses, providers = _known_words(session, tenant_id, text)
        own = select(_O.id).where(_O.tenant_id == tenant_id, _O.gone_at.is_(None))
        parts = [
            own.where(_O.status.in_(statuses)) if statuses else None,
            own.where(_O.connection_id.in_(providers)) if providers else None,
            own.where(search.holds(_O.search_text, text)),
            own.where(_long(), _inside(text)),
        ]
        found: dict[str, None] = {}
        for part in parts:
            if part is not None and len(found) < most:
                found.update(dict.fromkeys(session.scalars(part.limit(most))))
        return list(found)[:most]

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that an order matches, for a walk."""
        statuses, providers = _known_words(session, tenant_id, text)
        return or_(
            search.holds(_O.search_text, text),
            _O.status.in_(statuses),
            _O.connection_id.in_(providers),
            and_(_long(), _inside(text)),
        )


class OrderFinder:
    """Finds orders by their free text once, for a page and its total.

    Args:
        words: The search.
    """

    def __init__(self, words: OrderSearch) -> None:
        self._words = words

    def cut(self, *_asked: Any) -> search.Page | None:  # noqa: ANN401 - of `Finder`
        """Return nothing: no index knows their order."""
        return None

    def find(
        self, session: Session, _listing: Listing, question: Question
    ) -> Found | None:
        """Return the keys of all that match; see `listing.Finder`."""
        if not question.text:
            return None
        asked = (session, question.tenant_id, question.text)
        keys = self._words.hits(*asked, FEW + 1)
        return Found(keys if len(keys) <= FEW else None, not question.criteria)

    def every(self, *_asked: Any) -> Any:  # noqa: ANN401 - of `Finder`
        """Return nothing: many are walked."""
        return None


def _inside(text: str) -> ColumnElement[bool]:
    """Return the condition that items or the operator hold a text, however long."""
    wanted = " ".join(text.casefold().split())
    return search.contained(order_words(_O.lines, _O.attributes), literal(wanted))


def _long() -> ColumnElement[bool]:
    """Return the condition that an order has more words than its text holds."""
    # No parameter: both databases look for the condition of an index.
    return func.length(_O.search_text) > literal_column(str(SEARCHED))


def _known_words(
    session: Session, tenant_id: str, text: str
) -> tuple[list[str], list[str]]:
    """Return the statuses and connections whose names hold a text."""
    folded = search.fold(text)
    named = session.execute(
        select(Connection.id, Connection.name).where(Connection.tenant_id == tenant_id)
    )
    told = ((key, search.fold(str(one))) for key, (_, one) in STATUS_WORDS.items())
    return (
        [key for key, word in told if folded in word],
        [key for key, name in named if folded in search.fold(name)],
    )


_SEARCH = OrderSearch()
_COLUMNS = (
    *("id", "connection_id", "vendor_id", "customer_vendor_id", "status"),
    *("vendor_status", "reference", "ordered_at", "lines", "attributes", "known_at"),
)

ORDERS = Listing(
    name="orders",
    base=select(
        *(getattr(_O, name) for name in _COLUMNS),
        _A.customer_id,
        _C.name.label("customer_name"),
    )
    .outerjoin(
        _A,
        and_(
            _A.connection_id == _O.connection_id,
            _A.vendor_id == _O.customer_vendor_id,
            _A.tenant_id == _O.tenant_id,
        ),
    )
    .outerjoin(_C, _C.id == _A.customer_id)
    .where(_O.gone_at.is_(None)),
    key=_O.id,
    fields={
        "id": Field(_O.id, "id"),
        "connection_id": Field(_O.connection_id, "id"),
        "customer_id": Field(_A.customer_id, "id"),
        "vendor_id": Field(_O.vendor_id),
        "status": Field(_O.status, "enum", STATUSES),
        # An order without a day stands where it was first read.
        "ordered_at": Field(func.coalesce(_O.ordered_at, _O.known_at), "moment"),
    },
    sorts=("ordered_at", "vendor_id", "status"),
    default_sort="-ordered_at",
    search=_SEARCH,
    finder=OrderFinder(_SEARCH),
    streams=("orders",),
)
