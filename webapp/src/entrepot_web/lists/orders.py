"""Orders as vendors report them: one row per order, its items inside."""

from __future__ import annotations

from typing import Any

from entrepot.hub.connections.tables import Connection
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.subscriptions.tables import VendorOrderRow
from entrepot.sdk.model import OrderStatus
from entrepot.store import search
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, String, and_, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from entrepot_web.criteria import Field
from entrepot_web.listing import Listing

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

    def condition(
        self, session: Session, tenant_id: str, text: str
    ) -> ColumnElement[bool]:
        """Return the condition that an order matches, for a walk."""
        wanted, folded = " ".join(text.casefold().split()), search.fold(text)
        words = {key: search.fold(str(told)) for key, (_, told) in STATUS_WORDS.items()}
        providers = [
            key
            for key, name in session.execute(
                select(Connection.id, Connection.name).where(
                    Connection.tenant_id == tenant_id
                )
            )
            if folded in search.fold(name)
        ]
        plain = (_O.vendor_id, _O.reference, _O.vendor_status)
        return or_(
            *(search.contained(func.lower(one), literal(wanted)) for one in plain),
            _O.status.in_([key for key, told in words.items() if folded in told]),
            _O.connection_id.in_(providers),
            search.contained(order_words(_O.lines, _O.attributes), literal(wanted)),
        )


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
    search=OrderSearch(),
    streams=("orders",),
)
