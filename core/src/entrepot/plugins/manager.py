"""Finding, checking and registering plugins.

Every plugin is imported, registered and checked inside one `try` of its own: a broken
one is reported with a reason and never stops the rest. The registry is built by a
function and handed around; it is complete before any thread starts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points

import pluggy

from entrepot.sdk import hookspecs
from entrepot.sdk.model import PluginInfo
from entrepot.sdk.settings import setting_infos
from entrepot.sdk.simulator.options import Options

GROUP = "entrepot.plugins"
SIMULATOR_GROUP = "entrepot.simulators"
_LOG = logging.getLogger("entrepot.plugins")
_IMPORT_FAULTS = (Exception, SystemExit)  # a plugin that exits must not end the hub


class PluginRefused(Exception):
    """A plugin that breaks the contract; the text says how and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin:
    """A plugin that works.

    Attributes:
        name: Entry-point name.
        plugin: The registered object.
        info: What it says of itself.
        distribution: Installed distribution and version, empty for explicit ones.
        hooks: Names of the hooks it implements, sorted.
    """

    name: str
    plugin: object
    info: PluginInfo
    distribution: str = ""
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPlugin:
    """A plugin or simulator that could not be used.

    Attributes:
        name: Entry-point name.
        reason: One sentence for people.
        distribution: Installed distribution and version if known.
        blocked: True when the allow-list leaves it out; nothing was imported then.
    """

    name: str
    reason: str
    distribution: str = ""
    blocked: bool = False


@dataclass(slots=True)
class PluginRegistry:
    """All plugins of one hub: the loaded and the failed."""

    manager: pluggy.PluginManager
    loaded: dict[str, LoadedPlugin] = field(default_factory=dict)
    failed: dict[str, FailedPlugin] = field(default_factory=dict)


SimulatorBuilder = Callable[[Options], object]
"""Builds a simulator; `entrepot.sdk.simulator.Simulator` is what comes out."""


def load_plugins(
    allowed: Collection[str] | None = None,
    *,
    explicit: Mapping[str, object] | None = None,
    installed: Iterable[EntryPoint] | None = None,
) -> PluginRegistry:
    """Build the registry.

    Args:
        allowed: Names that may be loaded; None or empty means all installed.
        explicit: Plugin objects by name, registered before the installed ones.
        installed: Entry points to use instead of the environment's (tests).

    Returns:
        The registry; it holds a reason for every plugin that is not usable.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    registry = PluginRegistry(manager)
    for name, plugin in (explicit or {}).items():
        _try_one(registry, name, "", partial(_given, plugin))
    found = entry_points(group=GROUP) if installed is None else installed
    for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
        if allowed and entry.name not in allowed:
            _note_blocked(registry, entry)
        else:
            _try_one(registry, entry.name, _distribution(entry), entry.load)
    return registry


def load_simulators(
    installed: Iterable[EntryPoint] | None = None,
) -> tuple[dict[str, SimulatorBuilder], dict[str, FailedPlugin]]:
    """Import the builders of all installed simulators.

    Returns:
        Builders by name, and the failed ones with their reasons.
    """
    builders: dict[str, SimulatorBuilder] = {}
    failed: dict[str, FailedPlugin] = {}
    found = entry_points(group=SIMULATOR_GROUP) if installed is None else installed
    for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
        try:
            build = entry.load()
            if not callable(build):
                raise PluginRefused("its entry point is not a function.")
            builders[entry.name] = build
        except _IMPORT_FAULTS as error:
            failed[entry.name] = _failure(entry.name, _distribution(entry), error)
    return builders, failed


def caller_for(
    manager: pluggy.PluginManager, hook: str, owner: str
) -> pluggy.HookCaller:
    """A caller that reaches one plugin and core's own wrappers only."""
    others = [
        plugin
        for name, plugin in manager.list_name_plugin()
        if plugin is not None and name != owner and not name.startswith("core:")
    ]
    return manager.subset_hook_caller(hook, others)


def implements(manager: pluggy.PluginManager, hook: str, owner: str) -> bool:
    """True when the plugin itself has an implementation of the hook."""
    caller: pluggy.HookCaller = getattr(manager.hook, hook)
    return any(impl.plugin_name == owner for impl in caller.get_hookimpls())


def _try_one(
    registry: PluginRegistry, name: str, distribution: str, load: Callable[[], object]
) -> None:
    manager = registry.manager
    if name in registry.loaded:
        reason = "another plugin of the same name is loaded already. Uninstall one."
        failure = FailedPlugin(name=name, reason=reason, distribution=distribution)
        registry.failed[f"{name} (second)"] = failure
        return
    try:
        plugin = load()
        _check_object(plugin)
        manager.register(plugin, name=name)
        manager.check_pending()
        info = _checked_info(manager, name)
    except _IMPORT_FAULTS as error:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        registry.failed[name] = _failure(name, distribution, error)
        return
    registry.loaded[name] = LoadedPlugin(
        name=name,
        plugin=plugin,
        info=info,
        distribution=distribution,
        hooks=_hooks_of(manager, name),
    )


def _given(plugin: object) -> object:
    return plugin


def _check_object(plugin: object) -> None:
    if isinstance(plugin, type):
        raise PluginRefused("its entry point is a class. Point it to an object of it.")
    try:
        hash(plugin)
    except TypeError:
        raise PluginRefused(
            "its object cannot be hashed. Use a plain class, not a dataclass."
        ) from None


def _checked_info(manager: pluggy.PluginManager, name: str) -> PluginInfo:
    if not implements(manager, "describe_plugin", name):
        raise PluginRefused("it does not implement describe_plugin.")
    answers = caller_for(manager, "describe_plugin", name)()
    info = answers[0] if answers else None
    if not isinstance(info, PluginInfo):
        raise PluginRefused("describe_plugin does not return a PluginInfo.")
    _check_api(info)
    if info.name != name:
        raise PluginRefused(
            f"it calls itself {info.name!r}; the entry point must have the same name."
        )
    _check_settings(info)
    return info


def _check_api(info: PluginInfo) -> None:
    wanted, offered = info.api, hookspecs.PLUGIN_API
    if wanted[0] == offered[0] and wanted[1] <= offered[1]:
        return
    theirs, ours = ".".join(map(str, wanted)), ".".join(map(str, offered))
    newer = wanted > offered
    remedy = "Update the hub" if newer else "Update the plugin"
    raise PluginRefused(
        f"it is written for plugin API {theirs}, this hub offers {ours}. {remedy}."
    )


def _check_settings(info: PluginInfo) -> None:
    kind = info.settings_type
    if not is_dataclass(kind):
        raise PluginRefused("its settings_type is not a dataclass.")
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # not in the stubs
        raise PluginRefused("its settings_type must be a frozen dataclass.")
    setting_infos(kind)


def _hooks_of(manager: pluggy.PluginManager, name: str) -> tuple[str, ...]:
    callers = manager.get_hookcallers(manager.get_plugin(name)) or []
    return tuple(sorted(caller.name for caller in callers))


def _failure(name: str, distribution: str, error: BaseException) -> FailedPlugin:
    _LOG.warning("plugin %s cannot be used", name, exc_info=error)
    return FailedPlugin(name=name, reason=_reason(error), distribution=distribution)


def _reason(error: BaseException) -> str:
    """A sentence about a failure at loading, fit for a list of plugins."""
    text = str(error).split("\n")[0][:300]
    if isinstance(error, PluginRefused):
        return text
    if isinstance(error, pluggy.PluginValidationError):
        return f"it does not fit the hooks of this hub: {text}"
    if isinstance(error, ImportError):
        return f"it cannot be imported: {text}. Install what it needs."
    if isinstance(error, SystemExit):
        return "it tried to end the process while it was imported."
    return f"it failed while it was loaded: {type(error).__name__}: {text}"


def _note_blocked(registry: PluginRegistry, entry: EntryPoint) -> None:
    registry.failed[entry.name] = FailedPlugin(
        name=entry.name,
        reason="it is not in the list of allowed plugins (setting `plugins`).",
        distribution=_distribution(entry),
        blocked=True,
    )


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else ""
