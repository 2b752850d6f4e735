"""What every group of conformance tests is built on: connections and fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from entrepot.sdk import hookspecs
from entrepot.sdk.conformance import checks
from entrepot.sdk.conformance.harness import Harness, installed_plugin, recent_months
from entrepot.sdk.conformance.listings import listings_of
from entrepot.sdk.conformance.words import WordMissing, words_of
from entrepot.sdk.model import Period, PluginInfo
from entrepot.sdk.settings import setting_infos
from entrepot.sdk.simulator import Fault, Options, Simulator, build_named
from entrepot.sdk.simulator.base import RunningSimulator


class ConformanceBase:
    """Connections to a simulator, and what an author may override.

    Attributes:
        plugin_name: Entry-point name of plugin and simulator.
        options: The simulator's size and seed.
        data_paths: Regular expression of the paths that faults are planned for.
        sample: Owners whose objects are listed where a listing is per customer.
        exempt: Words (`entrepot.sdk.conformance.WORDS`) that this vendor has nothing
            like, each with the reason. It is held against the simulator: a word that
            works must not be exempt.
    """

    plugin_name: ClassVar[str] = ""
    options: ClassVar[Options] = Options(customers=8, seed=11)
    data_paths: ClassVar[str] = ""
    sample: ClassVar[int] = 3
    exempt: ClassVar[Mapping[str, str]] = {}

    # What a subclass gives ----------------------------------------------------

    def connect(self, simulator: Simulator, base_url: str) -> Mapping[str, Any]:
        """Settings and secrets by field name for a running simulator."""
        raise AssertionError(f"{type(self).__name__} must say how to connect")

    def wrong_values(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values with credentials that the vendor refuses."""
        infos = setting_infos(self.plugin_info().settings_type)
        secret = {name for name, info in infos.items() if info.secret}
        return {k: f"wrong-{v}" if k in secret and v else v for k, v in values.items()}

    def plugin_object(self) -> object:
        """The plugin under test; the installed one unless overridden."""
        return installed_plugin(self.plugin_name)

    def build_simulator(self, options: Options) -> Simulator:
        """A simulator; the installed one unless overridden."""
        return build_named(self.plugin_name, options)

    def charge_periods(self, now: datetime) -> tuple[Period, ...]:
        """Periods to list usage and charges for; the last and the present month.

        Args:
            now: The simulator's moment.
        """
        return recent_months(now.date())

    def files(self, simulator: Simulator) -> bytes:
        """An export as a person would hand it in; empty without `take_file`."""
        del simulator
        return b""

    def filed_values(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values with which charges and usage are read out of files."""
        return values

    def play(
        self,
        simulator: Simulator,
        word: str,
        **arguments: Any,  # noqa: ANN401 - each word has its own
    ) -> Mapping[str, Any]:
        """Make something happen at the vendor.

        The simulator's action of that name, unless overridden.

        Args:
            simulator: The running simulator.
            word: One of `entrepot.sdk.conformance.WORDS`.
            arguments: What it happens to, by the vendor's ids.

        Raises:
            WordMissing: the simulator has no such action.
        """
        action = simulator.actions.get(word)
        if action is None:
            raise WordMissing(word)
        with simulator.lock:
            found: Mapping[str, Any] | None = action(**arguments)
        return found or {}

    # Fixtures -------------------------------------------------------------------

    def plugin_info(self) -> PluginInfo:
        """What the plugin says of itself."""
        describe = getattr(self.plugin_object(), "describe_plugin")  # noqa: B009 - the object's type is unknown
        info: PluginInfo = describe()
        return info

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Spread tests over listings and hooks; gaps are expected to fail."""
        if not self.plugin_name:
            return
        if "listing" in metafunc.fixturenames:
            metafunc.parametrize("listing", listings_of(self.plugin_info()))
        if "hook" in metafunc.fixturenames:
            metafunc.parametrize("hook", self._hooks())
        if "word" in metafunc.fixturenames:
            metafunc.parametrize("word", words_of(self.plugin_info()))

    @pytest.fixture
    def simulator(self) -> Iterator[RunningSimulator]:
        """A running simulator of this test's own."""
        with self.build_simulator(self.options).running() as running:
            yield running

    @pytest.fixture(scope="class")
    @classmethod
    def still(cls) -> Iterator[RunningSimulator]:
        """A running simulator that all tests share which only read from it."""
        with cls().build_simulator(cls.options).running() as running:
            yield running

    @pytest.fixture
    def make_harness(
        self, request: pytest.FixtureRequest
    ) -> Iterator[Callable[..., Harness]]:
        """Makes connections; by default to this test's own simulator."""
        made: list[Harness] = []

        def make(
            running: RunningSimulator | None = None,
            change: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
            cassette: Path | None = None,
            skew: timedelta = timedelta(),
        ) -> Harness:
            target = running or request.getfixturevalue("simulator")
            values = change(self.connect(target.simulator, target.base_url))

            def now() -> datetime:
                return target.simulator.clock.now() + skew

            harness = Harness(self.plugin_object(), values, now, cassette)
            harness.periods = self.charge_periods(now())
            harness.sample = self.sample
            made.append(harness)
            return harness

        yield make
        for harness in made:
            harness.close()

    @pytest.fixture
    def harness(self, make_harness: Callable[..., Harness]) -> Harness:
        """One connection to this test's own simulator."""
        return make_harness()

    @pytest.fixture
    def reader(
        self, make_harness: Callable[..., Harness], still: RunningSimulator
    ) -> Harness:
        """One connection to the shared simulator, for reading only."""
        return make_harness(still)

    def _plan(self, running: RunningSimulator, **fault: Any) -> None:  # noqa: ANN401 - fields of Fault
        given = {"path": self.data_paths, **fault}
        running.simulator.faults.add(Fault(**given))

    def _hooks(self) -> list[Any]:
        info = self.plugin_info()
        gaps = {gap.hook: gap for gap in info.gaps}
        plugin = self.plugin_object()
        found = []
        for hook in checks.expected_hooks(info.kind):
            marks = []
            if hook in gaps and not _implements(plugin, hook):
                marks = [
                    pytest.mark.xfail(
                        strict=True,
                        raises=checks.HookMissing,
                        reason=f"{gaps[hook].reason.value}: {gaps[hook].text}",
                    )
                ]
            found.append(pytest.param(hook, marks=marks))
        return found


def _implements(plugin: object, hook: str) -> bool:
    marker = f"{hookspecs.PROJECT}_impl"
    return hasattr(getattr(plugin, hook, None), marker)
