"""The plugin of the author's guide, built from its pages and put to work."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from entrepot.plugins.rendering import render
from entrepot.sdk.model import PluginKind

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "plugin-author-guide.md"


def _load(name):
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"entrepot_docs_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


guide = _load("guide")


def call(*command, cwd, **environment):
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, (
        f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    )
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The guide's files, and a folder into which its wheel is installed."""
    folder = tmp_path_factory.mktemp("guide")
    source, site = folder / "entrepot-acme", folder / "site"
    guide.write_files(GUIDE, source)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    call(*build, cwd=source)
    (wheel,) = (source / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return source, site


def test_guide_lists_the_files_it_writes(tmp_path):
    written = guide.write_files(GUIDE, tmp_path)
    listed = re.search(r"entrepot-acme/\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]
    for name in written:
        assert Path(name).name in listed, f"{name} is not in the list of files"


def test_guide_and_template_are_one(tmp_path):
    written = guide.write_files(GUIDE, tmp_path / "guide")
    rendered = tmp_path / "rendered"
    render("acme", PluginKind.VENDOR, "Acme Cloud", rendered)
    for name in written:
        told = (tmp_path / "guide" / name).read_text()
        assert told == (rendered / name).read_text(), name


def test_guides_plugin_follows_the_house_rules(project):
    source, _ = project
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--no-cache", "--config", ROOT / "pyproject.toml"]
    call(*ruff, "check", *config, "src", cwd=source)
    call(*ruff, "format", "--check", *config, "src", "tests", cwd=source)


@pytest.mark.heavy
def test_guides_plugin_conforms(project):
    source, site = project
    shown = call(
        *[
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "-p",
            "no:cacheprovider",
        ],
        *["-o", "addopts=", "tests"],
        cwd=source,
        PYTHONPATH=str(site),
    )
    assert re.search(r"\d\d passed, 8 xfailed", shown), shown


@pytest.mark.heavy
def test_guides_plugin_is_scored_from_its_wheel(project, tmp_path):
    _, site = project
    own = [sys.executable, "-m", "entrepot.cli", "--json", "plugins", "score", "acme"]
    around = {"PYTHONPATH": str(site), "ENTREPOT_DATA_DIR": str(tmp_path)}
    card = json.loads(call(*own, cwd=tmp_path, **around))
    assert (card["level"], card["percent"]) == ("silver", 90)
    assert card["kit"]["failed"] == []
    assert len(card["kit"]["gaps"]) == 8


@pytest.mark.heavy
def test_hub_reads_through_the_guides_plugin(project, tmp_path):
    _, site = project
    surroundings = {
        "PYTHONPATH": str(site),
        "ENTREPOT_DATA_DIR": str(tmp_path / "hub"),
        "ENTREPOT_ALLOW_PRIVATE_TARGETS": "true",
    }

    def entrepot(*words):
        own = [sys.executable, "-m", "entrepot.cli", "--json"]
        return json.loads(call(*own, *words, cwd=tmp_path, **surroundings))

    simulator = subprocess.Popen(
        [
            *[sys.executable, "-m", "entrepot.cli", "--json"],
            *["simulator", "run", "acme", "--customers", "20"],
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **surroundings},
    )
    try:
        told = "".join(simulator.stdout.readline() for _ in range(3))
        address = json.loads(told)["base_url"]
        plugins = {one["name"]: one for one in entrepot("plugins", "list")}
        assert plugins["acme"]["state"] == "loaded"
        assert plugins["acme"]["reason"] == ""
        entrepot("init", "--reseller", "Example Reseller")
        entrepot(
            *["connections", "add", "acme", "--set", f"address={address}"],
            *["--set", "api_key=acme-key-1"],
        )
        first = entrepot("sync", "acme")[0]
        assert first["state"] == "complete"
        change = ["contract=cl-1-00000-0", "seats=99"]
        entrepot("simulator", "control", address, "change_seats", *change)
        second = entrepot("sync", "acme")[0]
        assert second["counts"]["subscriptions"]["changed"] == 1
        held = entrepot("subscriptions", "--limit", "200")
        assert 99 in {float(one["quantity"]) for one in held}
    finally:
        simulator.terminate()
        simulator.wait(timeout=20)
        simulator.stdout.close()
