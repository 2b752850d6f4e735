"""Plugins: found and checked by `load_plugins`, called through `Plugins`."""

from entrepot.plugins.dispatch import Plugins, PluginStatus
from entrepot.plugins.manager import (
    FailedPlugin,
    LoadedPlugin,
    PluginRegistry,
    load_plugins,
    load_simulators,
)

__all__ = [
    "FailedPlugin",
    "LoadedPlugin",
    "PluginRegistry",
    "PluginStatus",
    "Plugins",
    "load_plugins",
    "load_simulators",
]
