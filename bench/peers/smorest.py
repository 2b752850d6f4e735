"""The same list as most would write it: flask-smorest, ORM objects, marshmallow.

No sign-in, no rate limit, no tenant guard, no cursor: less than the product does.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Flask
from flask_smorest import Api, Blueprint
from sqlalchemy import MetaData, Table, create_engine, select
from sqlalchemy.orm import Session, registry

_TEXTS = (
    *("id", "connection_id", "account_id", "vendor_id", "name", "friendly_name"),
    *("sku", "product_id", "unit", "status", "vendor_status", "term"),
    *("billing_cycle", "segment", "currency", "parent_vendor_id"),
)
_FLAGS = ("billed", "is_trial", "is_addon", "auto_renew")
_NUMBERS = ("quantity", "assigned", "unit_cost")
_MOMENTS = (
    *("started_at", "term_start", "term_end", "ended_at", "cancellable_until"),
    *("known_at", "missing_since", "gone_at"),
)


def _schema() -> type[ma.Schema]:
    fields: dict[str, Any] = {name: ma.fields.String() for name in _TEXTS}
    fields |= {name: ma.fields.Boolean(allow_none=True) for name in _FLAGS}
    fields |= {name: ma.fields.Decimal(as_string=True) for name in _NUMBERS}
    fields |= {name: ma.fields.String(allow_none=True) for name in _MOMENTS}
    return ma.Schema.from_dict(fields, name="Subscription")


def create(url: str, tenant: str) -> Flask:
    """The application on a database of the product."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    table = Table("subscription", MetaData(), autoload_with=engine)

    class Subscription:
        """A row as an object."""

    registry().map_imperatively(Subscription, table)
    app = Flask("peer")
    app.config.update(API_TITLE="Peer", API_VERSION="1", OPENAPI_VERSION="3.0.3")
    api = Api(app)
    blueprint = Blueprint("subscriptions", "subscriptions")

    @blueprint.route("/subscriptions")
    @blueprint.response(200, _schema()(many=True))
    def subscriptions() -> list[Any]:
        with Session(engine) as session:
            query = select(Subscription).where(table.c.tenant_id == tenant)
            return list(session.scalars(query.order_by(table.c.id).limit(50)))

    api.register_blueprint(blueprint)
    return app
