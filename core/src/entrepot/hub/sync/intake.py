"""Taking in pages: hash, skip what is known, decode and write the rest."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from entrepot.hub.customers.rows import customer_row
from entrepot.hub.customers.tables import Customer, CustomerAccount
from entrepot.hub.psa.tables import PsaAgreement
from entrepot.hub.sync import memory as hashing
from entrepot.hub.sync.bulk import BulkWriter, Incoming, Merged, Origin
from entrepot.hub.sync.memory import HashMemory
from entrepot.hub.sync.targets import TARGETS
from entrepot.sdk.model import BillingLock, Page, RawItems, VendorCustomer
from entrepot.store.scope import TenantScope
from entrepot.store.search import fold
from entrepot.store.unit import Store

log = logging.getLogger(__name__)

ITEMS_VERSION = "records-1"  # of listings that come as records, not as raw items
NO_CONTENT = 0  # hash of an account that was not read wholly yet: no listing has it


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The run on whose behalf pages are taken in."""

    run_id: str
    tenant_id: str
    connection_id: str

    @property
    def scope(self) -> TenantScope:
        """The reseller's scope."""
        return TenantScope(self.tenant_id)


@dataclass(slots=True)
class Intake:
    """Collects pages of one stream and writes what changed, in batches.

    Attributes:
        store: The hub's database.
        run: On whose behalf.
        stream: Name of the target.
        memory: What is known.
        memory_version: Mapping version of the listing; hashes of another one differ.
        empty: The connection holds no object of this stream yet.
        counts: Read, new, changed, back, same, stale, duplicates, undecodable.
        detail: Reads the full record where a listing gave a part; None = never.
    """

    store: Store
    run: RunInfo
    stream: str
    memory: HashMemory
    memory_version: str
    empty: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    detail: Callable[[Sequence[Any]], list[Any]] | None = None
    _pending: list[Incoming] = field(default_factory=list)
    _read_at: datetime | None = None
    _locks: list[tuple[BillingLock, datetime]] = field(default_factory=list)
    _accounts: dict[str, str] | None = None

    @property
    def waiting(self) -> int:
        """How many objects wait to be written."""
        return len(self._pending)

    def take(self, page: Page[Any], read_at: datetime) -> None:
        """Take in one page."""
        self.counts["read"] += len(page)
        self._pending += self._incoming(page)
        if self._read_at is None or read_at < self._read_at:
            self._read_at = read_at

    def take_lock(self, lock: BillingLock, read_at: datetime) -> None:
        """Take in how far an agreement is invoiced."""
        self._locks.append((lock, read_at))

    def flush(self, also: Callable[[Session], None]) -> None:
        """Write what is waiting, and `also`, in one unit of work."""
        try:
            self._flush(also, empty=self.empty)
        except self._unique_violations():
            # A page came twice while the connection was still empty.
            self.empty = False
            self._flush(also, empty=False)
        self._pending, self._locks, self._read_at = [], [], None

    def _flush(self, also: Callable[[Session], None], *, empty: bool) -> None:
        done = Merged()
        with self.store.unit(self.run.scope) as session:
            if self._pending and self._read_at is not None:
                done = self._merge(session, self._read_at, empty=empty)
            for lock, read_at in self._locks:
                store_lock(session, self.run, lock, read_at)
            # Before the checkpoint is saved, so that it holds this batch as well.
            self.memory.wrote(done.new_hashes, done.old_hashes)
            also(session)

    def _merge(self, session: Session, read_at: datetime, *, empty: bool) -> Merged:
        origin = Origin(
            tenant_id=self.run.tenant_id,
            connection_id=self.run.connection_id,
            run_id=self.run.run_id,
            read_at=read_at,
        )
        if self.stream == "customers":
            done = merge_accounts(session, self._pending, origin, empty=empty)
        elif self.stream == "subscriptions":
            accounts = self._account_ids(session)
            writer = BulkWriter(
                TARGETS[self.stream],
                extra_always=(
                    ("account_id", lambda one: accounts.get(one.customer_id, "")),
                ),
            )
            done = writer.merge(session, self._pending, origin, empty=empty)
        else:
            writer = BulkWriter(TARGETS[self.stream])
            done = writer.merge(session, self._pending, origin, empty=empty)
        self._count(done)
        return done

    def _count(self, done: Merged) -> None:
        for name in ("new", "changed", "back", "same", "stale"):
            self.counts[name] += getattr(done, name)
        self.counts["duplicates"] += done.repeated

    def _incoming(self, page: Page[Any]) -> list[Incoming]:
        target, raw = TARGETS[self.stream], page.raw
        items, hashes = self._unknown(page)
        if raw is not None:
            if self.detail is None:
                with contextlib.suppress(Exception):  # each is tried, and logged, below
                    return Incoming.of(target, map(raw.decode, items), hashes)
            items, hashes = self._decodable(raw, items, hashes)
        if self.detail is not None and items:
            items = self.detail(items)
            hashes = [
                row_hash if record.detail_complete else NO_CONTENT
                for record, row_hash in zip(items, hashes, strict=True)
            ]
        return Incoming.of(target, items, hashes)

    def _unknown(self, page: Page[Any]) -> tuple[list[Any], list[int]]:
        """The page's unknown items, raw or as records, with their signed hashes."""
        raw = page.raw
        if raw is None:
            inputs = [msgspec.json.encode(record) for record in page.items]
            self.memory_version = ITEMS_VERSION
        else:
            project = raw.project
            inputs = (
                list(raw.items)
                if project is None
                else [project(item) for item in raw.items]
            )
            self.memory_version = raw.mapping_version
        seed = hashing.seed_of(self.memory_version)
        hashes = hashing.content_hashes(inputs, seed)
        before = self.memory.duplicates
        unknown = self.memory.note(hashes)
        self.counts["duplicates"] += self.memory.duplicates - before
        places = unknown.nonzero()[0].tolist()
        signed = hashes.view(hashing.SIGNED)[unknown].tolist()
        if raw is None:
            return [page.items[place] for place in places], signed
        return [raw.items[place] for place in places], signed

    def _decodable(
        self, raw: RawItems[Any], items: Sequence[bytes], hashes: Sequence[int]
    ) -> tuple[list[Any], list[int]]:
        """One object that the plugin cannot read must not hide all others."""
        records: list[Any] = []
        kept: list[int] = []
        for item, row_hash in zip(items, hashes, strict=True):
            try:
                records.append(raw.decode(item))
                kept.append(row_hash)
            except Exception:
                log.exception("%s: an item of %s", self.run.connection_id, self.stream)
                self.counts["undecodable"] += 1
        return records, kept

    def _account_ids(self, session: Session) -> dict[str, str]:
        if self._accounts is None:
            rows = session.execute(
                select(CustomerAccount.vendor_id, CustomerAccount.id).where(
                    CustomerAccount.tenant_id == self.run.tenant_id,
                    CustomerAccount.connection_id == self.run.connection_id,
                )
            )
            self._accounts = dict(rows.all())
        return self._accounts

    def _unique_violations(self) -> tuple[type[BaseException], ...]:
        driver = self.store.engine.dialect.loaded_dbapi.IntegrityError
        return (IntegrityError, driver)


def merge_accounts(
    session: Session,
    batch: Sequence[Incoming],
    origin: Origin,
    *,
    empty: bool = False,
    force: bool = False,
) -> Merged:
    """Write customer accounts; a new account brings a customer of the hub with it.

    A part of a customer, whose details could not be read, never replaces the whole.
    """
    fresh: list[dict[str, Any]] = []

    def new_customer(record: VendorCustomer) -> str:
        row = customer_row(record.name, origin.tenant_id, origin.read_at)
        row["search_text"] = fold(f"{record.name} {record.domain}")
        fresh.append(row)
        return str(row["id"])

    writer = BulkWriter(TARGETS["customers"], extra=(("customer_id", new_customer),))
    parts = {item.record.vendor_id for item in batch if _is_part(item)}
    if parts and not empty:
        kept = writer.known(session, origin.connection_id, parts)
        batch = [
            item
            for item in batch
            if not _is_part(item) or item.record.vendor_id not in kept
        ]
    done = writer.merge(session, batch, origin, empty=empty, force=force)
    if fresh:
        session.execute(insert(Customer), fresh)
    return done


def _is_part(item: Incoming) -> bool:
    return item.row_hash == NO_CONTENT and not item.record.detail_complete


def store_lock(
    session: Session, run: RunInfo, lock: BillingLock, read_at: datetime
) -> None:
    """Keep how far an agreement is invoiced; an unchanged lock writes nothing."""
    row = session.execute(
        select(PsaAgreement).where(
            PsaAgreement.connection_id == run.connection_id,
            PsaAgreement.vendor_id == lock.agreement_id,
        )
    ).scalar_one_or_none()
    if row is None:
        return
    values = {
        "lock_known": lock.known,
        "lock_through": lock.locked_through,
        "lock_next_invoice": lock.next_invoice,
        "lock_mode": lock.billing_mode.value,
        "lock_periods": msgspec.to_builtins(lock.periods),
        "lock_reason": lock.reason,
    }
    values["lock_periods"] = list(values["lock_periods"])
    same = all(getattr(row, name) == value for name, value in values.items())
    if same and row.lock_read_at is not None:
        return
    session.execute(
        update(PsaAgreement)
        .where(PsaAgreement.id == row.id, PsaAgreement.tenant_id == run.tenant_id)
        .values(**values, lock_read_at=read_at)
    )
