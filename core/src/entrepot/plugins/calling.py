"""One call across the border: addressed, checked, and with known errors only."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Any, TypeVar

from entrepot.plugins.manager import (
    LoadedPlugin,
    PluginRegistry,
    caller_for,
    implements,
)
from entrepot.sdk.context import PluginContext
from entrepot.sdk.errors import ConfigInvalid, EntrepotError, PluginBug, Unsupported

T = TypeVar("T")
_LOG = logging.getLogger("entrepot.plugins")


class Border:
    """Calls hooks of single plugins. Shared by all threads.

    Args:
        registry: The plugins.

    Attributes:
        registry: As given.
        bugs: Broken contracts since the start, by plugin name.
    """

    def __init__(self, registry: PluginRegistry) -> None:
        self.registry = registry
        self.bugs: Counter[str] = Counter()
        self._lock = threading.Lock()

    def loaded(self, name: str) -> LoadedPlugin:
        """The plugin of that name.

        Raises:
            ConfigInvalid: it is not installed or failed to load; says why.
        """
        found = self.registry.loaded.get(name)
        if found is not None:
            return found
        failed = self.registry.failed.get(name)
        reason = failed.reason if failed else "it is not installed."
        raise ConfigInvalid(
            "plugin_missing",
            f"The plugin “{name}” is not available: {reason}",
            field="plugin",
            remedy="Let the operator install or repair the plugin.",
        )

    def has(self, name: str, hook: str) -> bool:
        """True when the plugin is loaded and implements the hook."""
        return name in self.registry.loaded and implements(
            self.registry.manager, hook, name
        )

    def ask(
        self,
        hook: str,
        expected: type[T],
        ctx: PluginContext,
        **arguments: Any,  # noqa: ANN401 - the hook's one record
    ) -> T:
        """Call an addressed hook and return its checked answer.

        Raises:
            Unsupported: the plugin lacks the hook.
            PluginBug: it broke the contract.
            EntrepotError: what the plugin raised.
        """
        answer = self.ask_optional(hook, expected, ctx, **arguments)
        if answer is None:
            raise self._bug(ctx.plugin, hook, f"returned None, not {expected.__name__}")
        return answer

    def ask_optional(
        self,
        hook: str,
        expected: type[T],
        ctx: PluginContext,
        **arguments: Any,  # noqa: ANN401 - the hook's one record
    ) -> T | None:
        """Like `ask` for hooks whose specification gives None a meaning."""
        answer = self.ask_any(hook, ctx, **arguments)
        if answer is not None and not isinstance(answer, expected):
            found = type(answer).__name__
            raise self._bug(
                ctx.plugin, hook, f"returned {found}, not {expected.__name__}"
            )
        return answer

    def ask_any(
        self,
        hook: str,
        ctx: PluginContext,
        **arguments: Any,  # noqa: ANN401 - the hook's one record
    ) -> Any:  # noqa: ANN401 - the plugin's own object
        """Like `ask_optional` without looking at the answer's type."""
        self.loaded(ctx.plugin)
        if not implements(self.registry.manager, hook, ctx.plugin):
            raise _unsupported(ctx.plugin, hook)
        call = caller_for(self.registry.manager, hook, ctx.plugin)
        try:
            return call(ctx=ctx, **arguments)
        except EntrepotError:
            raise
        except Exception as error:  # noqa: BLE001 - anything a plugin may throw
            _LOG.exception("plugin %s failed in %s", ctx.plugin, hook)
            problem = f"raised {type(error).__name__}"
            raise self._bug(ctx.plugin, hook, problem) from None

    def broadcast(self, hook: str, expected: type[T]) -> dict[str, T]:
        """Ask every plugin one by one; whoever fails is logged and left out."""
        answers: dict[str, T] = {}
        for name in sorted(self.registry.loaded):
            if not implements(self.registry.manager, hook, name):
                continue
            try:
                found = caller_for(self.registry.manager, hook, name)()
            except Exception as error:  # noqa: BLE001 - as in ask_any
                _LOG.exception("plugin %s failed in %s", name, hook)
                self._bug(name, hook, f"raised {type(error).__name__}")
                continue
            fitting = [item for item in found if isinstance(item, expected)]
            if fitting:
                answers[name] = fitting[0]
            else:
                self._bug(name, hook, f"did not return {expected.__name__}")
        return answers

    def _bug(self, name: str, hook: str, problem: str) -> PluginBug:
        with self._lock:
            self.bugs[name] += 1
        _LOG.error("plugin %s broke its contract: %s %s", name, hook, problem)
        return PluginBug(
            "plugin_bug",
            f"The plugin “{name}” made an internal error.",
            detail=f"{hook} {problem}",
            remedy="Report it to the plugin's authors; other connections go on.",
        )


def _unsupported(name: str, hook: str) -> Unsupported:
    action = hook.replace("_", " ")
    return Unsupported(
        "not_supported",
        f"The plugin “{name}” cannot do this: {action}.",
        detail=f"no implementation of {hook}",
    )
