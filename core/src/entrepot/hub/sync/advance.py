"""What a followed change feed proves: nothing else changed, so the lists hold on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from entrepot.hub.sync.intake import RunInfo
from entrepot.hub.sync.tables import SyncMemory, SyncScope
from entrepot.sdk.model import Listing, PluginInfo, PluginKind


def covered(info: PluginInfo) -> tuple[str, ...]:
    """Streams of which a change is told, and then read, customer by customer.

    Those that only a whole listing tells about (offers, a PSA's companies) are not
    among them: no word about them proves nothing.
    """
    can = info.capabilities
    if info.kind is PluginKind.PSA:
        return ("agreements", *(("lines",) if can.lines is not Listing.NONE else ()))
    per_customer = (
        ("customers", can.customer_details),
        ("subscriptions", can.subscriptions is Listing.PER_CUSTOMER),
        ("contacts", can.contacts is Listing.PER_CUSTOMER),
        ("orders", can.orders is Listing.PER_CUSTOMER),
    )
    return tuple(name for name, is_covered in per_customer if is_covered)


def advance(session: Session, run: RunInfo, info: PluginInfo, asked: datetime) -> None:
    """Note that what was complete before is complete as of the feed's answer.

    Call it when everything the feed named was read again, or noted as unread. What
    was incomplete stays so, and nothing goes back in time.

    Args:
        session: Of the run's unit.
        run: On whose behalf.
        info: The plugin's; its feed may tell late, by the overlap it declares.
        asked: When the feed was asked.
    """
    late = timedelta(seconds=info.capabilities.change_feed_overlap_seconds)
    moment, streams = asked - late, covered(info)
    unread = aliased(SyncScope)
    doubtful = select(unread.scope).where(
        unread.tenant_id == run.tenant_id,
        unread.connection_id == run.connection_id,
        unread.complete.is_(False),
        unread.scope != "",
    )
    certain = (SyncScope.complete.is_(True), SyncScope.scope.not_in(doubtful))
    for table, more in ((SyncScope, certain), (SyncMemory, ())):
        session.execute(
            update(table)
            .where(
                table.tenant_id == run.tenant_id,
                table.connection_id == run.connection_id,
                table.stream.in_(streams),
                table.complete_at < moment,
                *more,
            )
            .values(complete_at=moment)
            .execution_options(synchronize_session=False)
        )
