"""What the page of a list needs of a reseller's set-up, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from entrepot.hub.connections.tables import Connection
from entrepot.hub.connections.views import ConnectionName
from entrepot.hub.customers.fields import FieldView
from entrepot.hub.customers.records import CustomerField, ListView, PriceBook
from entrepot.hub.customers.views import Shared, shared
from entrepot.store.actor import Actor
from entrepot.store.scope import TenantScope
from entrepot.store.together import together
from entrepot.store.unit import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A reseller's set-up, as far as a list shows it.

    Attributes:
        fields: Custom fields in their order.
        shared: Columns and saved views of the list.
        price_books: Names of price books by id.
        connections: What connections are called, removed ones too, by name.
    """

    fields: tuple[FieldView, ...]
    shared: Shared
    price_books: Mapping[str, str]
    connections: tuple[ConnectionName, ...]


class ListSetup:
    """Reads what `CustomFields`, `ListViews` and others keep, all at once.

    Args:
        store: The hub's database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, actor: Actor, of: str) -> Setup:
        """Return the set-up for a list.

        Raises:
            PermissionDenied: Without ``customers:read`` and ``connections:read``.
        """
        actor.require("customers:read")
        actor.require("connections:read")
        field, view, book, own = CustomerField, ListView, PriceBook, Connection
        tenant = actor.tenant_id
        queries: tuple[Any, ...] = (
            select(
                field.position, field.id, field.key, field.label, field.kind,
                field.options, field.required, field.version,
            ).where(field.tenant_id == tenant),
            select(view.name, view.id, view.query, view.columns, view.created_by)
            .where(view.tenant_id == tenant, view.of == of),
            select(book.id, book.name).where(book.tenant_id == tenant),
            select(own.id, own.name, own.plugin, own.kind, own.state)
            .where(own.tenant_id == tenant),
        )  # fmt: skip
        with self._store.read(TenantScope(tenant)) as session:
            fields, views, books, names = together(session, *queries)
        return Setup(
            fields=tuple(_field(*row) for row in sorted(fields)),
            shared=shared(sorted(views, key=lambda row: row[0])),
            price_books={row[0]: row[1] for row in books},
            connections=tuple(
                sorted(
                    (ConnectionName(*row) for row in names),
                    key=lambda one: (one.name, one.id),
                )
            ),
        )


def _field(position: int, id_: str, *others: Any) -> FieldView:  # noqa: ANN401 - columns
    key, label, kind, options, required, version = others
    return FieldView(
        id=id_, key=key, label=label, kind=kind, options=tuple(options),
        required=required, position=position, version=version,
    )  # fmt: skip
