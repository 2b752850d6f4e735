"""Tables: lines of usage and charges, every version of them, and their readings."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Date, Dialect, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UnitPrice, UtcDateTime


class ExactNumber(TypeDecorator[Decimal]):
    """A number as the vendor wrote it, of any size: kept as text, never added up.

    Metered quantities (bytes, requests) leave the range of a scaled whole number.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Return the plain digits.

        Raises:
            TypeError: The value is not a Decimal.
        """
        if value is None:
            return None
        if not isinstance(value, Decimal):
            msg = f"ExactNumber takes a Decimal, not {value!r}."
            raise TypeError(msg)
        return format(value, "f")

    def process_result_value(
        self, value: str | None, dialect: Dialect
    ) -> Decimal | None:
        """Return the number."""
        return None if value is None else Decimal(value)


class Amount(UnitPrice):
    """What a line costs: ten decimals, at least two of them shown."""

    cache_ok = True
    kept_decimals = 2


class LineMixin(TenantOwned):
    """Columns of every line: where it belongs and how we know it.

    `month` is the billing month (``2026-03``) in whose reading the line was met last.
    `gone_at` tells when the vendor had withdrawn it.
    """

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    vendor_id: Mapped[str] = mapped_column(Text)
    month: Mapped[str] = mapped_column(String(7))
    customer_vendor_id: Mapped[str] = mapped_column(Text, default="")
    subscription_vendor_id: Mapped[str] = mapped_column(Text, default="")
    sku: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    quantity: Mapped[Decimal | None] = mapped_column(ExactNumber)
    unit: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    estimated: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(Text, default="")
    attributes: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    row_hash: Mapped[int] = mapped_column(BigInteger)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missing_runs: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ChargeRow(LineMixin, Base):
    """A charge as it is known now: the projection of its facts.

    `amount` and `tax` have ten decimals; what a vendor states more exactly is rounded
    half-even here and exact in the fact.
    """

    __tablename__ = "charge"
    __table_args__ = (
        Index(
            "uq_charge_connection_id_vendor_id",
            "connection_id",
            "vendor_id",
            unique=True,
        ),
        Index("ix_charge_tenant_id_month", "tenant_id", "month", "id"),
        Index("ix_charge_connection_id_month", "connection_id", "month"),
        Index("ix_charge_customer", "connection_id", "customer_vendor_id"),
        Index("ix_charge_subscription", "connection_id", "subscription_vendor_id"),
    )

    kind: Mapped[str] = mapped_column(String(20))
    vendor_kind: Mapped[str] = mapped_column(Text, default="")
    period_start: Mapped[date] = mapped_column(Date)
    period_end: Mapped[date] = mapped_column(Date)
    amount: Mapped[Decimal] = mapped_column(Amount)
    unit_price: Mapped[Decimal | None] = mapped_column(ExactNumber)
    list_amount: Mapped[Decimal | None] = mapped_column(ExactNumber)
    tax: Mapped[Decimal | None] = mapped_column(Amount)
    invoice_id: Mapped[str] = mapped_column(Text, default="")
    invoiced_on: Mapped[date | None] = mapped_column(Date)


class UsageRow(LineMixin, Base):
    """A metered quantity as it is known now: the projection of its facts."""

    __tablename__ = "usage_line"
    __table_args__ = (
        Index(
            "uq_usage_line_connection_id_vendor_id",
            "connection_id",
            "vendor_id",
            unique=True,
        ),
        Index("ix_usage_line_tenant_id_month", "tenant_id", "month", "id"),
        Index("ix_usage_line_connection_id_month", "connection_id", "month"),
        Index("ix_usage_line_customer", "connection_id", "customer_vendor_id"),
        Index("ix_usage_line_subscription", "connection_id", "subscription_vendor_id"),
    )

    resource_id: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cost: Mapped[Decimal | None] = mapped_column(Amount)


class LineFactMixin(TenantOwned):
    """One version of a line: known from `known_at` on, until the next one.

    `change` is ``new``, ``changed`` (restated), ``gone`` (withdrawn) or ``back``.
    `payload` is the line as the plugin gave it, every number exact.
    """

    object_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    known_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[str] = mapped_column(String(200))
    change: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonText)


class ChargeFact(LineFactMixin, Base):
    """A version of a charge."""

    __tablename__ = "charge_fact"


class UsageFact(LineFactMixin, Base):
    """A version of a metered quantity."""

    __tablename__ = "usage_line_fact"


class ChargeReading(TenantOwned, Base):
    """How completely one month of one connection was last read.

    `kind` is ``charges`` or ``usage``. `complete_at` is the last complete reading;
    `counts` are those of the last reading, `reason` says why it is incomplete.
    """

    __tablename__ = "charge_reading"
    __table_args__ = (Index("ix_charge_reading_tenant_id_id", "tenant_id", "id"),)

    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    run_id: Mapped[str] = mapped_column(String(200))
    complete: Mapped[bool]
    complete_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lines: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, int]] = mapped_column(JsonText, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")


class ChargeCheckpoint(TenantOwned, Base):
    """Where an unfinished reading stands: cursor and the ids met so far together."""

    __tablename__ = "charge_checkpoint"

    run_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    connection_id: Mapped[str] = mapped_column(String(40))
    state: Mapped[dict[str, Any]] = mapped_column(JsonText)
    seen: Mapped[bytes] = mapped_column(LargeBinary)
    counts: Mapped[dict[str, int]] = mapped_column(JsonText)
