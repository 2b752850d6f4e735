"""Carrying out line changes, and finding out what an unclear one did.

There is no idempotency key and no conditional write (connectwise.md §8). So: read,
compare with the expectation, send once, read back, compare with the intent. After an
unclear answer the line is looked for by our reference, or, where the reseller has no
field for it, by what it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from entrepot.sdk import queries as ask
from entrepot.sdk.errors import ConfigInvalid, Conflict, NotFound, OutcomeUnknown
from entrepot.sdk.model import (
    AgreementLine,
    LineChange,
    LineChangeKind,
    LineOutcome,
    OutcomeState,
    PlannedCall,
)

from . import changes, mapping, wire
from .client import condition_text
from .errors import ROLE_MISSING
from .listings import additions_path, one_line, read_addition
from .runtime import Session, number

CLOCKS_MAY_DIFFER = timedelta(minutes=5)
_ADDITION = wire.Addition


def plan(query: ask.PlanLineChanges) -> tuple[PlannedCall, ...]:
    """The exact calls, in order, without sending any."""
    return tuple(changes.planned(change) for change in query.changes)


def apply(session: Session, change: LineChange) -> LineOutcome:
    """Carry out one change and read it back.

    Raises:
        Conflict: The line is not as expected; nothing was written.
        OutcomeUnknown: It may have been written.
        Rejected: The vendor refuses.
    """
    changes.planned(change)  # Refuses what cannot be expressed before anything is sent.
    if change.kind is LineChangeKind.CREATE:
        return _create(session, change)
    try:
        before = read_addition(session, change.agreement_id, change.line_id or "")
    except NotFound:
        if change.kind is LineChangeKind.DELETE:
            return LineOutcome(state=OutcomeState.DONE, message="It was gone already.")
        raise
    _expect(change, before)
    if change.kind is LineChangeKind.DELETE:
        return _delete(session, change)
    return _patch(session, change, before)


def find(session: Session, query: ask.FindLine) -> AgreementLine | None:
    """The line that an earlier change wrote; None when it certainly wrote nothing.

    Raises:
        OutcomeUnknown: Several lines fit and none carries our reference.
        NotFound: The line to change, or the agreement, is gone.
    """
    change = query.change
    if change.kind is LineChangeKind.CREATE:
        return _find_new(session, change, query.not_before)
    line = one_line(session, change.agreement_id, change.line_id or "")
    if change.kind is LineChangeKind.DELETE:
        return None
    if reference_field(session, change.agreement_id):
        return line if line.reference == _stored(change) else None
    return None if changes.differences(change, line) else line


def _create(session: Session, change: LineChange) -> LineOutcome:
    field_id = reference_field(session, change.agreement_id)
    custom = (
        changes.with_reference(None, field_id, change.reference) if field_id else None
    )
    body = changes.new_line(change, custom)
    path = additions_path(change.agreement_id)
    record, request_id = session.client.write("POST", path, body, _ADDITION)
    return _read_back(session, change, str(record.id), request_id)


def _patch(session: Session, change: LineChange, before: wire.Addition) -> LineOutcome:
    field_id = reference_field(session, change.agreement_id)
    custom = None
    if field_id:
        custom = changes.with_reference(
            before.custom_fields, field_id, change.reference
        )
    body = changes.patch_of(change, custom)
    path = f"{additions_path(change.agreement_id)}/{before.id}"
    _, request_id = session.client.write("PATCH", path, body, _ADDITION)
    return _read_back(session, change, str(before.id), request_id)


def _delete(session: Session, change: LineChange) -> LineOutcome:
    path = f"{additions_path(change.agreement_id)}/{number(change.line_id or '')}"
    request_id = session.client.delete(path)
    try:
        line = one_line(session, change.agreement_id, change.line_id or "")
    except NotFound:
        return LineOutcome(state=OutcomeState.DONE, vendor_request_id=request_id)
    return LineOutcome(
        state=OutcomeState.REJECTED,
        line=line,
        vendor_request_id=request_id,
        message="ConnectWise accepted the deletion but still has the line.",
    )


def _read_back(
    session: Session, change: LineChange, line_id: str, request_id: str | None
) -> LineOutcome:
    """What really is there now, compared with what was meant."""
    try:
        line = one_line(session, change.agreement_id, line_id)
    except NotFound as error:
        raise Conflict(
            "line_vanished",
            "The line disappeared right after it was written.",
            detail=f"line {line_id}",
            vendor_request_id=request_id,
        ) from error
    wrong = changes.differences(change, line)
    if not wrong:
        return LineOutcome(
            state=OutcomeState.DONE, line=line, vendor_request_id=request_id
        )
    return LineOutcome(
        state=OutcomeState.REJECTED,
        line=line,
        vendor_request_id=request_id,
        message=f"ConnectWise answered yes but did not store: {', '.join(wrong)}.",
    )


def _expect(change: LineChange, before: wire.Addition) -> None:
    token = mapping.change_token(before)
    if change.expected_token is None or change.expected_token == token:
        return
    info = before.info or wire.Info()
    raise Conflict(
        "line_changed",
        "The line was changed in ConnectWise since it was compared.",
        detail=f"line {before.id}, last by {info.updated_by} at {info.last_updated}",
        remedy="Compare again and approve the new plan.",
    )


def _find_new(
    session: Session, change: LineChange, not_before: datetime | None
) -> AgreementLine | None:
    lines = _all_lines(session, change.agreement_id)
    if reference_field(session, change.agreement_id):
        ours = [one for one in lines if one.reference == _stored(change)]
        return ours[0] if ours else None
    alike = [one for one in lines if _looks_like(change, one, not_before)]
    if len(alike) > 1:
        raise OutcomeUnknown(
            "several_lines_fit",
            "Several lines in ConnectWise look like the one that was to be created.",
            detail=f"lines {', '.join(one.vendor_id for one in alike)}",
            remedy="Decide which line is the right one and end the others.",
        )
    return alike[0] if alike else None


def _looks_like(
    change: LineChange, line: AgreementLine, not_before: datetime | None
) -> bool:
    """Same product, dates and quantity, and not older than our attempt."""
    old = (
        not_before is not None
        and line.created_at is not None
        and line.created_at < not_before - CLOCKS_MAY_DIFFER
    )
    return (
        not old
        and line.product_id == change.product_id
        and line.effective == change.effective
        and line.ends == change.ends
        and line.quantity == change.quantity
    )


def _all_lines(session: Session, agreement_id: str) -> list[AgreementLine]:
    owner = session.owner(agreement_id)
    records = session.client.everything(additions_path(agreement_id), _ADDITION)
    caption = session.settings.reference_field
    return [mapping.line(record, owner, caption) for record in records]


def _stored(change: LineChange) -> str:
    return change.reference[: changes.REFERENCE_LIMIT]


def reference_field(session: Session, agreement_id: str) -> int | None:
    """Id of our custom field on additions; None when the reseller has none.

    Additions list every custom field of their screen, so one of them tells; with no
    line yet, a definition whose pod no company shows is taken (§13: pod ids vary).
    """
    caption = session.settings.reference_field
    if not caption:
        return None
    with session.runtime.lock:
        if session.runtime.reference_id is None:
            found = _field_of_lines(session, agreement_id, caption)
            if found is None:
                found = _defined_field(session, caption)
            session.runtime.reference_id = found
        return session.runtime.reference_id or None


def _field_of_lines(session: Session, agreement_id: str, caption: str) -> int | None:
    sample = _first(session, additions_path(agreement_id), _ADDITION)
    if sample is None or sample.custom_fields is None:
        return None if sample is None else 0
    return _id_of(sample.custom_fields, caption) or 0


def _defined_field(session: Session, caption: str) -> int:
    conditions = f"caption={condition_text(caption)}"
    try:
        defined = session.client.everything(
            "system/userDefinedFields", wire.UserDefinedField, conditions
        )
    except ConfigInvalid as error:
        if error.code != ROLE_MISSING:
            raise
        return 0  # Without the right to look we work without the field.
    company = _first(session, "company/companies", wire.Company)
    of_companies = _id_of(company.custom_fields or [], caption) if company else None
    others = [one.id for one in defined if one.id != of_companies]
    return others[0] if len(others) == 1 else 0


def _first(session: Session, path: str, kind: type[Any]) -> Any:  # noqa: ANN401 - a record of `kind`
    records = session.client.read(path, list[kind], pageSize=1)  # type: ignore[valid-type]  # a runtime type for the decoder
    return records[0] if records else None


def _id_of(fields: list[wire.CustomField], caption: str) -> int | None:
    for one in fields:
        if (one.caption or "").lower() == caption.lower():
            return one.id
    return None
