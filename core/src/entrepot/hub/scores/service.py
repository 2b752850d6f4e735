"""Score cards: measured on demand, kept, and shown."""

from __future__ import annotations

from pathlib import Path

import msgspec

from entrepot.plugins import Plugins
from entrepot.plugins.kit_run import run_kit
from entrepot.plugins.quality import Quality, QualityInvalid, find_quality, read_quality
from entrepot.plugins.scorecard import ScoreCard, score
from entrepot.sdk import hookspecs
from entrepot.sdk.context import Clock
from entrepot.sdk.errors import ConfigInvalid, NotFound
from entrepot.store import Actor, Store, SystemScope
from entrepot.store.state import get_state, set_state

_SCOPE = SystemScope("plugin scores")
_CARD = msgspec.json.Decoder(ScoreCard)
_KEY = "score.{name}"


class PluginScores:
    """How good the installed plugins are.

    Args:
        store: The hub's database; cards outlive the plugin's removal.
        clock: Time.
        plugins: The typed facade.
    """

    def __init__(self, store: Store, clock: Clock, plugins: Plugins) -> None:
        self._store, self._clock, self._plugins = store, clock, plugins

    def find(self, actor: Actor, name: str) -> ScoreCard | None:
        """The card that was kept last; None when the plugin was never scored.

        Raises:
            PermissionDenied: The actor may not read connections.
        """
        actor.require("connections:read")
        with self._store.read(_SCOPE) as session:
            text = get_state(session, _KEY.format(name=name))
        return _CARD.decode(text) if text else None

    def keep(self, actor: Actor, card: ScoreCard) -> None:
        """Keep a card in place of the one before.

        Raises:
            PermissionDenied: The actor may not change connections.
        """
        actor.require("connections:write")
        text = msgspec.json.encode(card).decode()
        with self._store.unit(_SCOPE) as session:
            set_state(session, _KEY.format(name=card.plugin), text)

    def measure(self, name: str, tests: Path | None = None) -> ScoreCard:
        """Run the conformance kit and read the quality file; takes minutes.

        Args:
            name: A loaded plugin.
            tests: The plugin's conformance tests; None takes the folder ``tests``
                beside its quality file, else the kit as it is.

        Returns:
            The card; nothing is kept.

        Raises:
            NotFound: No such plugin is loaded.
            ConfigInvalid: It has no usable quality file.
            KitUnavailable: The kit cannot run here.
        """
        if name not in self._plugins.names():
            raise NotFound("plugin_missing", f"No plugin “{name}” is loaded.")
        quality = self._quality(name)
        own = quality.folder / "tests"
        beside = own if (quality.folder / "pyproject.toml").is_file() else None
        found = run_kit(name, tests or beside, quality.kit)
        return score(
            quality,
            found,
            version=self._plugins.info(name).version,
            api=".".join(map(str, hookspecs.PLUGIN_API)),
            scored_on=self._clock.now().date().isoformat(),
        )

    def _quality(self, name: str) -> Quality:
        package = self._plugins.package(name)
        path = find_quality(package)
        try:
            if path is not None:
                return read_quality(path)
            reason = f"The package {package} has no quality.toml."
        except QualityInvalid as error:
            reason = str(error)
        raise ConfigInvalid(
            "quality_invalid", reason, remedy="See the author's guide, Conformance."
        )
