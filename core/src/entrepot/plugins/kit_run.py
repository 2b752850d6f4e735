"""Running the conformance kit against an installed plugin, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from entrepot.plugins.scorecard import KitResult

PATIENCE = 1800
"""Seconds that one run may take."""
_NEEDED = ("pytest", "hypothesis", "werkzeug")
_GENERIC = '''"""The kit against an installed plugin and its simulator."""
import json
from entrepot.sdk.conformance import PluginConformance

KIT = json.loads({kit!r})

class TestConformance(PluginConformance):
    plugin_name = {name!r}
    data_paths = KIT.get("data_paths", "")
    exempt = KIT.get("exempt", {{}})

    def connect(self, simulator, base_url):
        return simulator.connection_settings()
'''


class KitUnavailable(Exception):
    """The kit cannot run here; the text says what to install."""


def run_kit(
    name: str, tests: Path | None = None, kit: Mapping[str, Any] | None = None
) -> KitResult:
    """Run the conformance kit.

    Args:
        name: The installed plugin.
        tests: Folder or file of the plugin's own conformance tests. None runs the
            kit as it is, with the settings that the plugin's simulator tells.
        kit: ``data_paths`` and ``exempt`` for the kit as it is.

    Raises:
        KitUnavailable: A package is missing, or no check could be run.
    """
    missing = [one for one in _NEEDED if find_spec(one) is None]
    if missing:
        raise KitUnavailable(
            f"The conformance kit needs {', '.join(missing)}. "
            'Install "entrepot[conformance,simulator]".'
        )
    with tempfile.TemporaryDirectory(prefix="entrepot-kit-") as folder:
        target = tests
        if target is None:
            target = Path(folder) / "test_kit.py"
            text = _GENERIC.format(name=name, kit=json.dumps(dict(kit or {})))
            target.write_text(text, encoding="utf-8")
        return _run(target, Path(folder) / "found.xml")


def _run(target: Path, report: Path) -> KitResult:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [
            *[sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            *["--import-mode=importlib", "-o", "addopts=", "-k", "conformance"],
            *[f"--junit-xml={report}", str(target)],
        ],
        cwd=target.parent if target.is_file() else target,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if not report.is_file() or done.returncode not in (0, 1):
        told = (done.stdout + done.stderr).strip().splitlines()[-3:]
        raise KitUnavailable(f"No check could be run in {target}: {' '.join(told)}")
    return read_report(report)


def read_report(report: Path) -> KitResult:
    """The verdict in a JUnit report of the kit."""
    passed, failed, gaps = 0, [], []
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - written by the run above
        name = case.get("name", "")
        bad = [*case.findall("failure"), *case.findall("error")]
        skipped = case.find("skipped")
        if bad:
            failed.append(f"{name}: {_first_line(bad[0].get('message', ''))}")
        elif skipped is not None:
            gaps.append(f"{name}: {_first_line(skipped.get('message', ''))}")
        else:
            passed += 1
    return KitResult(passed=passed, failed=tuple(failed), gaps=tuple(gaps))


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0][:200]
