"""What every plugin must pass."""

from __future__ import annotations

from entrepot.sdk.conformance import PluginConformance
from entrepot_connectwise.simulator.setup import PRIVATE_KEY, PUBLIC_KEY


class TestConnectWiseConformance(PluginConformance):
    plugin_name = "connectwise"
    data_paths = r"/apis/3\.0/"

    def connect(self, simulator, base_url):
        return {
            "site": base_url,
            "company": simulator.world.knobs.company,
            "public_key": PUBLIC_KEY,
            "private_key": PRIVATE_KEY,
        }
