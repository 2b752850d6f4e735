"""The command line in this process, on a hub between two simulated systems."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from entrepot.cli.main import main
from entrepot.sdk.simulator import ControlClient, Options
from entrepot.sdk.simulator.registry import build_named

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """Its error as JSON; a question or progress may stand before it."""
        return json.loads(self.err[self.err.index("{") :])


class Terminal:
    """Runs commands; output is captured by pytest.

    Args:
        capture: Gives and forgets what was written since the last call.
        folder: Data folder of the hub, or of none yet.
    """

    def __init__(self, capture: Callable[[], Any], folder: Path) -> None:
        self._capture = capture
        self.folder = folder

    def __call__(self, *arguments: object, **environment: str) -> Said:
        """Run one command."""
        changed = {
            "ENTREPOT_DATA_DIR": str(self.folder),
            "ENTREPOT_ALLOW_PRIVATE_TARGETS": "true",
            "ENTREPOT_ENVIRONMENT": "test",
            "COLUMNS": "250",
            **environment,
        }
        before = dict(os.environ)
        os.environ.update(changed)
        self._capture()
        try:
            with pytest.raises(SystemExit) as ended:
                main([str(one) for one in arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)
        told = self._capture()
        code = ended.value.code
        return Said(code if isinstance(code, int) else int(bool(code)), *told)

    def ok(self, *arguments: object, **environment: str) -> Any:
        """The JSON of a command that must succeed."""
        said = self(*arguments, "--json", **environment)
        assert said.code == 0, f"{arguments}: {said.code} {said.out} {said.err}"
        return said.data


@dataclass(frozen=True)
class Systems:
    """Addresses of the simulated vendor and PSA."""

    vendor: str
    psa: str


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    """A vendor, and a PSA with differences planted."""
    size = {"customers": 12, "subscriptions": 80}
    # Every test signs in with a copy of one hub, so its refresh token must last.
    lasting = {"rotation": "lenient"}
    vendor = build_named("microsoft", Options(**size, extra=lasting)).serve(port=0)
    seed = tmp_path_factory.mktemp("seed") / "seed.json"
    control = ControlClient(vendor.base_url)
    seed.write_text(json.dumps(control.act("export_seed")))
    more = {"seed_file": seed, "extra": {"drift": "0.3"}}
    psa = build_named("connectwise", Options(**size, **more)).serve(port=0)
    yield Systems(vendor.base_url, psa.base_url)
    vendor.stop()
    psa.stop()


@pytest.fixture
def empty(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """A terminal of somebody who has no hub yet."""
    return Terminal(capsys.readouterr, tmp_path / "none")


@pytest.fixture
def fresh(empty: Terminal) -> Terminal:
    """A hub with a reseller and a person, without connections."""
    empty.ok(
        *("init", "--reseller", "Acme", "--email", "you@acme.example"),
        *("--password", PASSWORD),
    )
    return empty


@pytest.fixture(scope="session")
def working(
    systems: Systems, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> Path:
    """The folder of a hub that has read, mapped and compared both systems."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    folder = tmp_path_factory.mktemp("hub") / "data"

    def taken() -> tuple[str, str]:
        told = capture.read_global_capture()
        return told.out, told.err

    terminal = Terminal(taken, folder)
    terminal.ok("init", "--reseller", "Acme", "--email", "you@acme.example")
    for plugin, address in (
        ("microsoft", systems.vendor),
        ("connectwise", systems.psa),
    ):
        settings = ControlClient(address).act("connection_settings")
        pairs = [f"{key}={value}" for key, value in settings.items()]
        values = [part for pair in pairs for part in ("--set", pair)]
        terminal.ok("connections", "add", plugin, *values)
        assert terminal.ok("sync", plugin, "--full")[0]["state"] == "complete"
    terminal.ok("map", "suggest")
    terminal.ok("map", "accept", "customers", "--why", "tests")
    terminal.ok("map", "accept", "products", "--why", "tests")
    compared = terminal.ok("reconcile", "run")
    assert compared["run"]["state"] == "ok", compared
    return folder


@pytest.fixture
def cli(working: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """A terminal on a copy of the working hub."""
    shutil.copytree(working, tmp_path / "data")
    return Terminal(capsys.readouterr, tmp_path / "data")
