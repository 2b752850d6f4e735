"""The loader: one broken plugin never stops the rest, and everybody learns why."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest
from entrepot.plugins import Plugins, load_plugins, load_simulators
from entrepot.sdk.hookspecs import PLUGIN_API

HEAD = """
from dataclasses import dataclass
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import PluginInfo, PluginKind

@dataclass(frozen=True)
class Settings:
    site: str = ""

class Plugin:
    @hookimpl
    def describe_plugin(self):
        return PluginInfo(name=__name__.removeprefix("ep_"), title="T",
            kind=PluginKind.VENDOR, version="1", api={api}, settings_type=Settings)
{more}
plugin = Plugin()
"""
GOOD = HEAD.format(api=PLUGIN_API, more="")
BROKEN = {
    "missing_sdk": ("import a_package_nobody_has", "Install what it needs"),
    "raises": ("raise RuntimeError('boom')", "RuntimeError: boom"),
    "exits": ("import sys; sys.exit(3)", "tried to end the process"),
    "mistyped": (
        HEAD.format(
            api=PLUGIN_API, more="    @hookimpl\n    def list_custommers(self): ...\n"
        ),
        "does not fit the hooks",
    ),
    "wrong_argument": (
        HEAD.format(
            api=PLUGIN_API, more="    @hookimpl\n    def list_offers(self, page): ...\n"
        ),
        "does not fit the hooks",
    ),
    "other_major": (HEAD.format(api=(2, 0), more=""), "written for plugin API 2.0"),
    "newer_minor": (
        HEAD.format(api=(PLUGIN_API[0], PLUGIN_API[1] + 1), more=""),
        "Update the hub",
    ),
    "older_major": (HEAD.format(api=(0, 9), more=""), "Update the plugin"),
    "no_description": ("plugin = object()", "does not implement describe_plugin"),
    "a_class": (GOOD + "plugin = Plugin\n", "is a class"),
    "unhashable": (
        GOOD + "Plugin.__eq__ = lambda a, b: False\n"
        "Plugin.__hash__ = None\nplugin = Plugin()\n",
        "cannot be hashed",
    ),
    "no_info": (
        GOOD.replace("return PluginInfo", "return str and dict"),
        "does not return a PluginInfo",
    ),
    "other_name": (
        GOOD.replace('__name__.removeprefix("ep_")', '"x"'),
        "calls itself 'x'",
    ),
    "thawed_settings": (
        GOOD.replace("frozen=True", "frozen=False"),
        "must be a frozen",
    ),
    "no_settings": (
        GOOD.replace("settings_type=Settings", "settings_type=int"),
        "not a",
    ),
    "no_attribute": ("", "has no attribute"),
}


@pytest.fixture
def entry(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name, source, group="entrepot.plugins"):
        (tmp_path / f"ep_{name}.py").write_text(source)
        made.append(f"ep_{name}")
        return EntryPoint(name=name, value=f"ep_{name}:plugin", group=group)

    yield make
    for name in made:
        sys.modules.pop(name, None)


def test_loader_keeps_the_good_and_reports_the_broken(entry):
    installed = [entry(name, source) for name, (source, _) in BROKEN.items()]
    installed += [entry("aaa_good", GOOD), entry("zzz_good", GOOD)]
    registry = load_plugins(installed=installed)
    assert sorted(registry.loaded) == ["aaa_good", "zzz_good"]
    assert sorted(registry.failed) == sorted(BROKEN)
    for name, (_, reason) in BROKEN.items():
        assert reason in registry.failed[name].reason, name
    assert [name for name, _ in registry.manager.list_name_plugin()] == [
        "aaa_good",
        "zzz_good",
    ]
    registry.manager.check_pending()


def test_loader_reports_everything_in_the_list(entry):
    installed = [
        entry("good", GOOD),
        entry("raises", BROKEN["raises"][0]),
        entry("unwanted", "raise AssertionError('must not be imported')"),
    ]
    plugins = Plugins(load_plugins({"good", "raises"}, installed=installed))
    states = {status.name: status.state for status in plugins.list()}
    assert states == {"good": "loaded", "raises": "failed", "unwanted": "blocked"}
    good = plugins.list()[0]
    assert (good.version, good.api, good.kind) == ("1", "1.0", "vendor")
    assert good.hooks == ("describe_plugin",)
    assert "ep_unwanted" not in sys.modules


def test_loader_refuses_a_second_plugin_of_one_name(small, entry):
    registry = load_plugins(
        explicit={"good": small("good")}, installed=[entry("good", GOOD)]
    )
    assert registry.loaded["good"].info.version == "1.2"
    assert "same name" in registry.failed["good (second)"].reason


def test_loader_finds_what_is_installed_in_this_environment():
    registry = load_plugins()
    names = set(registry.loaded) | set(registry.failed)
    from importlib.metadata import entry_points

    assert names == {entry.name for entry in entry_points(group="entrepot.plugins")}


def test_simulators_are_collected_like_plugins(entry):
    group = "entrepot.simulators"
    builders, failed = load_simulators(
        [
            entry("sim_good", "plugin = lambda options: 'built'", group),
            entry("sim_raises", "raise RuntimeError('boom')", group),
            entry("sim_number", "plugin = 5", group),
        ]
    )
    assert list(builders) == ["sim_good"]
    assert builders["sim_good"](None) == "built"
    assert "boom" in failed["sim_raises"].reason
    assert "not a function" in failed["sim_number"].reason
