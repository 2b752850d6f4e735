"""What the page of a list needs of a reseller's set-up, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, String, bindparam, select

from entrepot.hub.connections.tables import Connection
from entrepot.hub.connections.views import ConnectionName
from entrepot.hub.customers.fields import FieldView
from entrepot.hub.customers.records import CustomerField, ListView, PriceBook
from entrepot.hub.customers.views import Shared, shared
from entrepot.store.actor import Actor
from entrepot.store.scope import TenantScope
from entrepot.store.together import Together
from entrepot.store.unit import Store

_FIELD, _VIEW, _BOOK, _CONNECTION = (
    table.__table__.c for table in (CustomerField, ListView, PriceBook, Connection)
)
_TENANT: BindParameter[str] = bindparam("tenant", type_=String)
_SETUP = Together(
    select(
        _FIELD.position, _FIELD.id, _FIELD.key, _FIELD.label, _FIELD.kind,
        _FIELD.options, _FIELD.required, _FIELD.version,
    ).where(_FIELD.tenant_id == _TENANT),
    select(_VIEW.name, _VIEW.id, _VIEW.query, _VIEW.columns, _VIEW.created_by)
    .where(_VIEW.tenant_id == _TENANT, _VIEW.of == bindparam("of", type_=String)),
    select(_BOOK.id, _BOOK.name).where(_BOOK.tenant_id == _TENANT),
    select(
        _CONNECTION.id, _CONNECTION.name, _CONNECTION.plugin, _CONNECTION.kind,
        _CONNECTION.state,
    ).where(_CONNECTION.tenant_id == _TENANT),
)  # fmt: skip


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
        tenant = actor.tenant_id
        with self._store.read(TenantScope(tenant)) as session:
            fields, views, books, names = _SETUP.rows(session, tenant=tenant, of=of)
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
