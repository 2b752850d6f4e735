"""One plugin in the API: what it is, and how good it was found to be."""

from __future__ import annotations

from entrepot.hub.scores.service import PluginScores
from entrepot.plugins.quality import Rule
from entrepot.plugins.scorecard import KitResult, ScoreCard
from entrepot.store import operator_actor

CARD = ScoreCard(
    plugin="connectwise",
    version="0.1.0",
    api="1.0",
    scored_on="2026-03-01",
    percent=92,
    level="silver",
    rules=(Rule(name="credits", state="todo", reason="not verified yet"),),
    kit=KitResult(passed=94, gaps=("test_hook_or_gap[list_changes]: none",)),
)


def test_plugin_shows_its_score_card(machine, web, store) -> None:
    never = machine("GET", "/plugins/connectwise").json
    assert never["score"] is None
    assert never["plugin"]["state"] == "loaded"
    kept = PluginScores(store, web.hub.clock, web.hub.plugins)
    kept.keep(operator_actor("command line"), CARD)
    score = machine("GET", "/plugins/connectwise").json["score"]
    assert (score["level"], score["percent"], score["passed"]) == ("silver", 92, 94)
    assert score["rules"] == [
        {"name": "credits", "state": "todo", "reason": "not verified yet"}
    ]
    assert score["gaps"] == ["test_hook_or_gap[list_changes]: none"]


def test_plugin_that_is_not_there_is_missing(machine) -> None:
    answer = machine("GET", "/plugins/nothing-of-this-name")
    assert answer.status_code == 404
    assert "nothing-of-this-name" in answer.json["detail"]
