"""The test class that plugin authors subclass; see the package's docstring."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from entrepot.sdk import hookspecs
from entrepot.sdk import queries as ask
from entrepot.sdk.conformance import checks, writes
from entrepot.sdk.conformance.harness import QUICK, Harness, installed_plugin
from entrepot.sdk.conformance.listings import listings_of, records
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    EntrepotError,
    NotFound,
    RateLimited,
    Retryable,
)
from entrepot.sdk.model import CheckResult, PluginInfo, PluginKind
from entrepot.sdk.settings import setting_infos
from entrepot.sdk.simulator import Options, Simulator, build_named
from entrepot.sdk.simulator.base import RunningSimulator

PASSING_FAULTS: Mapping[str, dict[str, Any]] = {
    "429": {"kind": "rate_limited", "retry_after": "1"},
    "429 without Retry-After": {"kind": "rate_limited"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "reset": {"kind": "reset"},
    "cut body": {"kind": "truncated"},
    "slow body": {"kind": "slow_body", "seconds": 0.4},
    "expired token": {"kind": "token_expiry"},
}
LASTING_FAULTS: Mapping[str, tuple[dict[str, Any], type[EntrepotError]]] = {
    "429": ({"kind": "rate_limited", "retry_after": "30"}, RateLimited),
    "503": ({"kind": "status", "status": 503}, Retryable),
    "reset": ({"kind": "reset"}, Retryable),
    "cut body": ({"kind": "truncated"}, Retryable),
}
_ALONE = """
import sys
from importlib.metadata import entry_points
found = [e for e in entry_points(group="entrepot.plugins") if e.name == {name!r}]
plugin = found[0].load()
own = found[0].value.partition(".")[0].partition(":")[0]
others = {{e.value.partition(".")[0].partition(":")[0] for e in
    entry_points(group="entrepot.plugins")}} - {{own}}
core = ("plugins", "store", "jobs", "hub", "cli", "app")
bad = sorted(m for m in sys.modules if m.split(".")[0] in others
    or (m.startswith("entrepot.") and m.split(".")[1] in core))
print(",".join(bad))
"""


class PluginConformance:
    """What every plugin must pass. Subclass it; see the package's docstring.

    Attributes:
        plugin_name: Entry-point name of plugin and simulator.
        options: The simulator's size and seed.
        data_paths: Regular expression of the paths that faults are planned for.
    """

    plugin_name: ClassVar[str] = ""
    options: ClassVar[Options] = Options(customers=8, seed=11)
    data_paths: ClassVar[str] = ""

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

    @pytest.fixture
    def simulator(self) -> Iterator[RunningSimulator]:
        """A running simulator of this test's own."""
        with self.build_simulator(self.options).running() as running:
            yield running

    @pytest.fixture
    def make_harness(
        self, simulator: RunningSimulator
    ) -> Iterator[Callable[..., Harness]]:
        """Makes connections; by default to this test's simulator."""
        made: list[Harness] = []

        def make(
            running: RunningSimulator | None = None,
            change: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
            cassette: Path | None = None,
        ) -> Harness:
            target = running or simulator
            values = change(self.connect(target.simulator, target.base_url))
            now = target.simulator.clock.now
            harness = Harness(self.plugin_object(), values, now, cassette)
            made.append(harness)
            return harness

        yield make
        for harness in made:
            harness.close()

    @pytest.fixture
    def harness(self, make_harness: Callable[..., Harness]) -> Harness:
        """One connection."""
        return make_harness()

    # What it says of itself -----------------------------------------------------

    def test_loads_from_its_entry_point_alone(self) -> None:
        """The plugin needs the SDK only: no core floor, no other plugin."""
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _ALONE.format(name=self.plugin_name)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        checks.require(done.returncode == 0, done.stderr[-2000:])
        checks.require(not done.stdout.strip(), f"it also imports {done.stdout}")

    def test_fits_the_hooks(self, harness: Harness) -> None:
        """Every implementation belongs to a hook and takes its arguments."""
        harness.manager.check_pending()

    def test_info_is_complete(self) -> None:
        """The identity card is filled in."""
        checks.info_is_complete(self.plugin_info(), self.plugin_name)

    def test_hook_or_gap(self, harness: Harness, hook: str) -> None:
        """Each hook is there, or declared as a gap and really not there."""
        checks.hook_is_implemented(harness, hook)

    def test_settings_mark_secrets(self) -> None:
        """Secrets are flagged and never shown."""
        checks.settings_mark_secrets(self.plugin_info())

    # Connections ------------------------------------------------------------------

    def test_check_connection_works(self, harness: Harness) -> None:
        """A good connection proves itself and names the account."""
        found = harness.call("check_connection")
        checks.require(isinstance(found, CheckResult), f"returned {found!r}")
        checks.require(found.account_name, "the account has no name")

    def test_wrong_credentials_are_told_apart(
        self, make_harness: Callable[..., Harness]
    ) -> None:
        """Wrong credentials park the connection with a sentence and a remedy."""
        harness = make_harness(change=self.wrong_values)
        with pytest.raises((AuthRequired, ConfigInvalid)) as caught:
            harness.call("check_connection")
        checks.error_helps(caught.value)

    def test_unreachable_host_is_told_apart(
        self, simulator: RunningSimulator, harness: Harness
    ) -> None:
        """A host that does not answer is no matter of credentials."""
        simulator.server.stop()
        with pytest.raises((Retryable, ConfigInvalid)) as caught:
            harness.call("check_connection")
        checks.require(len(caught.value.user_message) > 10, "no sentence")

    def test_two_connections_do_not_mix(
        self, make_harness: Callable[..., Harness]
    ) -> None:
        """Two accounts at once give the same as one after the other."""
        name = listings_of(self.plugin_info())[0]
        size = self.options.customers + 3
        other_options = Options(customers=size, seed=self.options.seed + 1)
        with self.build_simulator(other_options).running() as other:
            first, second = make_harness(), make_harness(other)
            alone = (records(first, name), records(second, name))
            checks.require(alone[0] != alone[1], "both accounts look alike")
            checks.require(first.ctx.runtime is not second.ctx.runtime, "one runtime")
            both = (records(first, name), records(second, name))
            checks.require(alone == both, f"{name} mixes two connections")

    def test_plugin_keeps_no_state(self, harness: Harness) -> None:
        """Nothing of a connection stays in the plugin object."""
        before = repr(getattr(harness.plugin, "__dict__", {}))
        harness.call("check_connection")
        records(harness, listings_of(self.plugin_info())[0])
        after = repr(getattr(harness.plugin, "__dict__", {}))
        checks.require(before == after, f"the plugin object changed: {after}")

    def test_console_links_need_no_request(self, harness: Harness) -> None:
        """Links are made without asking the other side."""
        if not harness.has("get_console_link"):
            return
        kind = "company" if harness.info.kind is PluginKind.PSA else "customer"
        query = ask.GetConsoleLink(kind=kind, object_id="1")
        context, sent = harness.ctx, harness.http.stats.sent
        link = harness.call("get_console_link", query, context)
        checks.require(harness.http.stats.sent == sent, "it made a request")
        fits = link is None or link.startswith("http")
        checks.require(fits, f"{link!r} is no address")

    # Listings -----------------------------------------------------------------------

    def test_listing_ends_and_repeats(self, harness: Harness, listing: str) -> None:
        """Paging ends and gives the same again."""
        checks.listing_ends_and_repeats(harness, listing)

    def test_listing_ids_are_stable(
        self, make_harness: Callable[..., Harness], listing: str
    ) -> None:
        """Ids are the same in two syncs."""
        checks.ids_are_stable(make_harness(), make_harness(), listing)

    def test_listing_resumes_by_cursor(self, harness: Harness, listing: str) -> None:
        """A cursor outlives the process."""
        checks.listing_resumes(harness, listing)

    def test_listing_raw_equals_items(self, harness: Harness, listing: str) -> None:
        """The fast form gives the same facts."""
        checks.raw_equals_items(harness, listing)

    def test_listing_facts_are_exact(self, harness: Harness, listing: str) -> None:
        """Numbers are exact, moments aware."""
        checks.facts_are_exact(records(harness, listing))

    def test_missing_objects_are_not_found(self, harness: Harness) -> None:
        """An id that does not exist is NotFound, whatever the vendor answers."""
        asked = {
            "get_customer": ask.GetCustomer(customer_id=writes.NOBODY),
            "get_subscription": ask.GetSubscription(
                customer_id=writes.NOBODY, subscription_id=writes.NOBODY
            ),
            "get_agreement_line": ask.GetAgreementLine(
                agreement_id=writes.NOBODY_NUMBER, line_id=writes.NOBODY_NUMBER
            ),
        }
        for name, query in asked.items():
            if harness.has(name):
                with pytest.raises(NotFound):
                    harness.call(name, query)

    # Faults -------------------------------------------------------------------------

    @pytest.mark.parametrize("fault", PASSING_FAULTS)
    def test_passing_fault_changes_nothing(
        self, simulator: RunningSimulator, harness: Harness, fault: str
    ) -> None:
        """A listing survives a passing fault and is complete."""
        name = listings_of(self.plugin_info())[0]
        wanted = records(harness, name)
        self._plan(simulator, **PASSING_FAULTS[fault])
        try:
            found = records(harness, name)
        except RateLimited as error:
            # The vendor named a pause in its text that is longer than we wait.
            checks.require((error.after or 0) > QUICK.wait_inside, f"{error!r}")
            found = records(harness, name)
        checks.require(found == wanted, f"{name} lost something")
        struck = [planned.fired for planned in simulator.simulator.faults.list()]
        checks.require(any(struck), f"the fault struck nothing; data_paths? {struck}")

    @pytest.mark.parametrize("fault", LASTING_FAULTS)
    def test_lasting_fault_has_its_error(
        self, simulator: RunningSimulator, harness: Harness, fault: str
    ) -> None:
        """A lasting fault ends in the error that says what to do."""
        planned, kind = LASTING_FAULTS[fault]
        name = listings_of(self.plugin_info())[0]
        self._plan(simulator, count=0, **planned)
        with pytest.raises(kind) as caught:
            records(harness, name)
        if kind is RateLimited:
            after = caught.value.after or 0
            checks.require(after > 20, f"after={after}, 30 was asked for")

    def test_unknown_words_are_kept(
        self, simulator: RunningSimulator, harness: Harness
    ) -> None:
        """A status from the future is `unknown`, with the vendor's word beside it."""
        word = "a_value_from_the_future"
        self._plan(simulator, kind="unknown_enum", value=word, count=0)
        names = listings_of(self.plugin_info())
        found = [record for name in names for record in records(harness, name)]
        checks.unknown_words_are_kept(found, word)

    def test_nothing_leaks(
        self,
        simulator: RunningSimulator,
        make_harness: Callable[..., Harness],
        caplog: pytest.LogCaptureFixture,
        tmp_path: Path,
    ) -> None:
        """No secret in logs, errors, recordings or representations."""
        cassette = tmp_path / "cassette.json"
        harness = make_harness(cassette=cassette)
        with caplog.at_level(logging.DEBUG, "entrepot"):
            harness.call("check_connection")
            self._plan(simulator, kind="status", status=503, count=0)
            with pytest.raises(EntrepotError) as caught:
                records(harness, listings_of(self.plugin_info())[0])
        ours = [r for r in caplog.records if r.name.startswith("entrepot")]
        texts = [r.getMessage() for r in ours] + harness.log.lines
        texts += [cassette.read_text(), repr(harness.ctx), repr(harness.settings)]
        texts += [repr(harness.ctx.runtime), *checks.error_texts(caught.value)]
        checks.nothing_leaks(texts, harness.secrets.every)

    # Writes (PSA) ---------------------------------------------------------------------

    def test_write_is_found_by_its_reference(self, harness: Harness) -> None:
        """A new line is read back and found again."""
        if harness.has("apply_line_change"):
            writes.line_is_found_again(harness)

    def test_write_without_answer_is_found_once(
        self, simulator: RunningSimulator, harness: Harness
    ) -> None:
        """After a lost answer the outcome is unknown and the line there once."""
        if harness.has("apply_line_change"):
            writes.lost_answer_is_found_once(harness, simulator.simulator)

    def _plan(self, running: RunningSimulator, **fault: Any) -> None:  # noqa: ANN401 - fields of Fault
        from entrepot.sdk.simulator import Fault

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
