"""A rendered plugin installs, loads, passes what it implements, names the rest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from entrepot.plugins.rendering import TemplateRefused, render
from entrepot.sdk.model import PluginKind

ROOT = Path(__file__).resolve().parents[3]
KINDS = {"vendor": PluginKind.VENDOR, "psa": PluginKind.PSA}
GAPS = {"vendor": 8, "psa": 5}


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
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def source(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered") / "entrepot-north_wind"
    render("north_wind", KINDS[kind], "", folder)
    return folder


def test_rendered_plugin_is_well_formed(source):
    config = ["--no-cache", "--config", ROOT / "pyproject.toml"]
    call(sys.executable, "-m", "ruff", "check", *config, "src", cwd=source)
    left = [p for p in source.rglob("*") if p.is_file() and "[[" in p.name]
    assert not left
    for path in source.rglob("*.py"):
        compile(path.read_text(), str(path), "exec")
        assert not re.search(r"\[\[[a-z]+\]\]", path.read_text())


@pytest.mark.heavy
def test_rendered_plugin_installs_and_conforms(source, kind, tmp_path):
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=source)
    (wheel,) = (source / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    assert (tmp_path / "site/entrepot_north_wind/quality.toml").is_file()
    plain = ["-p", "no:cacheprovider", "-o", "addopts="]
    shown = call(
        *[sys.executable, "-m", "pytest", "-q", "-W", "error", *plain, "tests"],
        cwd=source,
        PYTHONPATH=str(tmp_path / "site"),
    )
    assert re.search(rf"\d\d passed, {GAPS[kind]} xfailed", shown), shown[-600:]


@pytest.mark.heavy
def test_rendered_plugin_is_typed(source):
    call(
        *[sys.executable, "-m", "mypy", "--strict"],
        *["--config-file", ROOT / "pyproject.toml", "src"],
        cwd=source,
        MYPYPATH="src",
    )


@pytest.mark.parametrize("name", ["Big", "with-dash", "1st", "a__b", ""])
def test_names_that_cannot_be_rendered(name, tmp_path):
    with pytest.raises(TemplateRefused, match="lower-case"):
        render(name, PluginKind.VENDOR, "", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(TemplateRefused, match="not an empty folder"):
        render("fine", PluginKind.PSA, "", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_policy_plugins_have_no_template(tmp_path):
    with pytest.raises(TemplateRefused, match="no template"):
        render("fine", PluginKind.POLICY, "", tmp_path / "new")
