"""Tests of what a plugin says of itself."""

from __future__ import annotations

import subprocess
import sys

from entrepot.sdk.conformance import checks
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness

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


class ItselfConformance(ConformanceBase):
    """Loading, identity card, hooks and gaps, settings."""

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

    def test_fits_the_hooks(self, reader: Harness) -> None:
        """Every implementation belongs to a hook and takes its arguments."""
        reader.manager.check_pending()

    def test_info_is_complete(self) -> None:
        """The identity card is filled in."""
        checks.info_is_complete(self.plugin_info(), self.plugin_name)

    def test_hook_or_gap(self, reader: Harness, hook: str) -> None:
        """Each hook is there, or declared as a gap and really not there."""
        checks.hook_is_implemented(reader, hook)

    def test_settings_mark_secrets(self) -> None:
        """Secrets are flagged and never shown."""
        checks.settings_mark_secrets(self.plugin_info())

    def test_capabilities_match_hooks(self, reader: Harness) -> None:
        """What the capabilities promise is implemented, and nothing more."""
        checks.capabilities_match_hooks(reader)

    def test_vocabulary_is_plain(self, reader: Harness) -> None:
        """The words for the matcher are words."""
        if not reader.has("matching_vocabulary"):
            return
        answers = reader.manager.hook.matching_vocabulary()
        checks.require(answers, "matching_vocabulary returned nothing")
        checks.vocabulary_is_plain(answers[0])
