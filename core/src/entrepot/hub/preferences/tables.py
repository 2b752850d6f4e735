"""The table of choices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store.base import Base, TenantOwned
from entrepot.store.types import JsonText, UtcDateTime


class Preference(TenantOwned, Base):
    """One choice of a person at a reseller, or of the reseller for all its people."""

    __tablename__ = "preference"

    tenant_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(40), primary_key=True, default="")
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[Any] = mapped_column(JsonText)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
