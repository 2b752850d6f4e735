"""The kit that tells whether a plugin keeps its promises.

A plugin's author subclasses `PluginConformance` in the plugin's own tests::

    from entrepot.sdk.conformance import PluginConformance

    class TestConformance(PluginConformance):
        plugin_name = "example"

        def connect(self, simulator, base_url):
            return {"base_url": base_url, "api_key": simulator.issue_key()}

`plugin_name` is the entry point's name in `entrepot.plugins` and
`entrepot.simulators`; `connect` gives settings *and* secrets by field name for a
running simulator. Everything else has a default that may be overridden: `options`
(the simulator's size and seed), `wrong_values` (credentials that must be refused),
`data_paths` (a regular expression of the paths that faults are planned for; sign-in
paths are best left out).

Needs pytest and werkzeug: install the extras ``conformance`` and ``simulator``.
"""

from entrepot.sdk.conformance.harness import Harness, MemorySecrets
from entrepot.sdk.conformance.listings import LISTINGS, Listed, listings_of
from entrepot.sdk.conformance.suite import PluginConformance

__all__ = [
    "LISTINGS",
    "Harness",
    "Listed",
    "MemorySecrets",
    "PluginConformance",
    "listings_of",
]
