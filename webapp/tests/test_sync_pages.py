"""Sync runs: the history chart, what was read so far, what was left out, retry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from entrepot.hub.sync.tables import SyncCheckpoint, SyncRun, SyncScope
from entrepot.store import TenantScope


@pytest.fixture
def database_kind() -> str:
    """Reading is tried on both databases elsewhere."""
    return "sqlite"


@pytest.fixture
def running(web, store, tenant, books) -> str:
    """Id of a run under way, with a stream half read and one customer refused."""
    now = web.hub.clock.now()
    run_id = f"sync:{books.vendor}:crawl:now"
    shared = {"tenant_id": tenant, "run_id": run_id, "connection_id": books.vendor}
    with store.unit(TenantScope(tenant)) as session:
        session.add(
            SyncRun(
                id=run_id,
                tenant_id=tenant,
                connection_id=books.vendor,
                stream="crawl",
                mode="full",
                state="running",
                created_at=now,
                started_at=now - timedelta(seconds=90),
            )
        )
        session.add(
            SyncCheckpoint(
                stream="subscriptions",
                cursor={},
                seen=b"",
                added=b"",
                replaced=b"",
                counts={"read": 7912, "new": 4, "changed": 214, "gone": 1},
                saved_at=now,
                **shared,
            )
        )
        session.add(
            SyncScope(
                stream="subscriptions",
                scope="c-403",
                complete=False,
                attempted_at=now,
                reason="The vendor refused this customer.",
                **shared,
            )
        )
    return run_id


def test_run_under_way_tells_counts_so_far_and_what_it_left_out(
    browser, web, store, tenant, running
) -> None:
    path = f"/sync-runs/{running}/progress"
    first = browser.get(path)
    for part in ("What was read so far", "7,912", "214", "c-403", "Cancel run"):
        assert part in first.text
    assert "The vendor refused this customer." in first.text
    same = browser.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304
    with store.unit(TenantScope(tenant)) as session:
        row = session.get(SyncRun, running)
        row.state, row.ended_at = "incomplete", web.hub.clock.now()
        row.incomplete_reason = "One customer was refused."
        row.counts = {"subscriptions": {"read": 8000, "new": 5}}
    ended = browser.get(f"/sync-runs/{running}").text
    for part in ("8,000", "One customer was refused.", "Read again"):
        assert part in ended
    assert "data-live" not in ended.split('<div id="run"')[1].split(">")[0]


def test_chart_shows_how_runs_ended_and_leads_to_them(
    browser, web, tenant, books, running
) -> None:
    html = browser.get("/sync-runs").text
    chart = html.split('<svg class="chart"')[1].split("</svg>")[0]
    assert chart.count("<rect") == 18
    assert chart.count("bar-bad") == 3
    assert chart.count("bar-warn") == 3
    assert f'href="/sync-runs/{books.run}"' in chart
    assert "15 read" in chart or "60 read" in chart
    one = browser.get(f"/sync-runs?connection_id={books.psa}").text
    chart = one.split('<svg class="chart"')[1].split("</svg>")[0]
    assert chart.count("<rect") == 6
    reader = web.browser(web.person(tenant, role="viewer")).get("/sync-runs").text
    assert "Sync now" not in reader
    assert "Cancel run" not in reader
