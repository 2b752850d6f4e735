"""Custom fields of customers: what a reseller adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entrepot.hub.customers.records import CustomerFacet, CustomerField
from entrepot.hub.customers.rules import FIELD_KINDS, KEY, FieldRule, plain
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

MOST = 50
MOST_OPTIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """A custom field as it is listed; see `CustomerField`."""

    id: str
    key: str
    label: str
    kind: str
    options: tuple[str, ...]
    required: bool
    position: int
    version: int


class CustomFields:
    """Use cases of custom fields.

    Args:
        store: The hub's database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list(self, actor: Actor) -> tuple[FieldView, ...]:
        """All custom fields in their order."""
        actor.require("customers:read")
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return tuple(_view(row) for row in _rows(session))

    def add(
        self,
        actor: Actor,
        *,
        key: str,
        label: str,
        kind: str = "text",
        options: Sequence[str] = (),
        required: bool = False,
    ) -> FieldView:
        """Add a field at the end.

        Raises:
            Rejected: Key, label, kind or options are wrong, or there are too many.
            Conflict: There is one of that key.
        """
        actor.require("customers:write")
        given = _checked(label, kind, options)
        if not KEY.fullmatch(key):
            raise Rejected(
                "key_invalid",
                "A key is small letters, digits and _, beginning with a letter.",
                field="key",
            )
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            known = _rows(session)
            if len(known) >= MOST:
                raise Rejected("too_many", f"A reseller has at most {MOST} fields.")
            if any(row.key == key for row in known):
                raise Conflict("key_taken", f"There is a field {key} already.")
            row = CustomerField(
                id=new_id("fld"),
                tenant_id=actor.tenant_id,
                key=key,
                required=required,
                position=max((one.position for one in known), default=0) + 1,
                created_at=self._clock.now(),
                version=1,
                **given,
            )
            session.add(row)
            session.flush()
            _note(session, actor, "add", row, after={**given, "key": key})
            return _view(row)

    def change(
        self,
        actor: Actor,
        field_id: str,
        *,
        version: int,
        label: str,
        options: Sequence[str] = (),
        required: bool = False,
    ) -> FieldView:
        """Change label, options and whether it is required; key and kind stay.

        Values that are no option any more stay with their customers until changed.

        Raises:
            NotFound: There is none of that id.
            Conflict: Somebody changed it meanwhile; says what it is now.
            Rejected: Label or options are wrong.
        """
        actor.require("customers:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = _found(session, field_id)
            if row.version != version:
                raise Conflict(
                    "changed",
                    f"Somebody changed the field {row.label} meanwhile.",
                    remedy="Look at what it is now and change it again.",
                )
            given = _checked(label, row.kind, options)
            before = {"label": row.label, "options": row.options}
            row.label, row.options = given["label"], given["options"]
            row.required, row.version = required, row.version + 1
            _note(session, actor, "change", row, before=before, after=given)
            return _view(row)

    def remove(self, actor: Actor, field_id: str) -> None:
        """Remove a field that no customer uses.

        Raises:
            NotFound: There is none of that id.
            Conflict: Customers have values in it; says how many.
        """
        actor.require("customers:write")
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = _found(session, field_id)
            used = session.scalar(
                select(func.count())
                .select_from(CustomerFacet)
                .where(CustomerFacet.kind == f"field:{field_id}")
            )
            if used:
                raise Conflict(
                    "field_used",
                    f"{used} customers have a value in {row.label}.",
                    remedy="Empty it there first; an import can do it for many.",
                )
            _note(session, actor, "remove", row, before={"key": row.key})
            session.delete(row)


def field_rules(session: Session) -> list[FieldRule]:
    """What the reseller's custom fields demand, in their order."""
    return [
        FieldRule(
            id=row.id,
            key=row.key,
            label=row.label,
            kind=row.kind,
            options=tuple(row.options),
            required=row.required,
        )
        for row in _rows(session)
    ]


def _rows(session: Session) -> Sequence[CustomerField]:
    query = select(CustomerField).order_by(CustomerField.position, CustomerField.id)
    return session.scalars(query).all()


def _found(session: Session, field_id: str) -> CustomerField:
    query = select(CustomerField).where(CustomerField.id == field_id)
    row = session.scalars(query).first()
    if row is None:
        raise NotFound("no_such_field", "There is no such custom field.")
    return row


def _checked(label: str, kind: str, options: Sequence[str]) -> dict[str, Any]:
    if not 1 <= len(plain(label)) <= 120:
        raise Rejected(
            "label_invalid", "A label has 1 to 120 characters.", field="label"
        )
    if kind not in FIELD_KINDS:
        told = ", ".join(FIELD_KINDS)
        raise Rejected("kind_invalid", f"Choose one of {told}.", field="kind")
    kept = list(dict.fromkeys(one for one in map(plain, options) if one))
    if kind != "choice":
        kept = []
    elif not 1 <= len(kept) <= MOST_OPTIONS or any(len(one) > 200 for one in kept):
        raise Rejected(
            "options_invalid",
            f"A choice has 1 to {MOST_OPTIONS} options of at most 200 characters.",
            field="options",
        )
    return {"label": plain(label), "kind": kind, "options": kept}


def _view(row: CustomerField) -> FieldView:
    return FieldView(
        id=row.id,
        key=row.key,
        label=row.label,
        kind=row.kind,
        options=tuple(row.options),
        required=row.required,
        position=row.position,
        version=row.version,
    )


def _note(
    session: Session,
    actor: Actor,
    what: str,
    row: CustomerField,
    **values: Any,  # noqa: ANN401 - what audit takes
) -> None:
    audit(
        session,
        actor,
        action=f"customer_field.{what}",
        subject=("customer_field", row.id),
        **values,
    )
