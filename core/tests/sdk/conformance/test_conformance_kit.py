"""The kit passes an honest plugin and notices each flaw."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from entrepot.sdk.conformance import PluginConformance, checks
from entrepot.sdk.conformance.harness import Harness, MemorySecrets, installed_plugin
from entrepot.sdk.conformance.listings import records
from entrepot.sdk.errors import ConfigInvalid, EntrepotError
from entrepot.sdk.model import PluginKind
from entrepot.sdk.settings import setting
from entrepot.sdk.simulator import Fault, Options


def _load(name):
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fake = _load("fake_vendor")


class TestHonestPlugin(PluginConformance):
    """What a plugin's author writes, with a plugin that is not installed."""

    plugin_name = "fake"
    options = Options(customers=8, seed=3)

    def connect(self, simulator, base_url):
        return {"base_url": base_url, "api_key": simulator.key}

    def plugin_object(self):
        return fake.FakePlugin()

    def build_simulator(self, options):
        return fake.FakeSimulator(options)

    test_loads_from_its_entry_point_alone = None  # it has none
    test_listings_resume_after_a_kill = None  # another process cannot load it


@pytest.fixture
def running():
    with fake.FakeSimulator(Options(customers=8, seed=3)).running() as found:
        yield found


@pytest.fixture
def make(running):
    made = []

    def build(*flaws, **values):
        simulator = running.simulator
        given = {"base_url": running.base_url, "api_key": simulator.key, **values}
        harness = Harness(fake.FakePlugin(*flaws), given, simulator.clock.now)
        made.append(harness)
        return harness

    yield build
    for harness in made:
        harness.close()


@pytest.mark.parametrize(
    ("flaw", "check", "says"),
    [
        ("endless", checks.listing_ends_and_repeats, "came twice"),
        ("repeats", checks.listing_ends_and_repeats, "lists a record twice"),
        ("moving ids", checks.listing_ends_and_repeats, "another order"),
        ("memory cursor", checks.listing_resumes, "does not resume"),
        ("unstable raw", checks.raw_equals_items, "differs at each listing"),
        ("other raw", checks.raw_equals_items, "raw and items differ"),
    ],
)
def test_kit_notices_flaws_of_listings(make, flaw, check, says):
    check(make(), "list_customers")
    with pytest.raises(AssertionError, match=says):
        check(make(flaw), "list_customers")


def test_kit_notices_ids_that_move(make):
    with pytest.raises(AssertionError, match="ids differ"):
        checks.ids_are_stable(make(), make("moving ids"), "list_customers")


@pytest.mark.parametrize(
    ("flaw", "says"), [("floats", "is a float"), ("bad currency", "has the currency")]
)
def test_kit_notices_inexact_facts(make, flaw, says):
    checks.facts_are_exact(records(make(), "list_offers"))
    with pytest.raises(AssertionError, match=says):
        checks.facts_are_exact(records(make(flaw), "list_offers"))


def test_kit_notices_a_harmless_default(make, running):
    running.simulator.faults.add(Fault(kind="unknown_enum", value="odd", count=0))
    checks.unknown_words_are_kept(records(make(), "list_subscriptions"), "odd")
    found = records(make("harmless default"), "list_subscriptions")
    with pytest.raises(AssertionError, match="was read as 'active'"):
        checks.unknown_words_are_kept(found, "odd")
    with pytest.raises(AssertionError, match="no record kept"):
        checks.unknown_words_are_kept(found, "other")


def test_kit_notices_leaks_in_errors_and_logs(make, running):
    leaky = make("leak", api_key="planted-wrong-key")
    with pytest.raises(EntrepotError) as caught:
        leaky.call("check_connection")
    with pytest.raises(AssertionError, match="leaked"):
        checks.nothing_leaks(checks.error_texts(caught.value), leaky.secrets.every)
    running.simulator.faults.add(Fault(kind="status", status=503, count=0))
    with pytest.raises(EntrepotError):
        records(leaky, "list_customers")
    with pytest.raises(AssertionError, match="leaked"):
        checks.nothing_leaks(leaky.log.lines, leaky.secrets.every)


def suite(*flaws):
    class Suite(TestHonestPlugin):
        def plugin_object(self):
            return fake.FakePlugin(*flaws)

    return Suite()


def test_kit_notices_wrong_credentials_that_pass(make):
    with pytest.raises(pytest.fail.Exception):
        suite("no check").test_wrong_credentials_are_told_apart(
            lambda _still, change: make("no check", api_key="wrong"), None
        )


def test_kit_notices_links_that_ask(make):
    suite().test_console_links_need_no_request(make())
    with pytest.raises(AssertionError, match="made a request"):
        suite().test_console_links_need_no_request(make("chatty link"))


def test_kit_notices_state_in_the_plugin(make):
    suite().test_plugin_keeps_no_state(make())
    harness = make("shared session")
    with pytest.raises(AssertionError, match="object changed"):
        suite().test_plugin_keeps_no_state(harness)


def test_kit_notices_a_missing_object_that_is_found(make):
    suite().test_missing_objects_are_not_found(make())
    with pytest.raises(pytest.fail.Exception):
        suite().test_missing_objects_are_not_found(make("404 is auth"))


def test_kit_notices_connections_that_mix(make, running):
    plugin = fake.FakePlugin("shared session")

    def shared(other=None):
        target = other or running
        values = {"base_url": target.base_url, "api_key": target.simulator.key}
        return Harness(plugin, values, target.simulator.clock.now)

    with pytest.raises(AssertionError, match=r"look alike|mixes"):
        suite("shared session").test_two_connections_do_not_mix(shared, None)


def test_kit_notices_missing_hooks_and_closed_gaps(make):
    with pytest.raises(checks.HookMissing):
        checks.hook_is_implemented(make(), "list_orders")
    checks.hook_is_implemented(make(), "list_customers")
    marks = {param.values[0]: param.marks for param in suite()._hooks()}
    assert marks["list_orders"][0].kwargs["strict"] is True
    assert "not_yet_ours: Later." in marks["list_orders"][0].kwargs["reason"]
    assert not marks["list_customers"]
    assert "apply_line_change" in checks.expected_hooks(PluginKind.PSA)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSettings:
    site: str = setting("Site", adds_host=True)
    api_token: str = setting("API token", default="")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "other"}, "the entry point"),
        ({"title": ""}, "must be filled in"),
        ({"api": (9, 0)}, "plugin API"),
        ({"quotas": ()}, "documented limit"),
        ({"host_patterns": ("*",)}, "allow everything"),
    ],
)
def test_kit_notices_incomplete_info(change, says):
    info = fake.FakePlugin().describe_plugin()
    checks.info_is_complete(info, "fake")
    with pytest.raises(AssertionError, match=says):
        checks.info_is_complete(replace(info, **change), "fake")


def test_kit_notices_unmarked_secrets():
    info = fake.FakePlugin().describe_plugin()
    checks.settings_mark_secrets(info)
    with pytest.raises(AssertionError, match="api_token must be flagged"):
        checks.settings_mark_secrets(replace(info, settings_type=OpenSettings))


def test_kit_helpers_say_what_is_missing():
    with pytest.raises(LookupError, match="nothing_of_this_name"):
        installed_plugin("nothing_of_this_name")
    secrets = MemorySecrets({"a": "one"})
    assert secrets.replace("a", "one", "two") == "two"
    assert secrets.replace("a", "one", "three") == "two"
    assert secrets.every == {"one", "two", "three"}
    with pytest.raises(ConfigInvalid):
        secrets.get("b")
