"""A plugin's distribution is gone: its connection stops with a sentence, books stay."""

from __future__ import annotations

import pytest
from entrepot.app import build_hub
from entrepot.sdk.conformance.harness import installed_plugin

GONE = "microsoft"


@pytest.fixture
def database_kind():
    """One database is enough: the plugins are no matter of it."""
    return "sqlite"


def test_removed_plugin_parks_its_connection_and_loses_nothing(
    both, settings, clock, stage
):
    assert both.sync(both.vendor).state == "complete"
    assert both.sync(both.psa).state == "complete"
    held = both.held()
    both.hub.close()

    left = {"connectwise": installed_plugin("connectwise")}
    both.hub = build_hub(settings, clock=clock, plugins=left)
    stage.callback(both.hub.close)
    assert both.hub.plugins.names() == ["connectwise"]
    run = both.sync(both.vendor)
    assert (run.state, run.complete) == ("failed", False)
    assert run.error_text == (
        f"The plugin “{GONE}” is not available: it is not installed."
    )
    parked = both.hub.connections.get(both.actor, both.vendor.connection.id)
    assert (parked.state, parked.parked.message) == ("parked", run.error_text)
    assert parked.parked.remedy == "Let the operator install or repair the plugin."
    assert parked.secret_names
    assert both.sync(both.psa).state == "complete", "the others go on"
    assert both.held() == held

    both.hub.close()
    both.hub = build_hub(settings, clock=clock)
    stage.callback(both.hub.close)
    report = both.hub.connections.check(both.actor, parked.id)
    assert report.connection.state == "active", "installed again"
    again = both.sync(both.vendor)
    assert (again.state, again.incomplete_reason) == ("complete", "")
    assert both.held() == held
    assert both.agree(both.vendor)
