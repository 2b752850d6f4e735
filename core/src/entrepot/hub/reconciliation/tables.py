"""Tables: rules, links, runs, issues, decisions, plans."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.store import (
    Base,
    JsonText,
    MoneyTotal,
    Quantity,
    TenantOwned,
    UtcDateTime,
)
from entrepot.store.facts import FactMixin


class ReconRule(TenantOwned, Base):
    """A decision about a PSA connection, one of the kinds of `rulebook.RULE_KINDS`.

    `company_id` and `product_id` are the PSA's ids; empty = any. `body` holds the
    kind's own fields as texts. Rows are replaced, never edited: what held when is in
    the audit log and in the inputs that runs keep.
    """

    __tablename__ = "recon_rule"
    __table_args__ = (
        Index("ix_recon_rule_psa_connection_id", "psa_connection_id", "kind"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    company_id: Mapped[str] = mapped_column(String(200), default="")
    product_id: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")
    author: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(default=1)


class LineLinkRow(TenantOwned, Base):
    """Ties a PSA line to the subscriptions it stands for.

    `state` is ``active``, ``detached`` or ``unmanaged``. `subscriptions` are our ids.
    `verified_token` is the line's change token when the hub last read back what it
    wrote or adopted; another token means that somebody else changed the line.
    """

    __tablename__ = "line_link"
    __table_args__ = (
        Index(
            "uq_line_link_psa_connection_id_line_id",
            "psa_connection_id",
            "line_id",
            unique=True,
        ),
        Index("ix_line_link_company", "psa_connection_id", "company_id"),
        # Everything that comparing sums asks of a link, so that it reads no rows.
        Index(
            "ix_line_link_covering",
            "psa_connection_id",
            "line_id",
            "state",
            "role",
            "tenant_id",
        ),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    line_id: Mapped[str] = mapped_column(String(200))
    company_id: Mapped[str] = mapped_column(String(200))
    agreement_id: Mapped[str] = mapped_column(String(200))
    product_id: Mapped[str] = mapped_column(String(200))
    subscriptions: Mapped[list[str]] = mapped_column(JsonText, default=list)
    role: Mapped[str] = mapped_column(String(20), default="main")
    origin: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="active")
    external_ref: Mapped[str] = mapped_column(String(200), default="")
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    verified_token: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReconRun(TenantOwned, Base):
    """One comparison.

    `state` is ``queued``, ``running``, ``ok``, ``partial`` or ``failed``; `scope` is
    ``all``, ``company:<id>`` or ``customer:<id>``; `level` 2 also looks at closed
    periods. `counts` holds companies,
    examined, detailed, failed, new, changed and healed; `input_versions` when each
    connection was last read completely; `not_proposed` the money of closed periods
    too old to be proposed. `general` gathers findings above customers
    until the run closes.
    """

    __tablename__ = "recon_run"
    __table_args__ = (
        Index("ix_recon_run_tenant_id_id", "tenant_id", "id"),
        Index("ix_recon_run_psa_connection_id", "psa_connection_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    scope: Mapped[str] = mapped_column(String(250))
    level: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(20))
    cause: Mapped[str] = mapped_column(String(40), default="")
    requested_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    as_of: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(20), default="")
    because: Mapped[str] = mapped_column(Text, default="")
    counts: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    totals: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    input_versions: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    failures: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    brake: Mapped[str] = mapped_column(Text, default="")
    not_proposed: Mapped[Decimal] = mapped_column(MoneyTotal, default=Decimal(0))
    general: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)


class ReconTodo(TenantOwned, Base):
    """Companies a running comparison still has to look at in detail."""

    __tablename__ = "recon_todo"

    run_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(10))  # company or customer
    subject: Mapped[str] = mapped_column(String(250))


class ReconCombo(TenantOwned, Base):
    """What one kind of subscription should be billed as, for comparing sums.

    One row per combination that occurs, worked out by the rules and kept until the
    rules make something else of it; `price` and `cost`
    are unit amounts scaled as the columns they are compared with, `billed_in` is the
    currency after the offer's was taken where the vendor names none. `plain` is false
    where sums can't tell enough; such keys are always looked at in detail. The key
    begins with what differs most: it is looked up once for every subscription.
    """

    __tablename__ = "recon_combo"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sku: Mapped[str] = mapped_column(String(200), primary_key=True)
    offer_key: Mapped[str] = mapped_column(String(300), primary_key=True)
    unit_cost: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # -1 = none
    product_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    term: Mapped[str] = mapped_column(String(20), primary_key=True)
    billing_cycle: Mapped[str] = mapped_column(String(20), primary_key=True)
    segment: Mapped[str] = mapped_column(String(50), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    psa_connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    billed_in: Mapped[str] = mapped_column(String(3), default="")
    psa_product: Mapped[str] = mapped_column(String(200), default="")
    price: Mapped[int | None] = mapped_column(BigInteger)
    cost: Mapped[int | None] = mapped_column(BigInteger)
    plain: Mapped[bool]


class ReconMemory(TenantOwned, Base):
    """What the last look at sums was based on, so that the next looks at less.

    `as_of` is that look's moment, `basis` and `judged` are digests of what all
    companies share and of what kinds of subscriptions were judged by, `companies` a
    digest per company of what a look at its rows' times can't show: where it is
    billed, and how many rows it has.
    """

    __tablename__ = "recon_memory"

    psa_connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    basis: Mapped[str] = mapped_column(String(64))
    judged: Mapped[str] = mapped_column(String(64))
    companies: Mapped[dict[str, int]] = mapped_column(JsonText)


class ReconCoverage(TenantOwned, Base):
    """What may be said of one company, or of one unmapped customer, by now.

    `by_sums`: its sums agree, and nothing was decided about its lines since.
    """

    __tablename__ = "recon_coverage"

    psa_connection_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    scope: Mapped[str] = mapped_column(String(250), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    run_id: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[str] = mapped_column(String(20))
    because: Mapped[str] = mapped_column(Text, default="")
    subscriptions: Mapped[int] = mapped_column(default=0)
    lines: Mapped[int] = mapped_column(default=0)
    keys: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    issues: Mapped[int] = mapped_column(default=0)
    by_sums: Mapped[bool] = mapped_column(default=False)


class ReconIssue(TenantOwned, Base):
    """One occurrence of one difference. At most one row of a fingerprint is open.

    `is_open` is false in the states ``resolved``, ``self_healed`` and ``superseded``.
    Ids of companies, agreements, products and lines are the PSA's; `subscriptions`
    are ours.
    """

    __tablename__ = "recon_issue"
    __table_args__ = (
        Index(
            "uq_recon_issue_open",
            "psa_connection_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("is_open"),
            sqlite_where=text("is_open"),
        ),
        Index("ix_recon_issue_tenant_id_id", "tenant_id", "id"),
        Index("ix_recon_issue_company", "psa_connection_id", "company_id", "is_open"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(40))
    severity: Mapped[str] = mapped_column(String(10))
    company_id: Mapped[str] = mapped_column(String(200), default="")
    agreement_id: Mapped[str] = mapped_column(String(200), default="")
    product_id: Mapped[str] = mapped_column(String(200), default="")
    vendor_connection_id: Mapped[str] = mapped_column(String(40), default="")
    vendor_customer_id: Mapped[str] = mapped_column(String(200), default="")
    sku: Mapped[str] = mapped_column(String(200), default="")
    field: Mapped[str] = mapped_column(String(40), default="")
    subject: Mapped[str] = mapped_column(String(250), default="")
    expected: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    actual: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    delta: Mapped[Decimal | None] = mapped_column(Quantity)
    impact_recurring: Mapped[Decimal | None] = mapped_column(MoneyTotal)
    impact_once: Mapped[Decimal | None] = mapped_column(MoneyTotal)
    cost_impact: Mapped[Decimal | None] = mapped_column(MoneyTotal)
    currency: Mapped[str] = mapped_column(String(3), default="")
    estimated: Mapped[bool] = mapped_column(default=False)
    count: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str] = mapped_column(Text, default="")
    lines: Mapped[list[str]] = mapped_column(JsonText, default=list)
    subscriptions: Mapped[list[str]] = mapped_column(JsonText, default=list)
    annotations: Mapped[list[dict[str, str]]] = mapped_column(JsonText, default=list)
    proposal: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    state: Mapped[str] = mapped_column(String(20))
    is_open: Mapped[bool] = mapped_column(Boolean)
    value_hash: Mapped[str] = mapped_column(String(64))
    occurrence: Mapped[int] = mapped_column(default=1)
    silent_by: Mapped[str] = mapped_column(String(20), default="")
    silent_scope: Mapped[str] = mapped_column(String(20), default="")
    silent_until: Mapped[date | None] = mapped_column(Date)
    silent_hash: Mapped[str] = mapped_column(String(64), default="")
    first_seen: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen: Mapped[datetime] = mapped_column(UtcDateTime)
    known_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # of its last fact
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_run: Mapped[str] = mapped_column(String(200))
    last_run: Mapped[str] = mapped_column(String(200))
    previous_id: Mapped[str] = mapped_column(String(40), default="")
    ticket_id: Mapped[str] = mapped_column(String(200), default="")
    version: Mapped[int] = mapped_column(default=1)


class ReconIssueFact(FactMixin, Base):
    """What was known of an issue from `known_at` on; append-only."""

    __tablename__ = "recon_issue_fact"


class ReconDecision(TenantOwned, Base):
    """What somebody decided about an issue, and on which values."""

    __tablename__ = "recon_decision"
    __table_args__ = (Index("ix_recon_decision_issue_id", "issue_id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    issue_id: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(64))
    resolution: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str] = mapped_column(String(20), default="")
    until: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text, default="")
    value_hash: Mapped[str] = mapped_column(String(64))
    actor_id: Mapped[str] = mapped_column(String(60))
    actor_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    result: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)


class GapLedger(TenantOwned, Base):
    """What a catch-up settled of a key's closed period; rows are only added.

    A later change of truth is only reported as far as it goes beyond their sum.
    `line_id` is the PSA's, empty where people settled it otherwise.
    """

    __tablename__ = "gap_ledger"
    __table_args__ = (
        Index("ix_gap_ledger_company", "psa_connection_id", "company_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    company_id: Mapped[str] = mapped_column(String(200))
    agreement_id: Mapped[str] = mapped_column(String(200))
    product_id: Mapped[str] = mapped_column(String(200))
    period_start: Mapped[date] = mapped_column(Date)
    unit_days: Mapped[Decimal] = mapped_column(Quantity)
    amount: Mapped[Decimal] = mapped_column(MoneyTotal)
    currency: Mapped[str] = mapped_column(String(3), default="")
    line_id: Mapped[str] = mapped_column(String(200), default="")
    issue_id: Mapped[str] = mapped_column(String(40), default="")
    settled_by: Mapped[str] = mapped_column(String(200))
    settled_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")


class ReconPlan(TenantOwned, Base):
    """Exact operations for some issues, to be approved and applied.

    `state` is ``draft``, ``approved``, ``applying``, ``verifying``, ``done``,
    ``stale``, ``failed``, ``unknown`` or ``discarded``. An approval holds for one
    `digest` only.
    """

    __tablename__ = "recon_plan"
    __table_args__ = (Index("ix_recon_plan_tenant_id_id", "tenant_id", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40))
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    issues: Mapped[list[str]] = mapped_column(JsonText, default=list)
    digest: Mapped[str] = mapped_column(String(64))
    preview: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    not_pushed: Mapped[list[dict[str, Any]]] = mapped_column(JsonText, default=list)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[str] = mapped_column(String(200), default="")
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approval_reason: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    run_id: Mapped[str] = mapped_column(String(200), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)


class ReconPlanPart(TenantOwned, Base):
    """One key of a plan with the ground it stands on.

    `proposal` is the whole proposal; `inputs` the compressed records it was made
    from, so that it can be explained later. `state` is ``draft``, ``approved``,
    ``skipped``, ``applying``, ``done``, ``stale``, ``failed`` or ``unknown``.
    """

    __tablename__ = "recon_plan_part"

    plan_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    company_id: Mapped[str] = mapped_column(String(200))
    agreement_id: Mapped[str] = mapped_column(String(200))
    product_id: Mapped[str] = mapped_column(String(200))
    issues: Mapped[list[str]] = mapped_column(JsonText, default=list)
    proposal: Mapped[dict[str, Any]] = mapped_column(JsonText)
    inputs: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    state: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text, default="")


class ReconOperation(TenantOwned, Base):
    """One write of a plan, with what was there before and after.

    `state` is ``planned``, ``skipped``, ``done``, ``rejected`` or ``unknown``.
    `reference` is ours at the PSA, one per operation.
    """

    __tablename__ = "recon_operation"
    __table_args__ = (
        Index("uq_recon_operation_reference", "reference", unique=True),
        Index("ix_recon_operation_line", "psa_connection_id", "line_id"),
    )

    plan_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String(40), index=True)
    psa_connection_id: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(60))
    do: Mapped[str] = mapped_column(String(20))
    agreement_id: Mapped[str] = mapped_column(String(200))
    line_id: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    calls: Mapped[list[dict[str, str]]] = mapped_column(JsonText, default=list)
    state: Mapped[str] = mapped_column(String(20))
    before: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    after: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    request_id: Mapped[str] = mapped_column(String(200), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
