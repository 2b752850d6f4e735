"""Finding what a run brought that is worth telling, set by set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import and_, exists, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from entrepot.hub.customers.tables import CustomerAccount
from entrepot.hub.customers.upkeep import PIECE, derive
from entrepot.hub.notifications import rules
from entrepot.hub.notifications.choices import Choices
from entrepot.hub.notifications.owners import owners_of
from entrepot.hub.notifications.tables import CustomerNotification
from entrepot.hub.notifications.words import plain_day
from entrepot.hub.reconciliation.rules.kinds import CATALOGUE, Kind, Severity
from entrepot.hub.reconciliation.rules.lifecycle import SILENT
from entrepot.hub.reconciliation.tables import ReconIssue
from entrepot.hub.subscriptions.tables import SubscriptionFact, SubscriptionRow
from entrepot.hub.sync.tables import SyncRun, SyncScope
from entrepot.store.ids import new_ids

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment of an account that was never read completely."""

_PIECE = 500  # rows read at once: a first reading may bring very many

Found = dict[str, Any]
"""Columns of a notification that is not written yet."""

_CHANGED = text("subscription_fact.change <> 'new'")  # as the index says it
_MONTHLY = ("", "P1M")
_TABLE: Any = CustomerNotification.__table__
_MONEY_WRONG = [
    kind.value for kind in Kind if CATALOGUE[kind].severity is Severity.ERROR
]


def of_reading(
    session: Session, run: SyncRun, choices: Choices, now: datetime
) -> list[Found]:
    """Return what a reading of a vendor brought, whoever it is about.

    Args:
        session: A read or unit in the reseller's scope.
        run: The closed reading.
        choices: What is told of whom.
        now: From when on renewals lie ahead.
    """
    found = [*_changes(session, run), *_unreadable(session, run)]
    if run.mode != "customer":
        found += _renewals(session, run, choices, now)
    choices.load(session, {one["customer_id"] for one in found})
    return [one for one in found if _wanted(one, choices, now)]


def has_renewals(session: Session, run: SyncRun, tenant_id: str) -> bool:
    """Whether time has brought renewals near that nobody was told of.

    Args:
        session: A read or unit in the reseller's scope.
        run: The reading, which itself changed nothing.
        tenant_id: The reseller.
    """
    now, choices = session.info["clock"].now(), Choices(session, tenant_id)
    found = _renewals(session, run, choices, now)
    while piece := list(islice(found, _PIECE)):
        choices.load(session, {one["customer_id"] for one in piece})
        if any(_wanted(one, choices, now) for one in piece):
            return True
    return False


def of_comparison(
    session: Session, psa_connection_id: str, run_id: str, choices: Choices
) -> list[Found]:
    """Return the differences of money that a comparison found first."""
    rows = session.execute(
        select(ReconIssue).where(
            ReconIssue.psa_connection_id == psa_connection_id,
            ReconIssue.is_open.is_(True),
            ReconIssue.first_run == run_id,
            ReconIssue.kind.in_(_MONEY_WRONG),
            ReconIssue.state.not_in(sorted(SILENT)),
        )
    ).scalars()
    issues = list(rows)
    owners = owners_of(session, psa_connection_id, issues)
    found = [
        _difference(issue, owners[issue.id]) for issue in issues if issue.id in owners
    ]
    choices.load(session, {one["customer_id"] for one in found})
    return [one for one in found if one["kind"] in choices.of(one["customer_id"]).kinds]


def write(
    session: Session, tenant_id: str, source: str, found: list[Found], now: datetime
) -> int:
    """Write notifications that are not written yet, and count those of customers.

    Returns:
        How many are the source's own.
    """
    if found:
        dialect = session.get_bind().dialect.name
        insert = (postgresql if dialect == "postgresql" else sqlite).insert
        common = {"tenant_id": tenant_id, "source": source, "created_at": now}
        ids = new_ids("ntf", len(found))
        session.execute(
            insert(_TABLE).on_conflict_do_nothing(),
            [
                {**one, **common, "id": id_, "state": "new"}
                for id_, one in zip(ids, found, strict=True)
            ],
        )
        told = sorted({one["customer_id"] for one in found})
        for start in range(0, len(told), PIECE):
            derive(session, tenant_id, told[start : start + PIECE])
    own = select(func.count()).where(CustomerNotification.source == source)
    return session.scalar(own) or 0


def _wanted(one: Found, choices: Choices, now: datetime) -> bool:
    choice = choices.of(one["customer_id"])
    if one["kind"] not in choice.kinds:
        return False
    late = one["kind"] == rules.RENEWAL
    return not late or rules.is_due(one["fact_at"], now, choice.renewal_days)


def _changes(session: Session, run: SyncRun) -> Iterator[Found]:
    fact, row = SubscriptionFact, SubscriptionRow
    before, any_earlier = aliased(SubscriptionFact), aliased(SubscriptionFact)
    earlier = (
        select(func.max(any_earlier.known_at))
        .where(
            any_earlier.tenant_id == fact.tenant_id,
            any_earlier.object_id == fact.object_id,
            any_earlier.known_at < fact.known_at,
        )
        .correlate(fact)
        .scalar_subquery()
    )
    query = (
        select(
            fact.object_id, fact.known_at, fact.change, fact.quantity, fact.payload,
            before.change.label("old_change"), before.quantity.label("old_quantity"),
            before.payload.label("old_payload"), row.name, row.friendly_name,
            CustomerAccount.customer_id,
        )
        .select_from(fact)
        .join(before, and_(before.object_id == fact.object_id,
                           before.known_at == earlier))
        .join(row, row.id == fact.object_id)
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(
            fact.connection_id == run.connection_id,
            fact.known_at >= run.started_at,
            _CHANGED,
            fact.run_id == run.id,
        )
        .execution_options(yield_per=_PIECE)
    )  # fmt: skip
    for one in session.execute(query):
        old = _state(one.old_change, one.old_payload, one.old_quantity)
        new = _state(one.change, one.payload, one.quantity)
        for kind in rules.changes(old, new):
            units = {"before": _plain(old.quantity), "after": _plain(new.quantity)}
            facts = rules.subscription_facts(
                one, **(units if kind == rules.QUANTITY else {})
            )
            yield _found(one, kind, one.object_id, one.known_at, facts)


def _state(change: str, payload: Mapping[str, Any], quantity: Decimal) -> rules.State:
    status = "ended" if change == "gone" else str(payload.get("status", "unknown"))
    return rules.State(status=status, quantity=quantity)


def _renewals(
    session: Session, run: SyncRun, choices: Choices, now: datetime
) -> Iterator[Found]:
    row, known = SubscriptionRow, CustomerNotification
    told = exists().where(
        known.tenant_id == row.tenant_id,
        known.subject_id == row.id,
        known.kind == rules.RENEWAL,
        known.fact_at == row.term_end,
    )
    query = (
        select(
            row.id, row.name, row.friendly_name, row.term_end, row.auto_renew,
            CustomerAccount.customer_id,
        )
        .select_from(row)
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .where(
            row.connection_id == run.connection_id,
            row.term_end > now,
            row.term_end <= now + timedelta(days=choices.longest(session)),
            row.term.not_in(_MONTHLY),
            row.status.in_(("active", "suspended")),
            row.gone_at.is_(None),
            ~told,
        )
        .execution_options(yield_per=_PIECE)
    )  # fmt: skip
    for one in session.execute(query):
        facts = rules.subscription_facts(
            one, date=plain_day(one.term_end), auto_renew=one.auto_renew
        )
        yield _found(one, rules.RENEWAL, one.id, one.term_end, facts)


def _unreadable(session: Session, run: SyncRun) -> Iterator[Found]:
    """Accounts that could not be read, each once until it was read again."""
    query = (
        select(
            CustomerAccount.id, CustomerAccount.customer_id, SyncScope.reason,
            SyncScope.complete_at,
        )
        .select_from(SyncScope)
        .join(
            CustomerAccount,
            and_(
                CustomerAccount.connection_id == SyncScope.connection_id,
                CustomerAccount.vendor_id == SyncScope.scope,
            ),
        )
        .where(
            SyncScope.connection_id == run.connection_id,
            SyncScope.stream == "subscriptions",
            SyncScope.run_id == run.id,
            SyncScope.complete.is_(False),
            CustomerAccount.gone_at.is_(None),
        )
    )  # fmt: skip
    for one in session.execute(query):
        at = one.complete_at or NEVER
        facts = {"reason": one.reason}
        yield _found(one, rules.UNREADABLE, one.id, at, facts, of="account")


def _found(
    row: Any,  # noqa: ANN401 - a row with its customer
    kind: str,
    subject: str,
    at: datetime,
    facts: dict[str, Any],
    of: str = "subscription",
) -> Found:
    return {
        "customer_id": row.customer_id,
        "kind": kind,
        "subject_kind": of,
        "subject_id": subject,
        "fact_at": at,
        "facts": facts,
    }


def _difference(issue: ReconIssue, customer_id: str) -> Found:
    impact = issue.impact_recurring
    money = (
        {} if impact is None else {"amount": str(impact), "currency": issue.currency}
    )
    return {
        "customer_id": customer_id,
        "kind": rules.DIFFERENCE,
        "subject_kind": "issue",
        "subject_id": issue.id,
        "fact_at": issue.first_seen,
        "facts": {"title": CATALOGUE[Kind(issue.kind)].title, **money},
    }


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
