"""Customers from a file: checked first, then taken in; every line has its outcome.

The columns are those resellers know from other panels; see docs/user-guide. A line
with the external id of a customer changes that customer, so that a file can be sent
twice and does its work once.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.hub.customers.adding import add_new
from entrepot.hub.customers.editing import add, change
from entrepot.hub.customers.fields import field_rules
from entrepot.hub.customers.line_results import RowResult, document_of
from entrepot.hub.customers.records import CustomerDetail, CustomerImport
from entrepot.hub.customers.rules import (
    CustomerInvalid,
    FieldRule,
    Problem,
    plain,
    wants_postal_code,
    wants_region,
)
from entrepot.hub.customers.tables import Customer
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import NotFound, Rejected
from entrepot.store.actor import Actor
from entrepot.store.audit_log import audit
from entrepot.store.ids import new_id
from entrepot.store.scope import TenantScope
from entrepot.store.unit import Store

MOST = 5_000
PIECE = 100
CUSTOM = "attribute:"
COLUMNS = {
    "login": "login",
    "externalid": "custom_id",
    "contactemail": "email",
    "sendinvitation": "",
    "givenname": "given_name",
    "familyname": "family_name",
    "telvoice": "phone",
    "countrycode": "country",
    "postalcode": "postal_code",
    "regioncode": "region",
    "city": "city",
    "streetaddress": "street",
    "accounttype": "kind",
    "taxregistrationid": "tax_id",
    "locale": "locale",
    "companyname": "company",
}
"""Columns of the file, with the field each fills."""
REQUIRED = (
    "login", "contactemail", "givenname", "familyname", "telvoice", "countrycode",
    "city", "streetaddress", "accounttype", "locale",
)  # fmt: skip
_FIELDS = {field: column for column, field in COLUMNS.items() if field}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView:
    """One import; see `CustomerImport`."""

    id: str
    name: str
    dry_run: bool
    state: str
    counts: Mapping[str, int]
    rows: Sequence[Mapping[str, Any]]
    created_by: str
    created_at: datetime


class CheckedLines:
    """The lines of a file, each with what is wrong with it by itself.

    They are read again whenever they are gone through: a file of a hundred thousand
    customers never lies in memory line by line.

    Args:
        text: The file.
        rules: Custom fields it may name, by key.
        most: Lines it may have.

    Raises:
        Rejected: As by `CustomerImports.run`.
    """

    def __init__(self, text: str, rules: Mapping[str, FieldRule], most: int) -> None:
        self._text, self._rules, self._most = text, rules, most
        self._logins: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._count = 0
        for line in self._lines():
            self._logins[line.get("login", "").lower()] += 1
            self._ids[line.get("externalid", "")] += 1
            self._count += 1

    def __len__(self) -> int:
        """How many lines there are."""
        return self._count

    def __iter__(self) -> Iterator[list[Any]]:
        """The lines as they are kept: each with its result."""
        for line, result in self.pairs():
            yield [line, document_of(result)]

    def pairs(self) -> Iterator[tuple[dict[str, str], RowResult]]:
        """The lines, each with its result so far."""
        for number, line in enumerate(self._lines(), 2):
            yield line, self._checked(number, line)

    def _lines(self) -> Iterator[dict[str, str]]:
        return _lines(self._text, self._rules, self._most)

    def _checked(self, number: int, line: dict[str, str]) -> RowResult:
        result = RowResult(row=number)
        result.errors += _errors(line)
        login, external = line.get("login", "").lower(), line.get("externalid", "")
        if login and self._logins[login] > 1:
            result.errors.append(("login", "The file has this sign-in name twice."))
        if external and self._ids[external] > 1:
            result.errors.append(("externalid", "The file has this id twice."))
        if _kind(line) == "business" and not line.get("companyname"):
            text = "A business has a name; the person's is used."
            result.warnings.append(("companyname", text))
        return result


class CustomerImports:
    """The use case of taking in customers from a file.

    Args:
        store: The hub's database.
        clock: Time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, actor: Actor, import_id: str) -> ImportView:
        """One import with its lines.

        Raises:
            NotFound: There is none of that id.
        """
        actor.require("customers:write")
        query = select(CustomerImport).where(CustomerImport.id == import_id)
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            row = session.scalars(query).first()
            if row is None:
                raise NotFound("no_such_import", "There is no such import.")
            return _view(row)

    def run(
        self, actor: Actor, *, name: str, text: str, dry_run: bool = True
    ) -> ImportView:
        """Check a file of customers and, unless it is a dry run, take it in.

        Good lines are taken in although others are rejected.

        Args:
            actor: Needs ``customers:write``.
            name: Of the file, for people.
            text: Its content: CSV with a head; comma, semicolon or tab.
            dry_run: Change nothing, tell what would become of every line.

        Raises:
            Rejected: The file has no head, unknown or missing columns, or too many
                lines.
        """
        actor.require("customers:write")
        rules = self._rules(actor)
        pairs = list(CheckedLines(text, rules, MOST).pairs())
        for start in range(0, len(pairs), PIECE):
            piece = pairs[start : start + PIECE]
            self._take(actor, piece, rules, dry_run=dry_run)
        results = [result for _, result in pairs]
        return self._close(actor, name, results, dry_run=dry_run)

    def read(self, actor: Actor, text: str, *, most: int) -> CheckedLines:
        """The lines of a file, each with what is wrong with it by itself.

        Args:
            actor: Whose custom fields it may name.
            text: As of `run`.
            most: Lines it may have.

        Raises:
            Rejected: As by `run`.
        """
        return CheckedLines(text, self._rules(actor), most)

    def take_in(
        self,
        session: Session,
        actor: Actor,
        pairs: Sequence[tuple[dict[str, str], RowResult]],
    ) -> None:
        """Take in checked lines in the caller's unit; results say what became."""
        rules = {rule.key: rule for rule in field_rules(session)}
        by_id = {rule.id: rule for rule in rules.values()}
        good = [(line, result) for line, result in pairs if not result.errors]
        asked = [(_fields(line), _custom(line, rules)) for line, _ in good]
        made = add_new(session, actor, self._clock.now(), asked, by_id)
        for (line, result), customer_id in zip(good, made, strict=True):
            result.customer_id = customer_id
            if customer_id is None:
                self._one(session, actor, line, result, rules)
        for _, result in pairs:
            if result.errors:
                result.outcome, result.customer_id = "rejected", None

    def _rules(self, actor: Actor) -> dict[str, FieldRule]:
        with self._store.read(TenantScope(actor.tenant_id)) as session:
            return {rule.key: rule for rule in field_rules(session)}

    def _take(
        self,
        actor: Actor,
        piece: Sequence[tuple[dict[str, str], RowResult]],
        rules: Mapping[str, FieldRule],
        *,
        dry_run: bool,
    ) -> None:
        """Take in some lines in one unit; a dry run rolls it back."""
        try:
            with self._store.unit(TenantScope(actor.tenant_id)) as session:
                for line, result in piece:
                    if not result.errors:
                        self._one(session, actor, line, result, rules)
                    if result.errors:
                        result.outcome, result.customer_id = "rejected", None
                if dry_run:
                    raise _Dry
        except _Dry:
            for _, result in piece:
                if result.outcome == "created":
                    result.customer_id = None
        except IntegrityError:
            # Somebody took an id meanwhile: line by line, so that one is refused.
            if len(piece) == 1:
                piece[0][1].errors.append(("externalid", "Another customer has it."))
                piece[0][1].outcome = "rejected"
                return
            for one in piece:
                self._take(actor, [one], rules, dry_run=dry_run)

    def _one(
        self,
        session: Session,
        actor: Actor,
        line: dict[str, str],
        result: RowResult,
        rules: Mapping[str, FieldRule],
    ) -> None:
        fields, custom = _fields(line), _custom(line, rules)
        known = _known(session, fields.get("custom_id", ""))
        owner = _owner_of(session, fields["login"])
        if owner and (known is None or owner != known.id):
            result.errors.append(("login", "Another customer has this sign-in name."))
            return
        now = self._clock.now()
        try:
            with session.begin_nested():
                if known is None:
                    result.customer_id = add(session, actor, now, fields, custom)
                    result.outcome = "created"
                    return
                result.customer_id = known.id
                changed = change(session, actor, known, now, fields, custom)
                result.outcome = "updated" if changed else "unchanged"
        except CustomerInvalid as error:
            result.errors += [_told(one, rules) for one in error.problems]
        except Rejected as error:
            result.errors.append(("externalid", error.user_message))
        except IntegrityError:
            result.errors.append(("externalid", "Another customer has it."))

    def _close(
        self, actor: Actor, name: str, results: list[RowResult], *, dry_run: bool
    ) -> ImportView:
        counts = Counter(one.outcome for one in results)
        with self._store.unit(TenantScope(actor.tenant_id)) as session:
            row = CustomerImport(
                id=new_id("imp"),
                tenant_id=actor.tenant_id,
                name=plain(name)[:200] or "customers.csv",
                dry_run=dry_run,
                state="done",
                counts=dict(counts),
                rows=[document_of(one) for one in results],
                created_by=actor.name[:120],
                created_at=self._clock.now(),
            )
            session.add(row)
            session.flush()
            audit(
                session,
                actor,
                action="customer.import",
                subject=("import", row.id),
                after={"dry_run": dry_run, "counts": dict(counts)},
            )
            return _view(row)


class _Dry(Exception):
    """Takes back what a dry run did."""


def _lines(
    text: str, rules: Mapping[str, FieldRule], most: int
) -> Iterator[dict[str, str]]:
    """The file's lines by column.

    Raises:
        Rejected: The head is wrong, or there are too many lines.
    """
    text = text.removeprefix("\ufeff")
    head = text.splitlines()[0] if text.strip() else ""
    mark = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    names = [one.strip() for one in next(reader, [])]
    columns = [_column(one, rules) for one in names]
    missing = [one for one in REQUIRED if one not in columns]
    if missing:
        told = ", ".join(missing)
        raise Rejected(
            "columns_missing", f"The file lacks the columns {told}.", field="file"
        )
    if len(set(columns)) != len(columns):
        raise Rejected("columns_twice", "A column stands twice.", field="file")
    for number, cells in enumerate(reader, 2):
        if not any(one.strip() for one in cells):
            continue
        if number > most + 1:
            raise Rejected(
                "too_many_lines",
                f"A file has at most {most} customers.",
                field="file",
                remedy="Split it; a line sent twice does no harm.",
            )
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        yield {
            name: value.strip() for name, value in zip(columns, padded, strict=False)
        }


def _column(name: str, rules: Mapping[str, FieldRule]) -> str:
    lower = name.lower()
    if lower in COLUMNS:
        return lower
    key = lower.removeprefix(CUSTOM)
    if lower.startswith(CUSTOM) and key in rules:
        return lower
    known = ", ".join([*COLUMNS, *(f"{CUSTOM}{key}" for key in rules)])
    raise Rejected(
        "column_unknown",
        f"There is no column {name[:60]!r}.",
        field="file",
        remedy=f"Columns are {known}.",
    )


NO_INVITATION = (
    "Customers can't sign in here, so there is nothing to invite to. Enter No, or "
    "leave it empty."
)


def _errors(line: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column in REQUIRED:
        if not line.get(column):
            yield column, "It is required."
    country = line.get("countrycode", "").upper()
    if not line.get("postalcode") and wants_postal_code(country):
        yield "postalcode", "It is required in this country."
    if not line.get("regioncode") and wants_region(country):
        yield "regioncode", "It is required in this country."
    if line.get("accounttype", "").lower() not in ("", "business", "personal"):
        yield "accounttype", "Enter Personal or Business."
    if line.get("sendinvitation", "").lower() not in ("", "yes", "no"):
        yield "sendinvitation", "Enter Yes or No."
    elif _yes(line):
        yield "sendinvitation", NO_INVITATION


def _fields(line: Mapping[str, str]) -> dict[str, str]:
    found = {
        field: line[column]
        for column, field in COLUMNS.items()
        if field and column in line
    }
    found["kind"] = _kind(line)
    person = f"{found['given_name']} {found['family_name']}"
    found["name"] = found.get("company") or person
    if found["kind"] == "personal":
        found["name"] = person
    return found


def _custom(line: Mapping[str, str], rules: Mapping[str, FieldRule]) -> dict[str, str]:
    return {
        rules[name.removeprefix(CUSTOM)].id: value
        for name, value in line.items()
        if name.startswith(CUSTOM)
    }


def _kind(line: Mapping[str, str]) -> str:
    return line.get("accounttype", "").lower()


def _yes(line: Mapping[str, str]) -> bool:
    return line.get("sendinvitation", "").lower() == "yes"


def _told(problem: Problem, rules: Mapping[str, FieldRule]) -> tuple[str, str]:
    for rule in rules.values():
        if rule.id == problem.field:
            return f"{CUSTOM}{rule.key}", problem.text
    return _FIELDS.get(problem.field, problem.field), problem.text


def _known(session: Session, custom_id: str) -> Customer | None:
    if not custom_id:
        return None
    query = select(Customer).where(Customer.custom_id == custom_id)
    return session.scalars(query).first()


def _owner_of(session: Session, login: str) -> str | None:
    query = (
        select(CustomerDetail.customer_id)
        .join(Customer, Customer.id == CustomerDetail.customer_id)
        .where(CustomerDetail.login == login, Customer.state == "active")
    )
    return session.scalars(query).first()


def _view(row: CustomerImport) -> ImportView:
    return ImportView(
        id=row.id,
        name=row.name,
        dry_run=row.dry_run,
        state=row.state,
        counts=row.counts,
        rows=row.rows,
        created_by=row.created_by,
        created_at=row.created_at,
    )
