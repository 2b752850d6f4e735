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
paths are best left out), `charge_periods`, `sample`, and for plugins that read files
`files` (what a person would hand in) and `filed_values`.

Some checks need the vendor to do something: a subscription vanishes, is re-keyed, a
charge is corrected (`WORDS`). The kit calls the simulator's action of that name; an
author whose simulator calls it otherwise overrides `play`, and a vendor that has
nothing like it is declared with the reason::

        exempt = {"rekey_subscription": "Ids of this vendor never change."}

Needs pytest and werkzeug: install the extras ``conformance`` and ``simulator``.
"""

from entrepot.sdk.conformance.harness import Harness, MemorySecrets
from entrepot.sdk.conformance.listings import LISTINGS, Listed, listings_of
from entrepot.sdk.conformance.suite import PluginConformance
from entrepot.sdk.conformance.words import WORDS, WordMissing

__all__ = [
    "LISTINGS",
    "WORDS",
    "Harness",
    "Listed",
    "MemorySecrets",
    "PluginConformance",
    "WordMissing",
    "listings_of",
]
