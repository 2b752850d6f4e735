"""A small honest plugin and a context to call it with."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from entrepot.sdk.context import PluginContext
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.model import (
    MatchingVocabulary,
    Page,
    PluginInfo,
    PluginKind,
    VendorCustomer,
)
from entrepot.sdk.settings import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallSettings:
    site: str = setting("Site")


def info(name="small", **changes):
    values = {
        "name": name,
        "title": name.title(),
        "kind": PluginKind.VENDOR,
        "version": "1.2",
        "api": (1, 0),
        "settings_type": SmallSettings,
    }
    return PluginInfo(**{**values, **changes})


class SmallPlugin:
    """Implements three hooks; `behave` decides what the listing does."""

    def __init__(self, name="small", behave=None, **changes):
        self._info = info(name, **changes)
        self.behave = behave or (lambda: Page(items=(self.customer(),)))
        self.calls = 0

    def customer(self):
        return VendorCustomer(vendor_id="1", name=self._info.name)

    @hookimpl
    def describe_plugin(self):
        return self._info

    @hookimpl
    def matching_vocabulary(self):
        return MatchingVocabulary(guard_words=(self._info.name,))

    @hookimpl
    def list_customers(self, ctx):
        self.calls += 1
        return self.behave()


@pytest.fixture
def context():
    def make(plugin="small", **extra):
        values = {"settings": None, "secrets": None, "http": None, "log": None}
        return PluginContext(
            connection_id="con_1", tenant_id="t", plugin=plugin, **{**values, **extra}
        )

    return make


@pytest.fixture
def small():
    return SmallPlugin


@pytest.fixture
def small_info():
    return info
