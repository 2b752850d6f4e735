"""Score cards are kept, read by people who may, and replaced."""

from __future__ import annotations

from dataclasses import replace

import pytest
from entrepot.hub.scores.service import PluginScores
from entrepot.plugins import Plugins, load_plugins
from entrepot.plugins.quality import Rule
from entrepot.plugins.scorecard import KitResult, ScoreCard
from entrepot.sdk.errors import NotFound
from entrepot.store import Actor, PermissionDenied
from entrepot.store.actor import ALL_PERMISSIONS

CARD = ScoreCard(
    plugin="north",
    version="1.2",
    api="1.0",
    scored_on="2026-03-01",
    percent=90,
    level="silver",
    rules=(Rule(name="simulator", state="todo", reason="soon"),),
    kit=KitResult(passed=60, gaps=("test_x: never",)),
)


@pytest.fixture
def scores(store, clock):
    return PluginScores(store, clock, Plugins(load_plugins(installed=())))


@pytest.fixture
def actor(tenant):
    return Actor("usr_1", "user", tenant, "Ada", ALL_PERMISSIONS)


def test_card_is_kept_and_replaced(scores, actor):
    assert scores.find(actor, "north") is None
    scores.keep(actor, CARD)
    assert scores.find(actor, "north") == CARD
    better = replace(CARD, percent=100, level="gold")
    scores.keep(actor, better)
    assert scores.find(actor, "north") == better
    assert scores.find(actor, "south") is None


def test_cards_need_permissions(scores, tenant):
    nobody = Actor("usr_2", "user", tenant, "Bob", frozenset())
    with pytest.raises(PermissionDenied):
        scores.find(nobody, "north")
    with pytest.raises(PermissionDenied):
        scores.keep(nobody, CARD)


def test_plugin_that_is_not_there_cannot_be_scored(scores):
    with pytest.raises(NotFound, match="north"):
        scores.measure("north")
