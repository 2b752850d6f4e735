"""The vendor's answers as boto3 gives them, typed (reference §3 and §4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def read(found: Any, kind: type[T]) -> T:  # noqa: ANN401 - boto3's untyped dictionaries
    """The answer, or a part of it, as a record.

    Raises:
        ValueError: It lacks what the record demands.
    """
    return msgspec.convert(found, kind, strict=False)


class Pascal(msgspec.Struct, rename="pascal", kw_only=True):
    """Members in PascalCase."""


class Camel(msgspec.Struct, rename="camel", kw_only=True):
    """Members in camelCase."""


# Organizations (§3.1)


class OrganizationWire(Pascal):
    """The organization of the connection's account."""

    id: str
    master_account_id: str = ""
    master_account_email: str = ""
    feature_set: str = ""


class UnitWire(Pascal):
    """An organizational unit, or a root."""

    id: str
    arn: str = ""
    name: str = ""


class AccountWire(Pascal):
    """An account; `status` retires in September 2026, `state` stays."""

    id: str
    arn: str = ""
    email: str = ""
    name: str = ""
    state: str = ""
    status: str = ""
    joined_method: str = ""
    joined_timestamp: datetime | None = None


class PartyWire(Pascal):
    """One side of a billing transfer."""

    management_account_id: str = ""
    management_account_email: str = ""


class TransferWire(Pascal):
    """A billing transfer."""

    id: str
    arn: str = ""
    name: str = ""
    status: str = ""
    source: PartyWire = msgspec.field(default_factory=PartyWire)
    target: PartyWire = msgspec.field(default_factory=PartyWire)
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    active_handshake_id: str = ""


class TagWire(Pascal):
    """A tag of an organizational unit or account."""

    key: str
    value: str = ""
