"""What the reseller writes beside subscriptions, and how a plugin's facts are laid."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from threading import Barrier, BrokenBarrierError

import pytest
from entrepot.hub.subscriptions import notes
from entrepot.hub.subscriptions.panels import laid_out
from entrepot.hub.subscriptions.service import SubscriptionService
from entrepot.hub.subscriptions.tables import SubscriptionRow
from entrepot.sdk.errors import Conflict, NotFound, Rejected
from entrepot.sdk.model import PanelField, PanelPlace, SubscriptionPanel
from entrepot.store import TenantScope
from entrepot.store.actor import ALL_PERMISSIONS, Actor, PermissionDenied
from entrepot.store.audit_tables import AuditEntry, AuditPayload
from sqlalchemy import select


def _bought(store, tenant) -> None:
    with store.unit(TenantScope(tenant)) as session:
        session.add(
            SubscriptionRow(
                id="sub_1", tenant_id=tenant, connection_id="con_1", vendor_id="s-1",
                customer_vendor_id="c-1", sku="A", name="Suite", quantity=Decimal(1),
                status="active", billing_cycle="monthly", row_hash=1,
                known_at=store.clock.now(),
            )
        )  # fmt: skip


def test_a_subscription_is_renamed_by_whoever_saw_the_last_name(store, tenant) -> None:
    owner = Actor("usr_1", "user", tenant, "Ana", ALL_PERMISSIONS)
    viewer = Actor("u", "user", tenant, "V", frozenset({"subscriptions:read"}))
    service = SubscriptionService(store)
    _bought(store, tenant)
    assert service.note(owner, "sub_1").version == 0
    made = service.annotate(owner, "sub_1", version=0, nickname="  Head   office ")
    assert (made.nickname, made.customer_po, made.version) == ("Head office", "", 1)
    with pytest.raises(Conflict):
        service.annotate(owner, "sub_1", version=0, customer_po="PO-1")
    service.annotate(owner, "sub_1", version=1, customer_po="PO-1")
    assert service.note(viewer, "sub_1").nickname == "Head office"
    assert service.get(owner, "sub_1").name == "Suite"
    with pytest.raises(PermissionDenied):
        service.annotate(viewer, "sub_1", version=2, nickname="x")
    with pytest.raises(NotFound):
        service.annotate(owner, "sub_2", version=0, nickname="x")
    with pytest.raises(Rejected, match="longer than 100"):
        service.annotate(owner, "sub_1", version=2, reseller_po="x" * 101)
    with pytest.raises(Rejected, match="not kept by the hub"):
        service.annotate(owner, "sub_1", version=2, quantity="3")
    with store.read(TenantScope(tenant)) as session:
        told = session.execute(
            select(AuditEntry.action, AuditPayload.document)
            .join(AuditPayload, AuditPayload.id == AuditEntry.payload_id)
            .order_by(AuditEntry.seq)
        ).all()
    assert [action for action, _ in told] == ["subscription.annotate"] * 2
    assert told[1][1]["after"] == {"customer_po": "PO-1"}


@pytest.mark.parametrize("version", [0, 1])
def test_of_two_who_write_at_once_one_is_told(
    store, tenant, monkeypatch, version: int
) -> None:
    owner = Actor("usr_1", "user", tenant, "Ana", ALL_PERMISSIONS)
    service, read = SubscriptionService(store), notes._row
    _bought(store, tenant)
    if version:
        service.annotate(owner, "sub_1", version=0, nickname="First")
    together = Barrier(2)

    def write(name: str) -> str:
        try:
            service.annotate(owner, "sub_1", version=version, nickname=name)
        except Conflict as error:
            return error.user_message
        return name

    def reading(session, key, **options):
        row = read(session, key, **options)
        # Where units of work wait for one another, the second does not come this far.
        with suppress(BrokenBarrierError):
            together.wait(0.3)
        return row

    monkeypatch.setattr(notes, "_row", reading)
    with ThreadPoolExecutor(2) as people:
        told = sorted(people.map(write, ("A", "B")))
    monkeypatch.setattr(notes, "_row", read)
    assert told[1] == "Somebody else changed this meanwhile."
    assert service.note(owner, "sub_1").nickname == told[0]
    assert service.note(owner, "sub_1").version == version + 1


def test_panels_appear_for_their_products_and_what_they_have() -> None:
    def panel(name, place, *attributes, products=()):
        fields = tuple(PanelField(attribute=one, label=one * 2) for one in attributes)
        return SubscriptionPanel(
            name=name, title=name, fields=fields, place=place, products=products
        )

    panels = (
        panel("first", PanelPlace.ADDITIONAL, "a"),
        panel("rights", PanelPlace.ENTITLEMENTS, "b"),
        panel("empty", PanelPlace.TAB, "never"),
        panel("other", PanelPlace.TAB, "c", products=("other-",)),
        panel("mine", PanelPlace.TAB, "c", "a", products=("mine-",)),
    )
    given = {"z_y": "9", "a": "1", "b": "2", "c": "3", "d": ""}
    found = laid_out(panels, "mine-1", given)
    assert [(one.label, one.value) for one in found.additional] == [
        ("aa", "1"),
        ("Z y", "9"),
    ]
    assert [one.name for one in found.entitlements] == ["rights"]
    assert [one.name for one in found.tabs] == ["mine"]
    assert [one.value for one in found.tabs[0].fields] == ["3", "1"]
    bare = laid_out((), "x", given)
    assert [one.label for one in bare.additional] == ["Z y", "A", "B", "C"]
    assert not bare.tabs
