"""The example plugin, met as a stranger meets it: core, the example, nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import venv
from contextlib import closing
from pathlib import Path

import pytest
from entrepot.plugins.rendering import render
from entrepot.sdk.model import PluginKind

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/examples/entrepot-ledgerline"
OWN = ("entrepot", "_entrepot", "__editable__", "pip", "a1_coverage", "distutils")


def run(*command, cwd, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ENTREPOT_")}
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def call(*command, cwd, **environment):
    done = run(*command, cwd=cwd, **environment)
    assert done.returncode == 0, (
        f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    )
    return done.stdout


def wheel(source, target):
    """Build a distribution without network and outside of its source."""
    copy = target / source.name
    kept = shutil.ignore_patterns("dist", "__pycache__", ".*", "tests")
    shutil.copytree(source, copy, ignore=kept)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    call(*build, cwd=copy)
    (made,) = (copy / "dist").glob("*.whl")
    return made


class Stranger:
    """An environment with core and the libraries it needs, and a data folder."""

    def __init__(self, folder):
        self.folder = folder
        self.python = folder / "env/bin/python"
        self.around = {
            "ENTREPOT_DATA_DIR": str(folder / "data"),
            "ENTREPOT_ALLOW_PRIVATE_TARGETS": "true",
            "ENTREPOT_ENVIRONMENT": "test",
        }

    def build(self):
        """What pip would fetch is linked from this environment instead."""
        venv.create(self.folder / "env", with_pip=True)
        ours = Path(sysconfig.get_paths()["purelib"])
        (theirs,) = (self.folder / "env/lib").glob("python3*/site-packages")
        for entry in ours.iterdir():
            if not entry.name.startswith(OWN) and entry.suffix != ".pth":
                link = theirs / entry.name
                if not link.exists():
                    link.symlink_to(entry)
        self.install(wheel(ROOT / "core", self.folder))

    def install(self, built):
        self.pip("install", "--no-index", "--no-deps", built)

    def pip(self, *words):
        quiet = ["-q", "--disable-pip-version-check"]
        call(self.python, "-m", "pip", *words, *quiet, cwd=self.folder)

    def entrepot(self, *words, code=0):
        own = [self.python.with_name("entrepot"), "--json", *words]
        done = run(*own, cwd=self.folder, **self.around)
        assert done.returncode == code, (words, done.stdout, done.stderr[-3000:])
        return json.loads(done.stdout) if done.stdout.strip() else None

    def books(self):
        """The rows that hold what was read, by table."""
        (file,) = (self.folder / "data").glob("*.db")
        with closing(sqlite3.connect(file)) as database:
            return {
                table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("psa_company", "psa_product", "psa_line", "psa_line_fact")
            }


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    made = Stranger(tmp_path_factory.mktemp("stranger"))
    made.build()
    return made


@pytest.fixture(scope="module")
def built(stranger):
    return wheel(EXAMPLE, stranger.folder)


@pytest.fixture
def psa(stranger, built):
    """The example's simulator, as its own process."""
    stranger.install(built)
    command = [stranger.python.with_name("entrepot"), "--json", "simulator", "run"]
    process = subprocess.Popen(
        [*map(str, command), "ledgerline", "--customers", "4"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=stranger.folder,
        env={**os.environ, **stranger.around},
    )
    told = "".join(process.stdout.readline() for _ in range(3))
    yield json.loads(told)["base_url"]
    process.terminate()
    process.wait(timeout=20)
    process.stdout.close()


def test_example_is_what_the_template_renders(tmp_path):
    written = render("ledgerline", PluginKind.PSA, "Ledgerline", tmp_path / "new")
    for name in written:
        if name.startswith("src/") or name == "pyproject.toml":
            rendered = (tmp_path / "new" / name).read_text()
            assert (EXAMPLE / name).read_text() == rendered, name


@pytest.mark.heavy
def test_example_passes_its_tests_as_a_stranger_runs_them(stranger, built):
    stranger.install(built)
    shutil.copytree(EXAMPLE / "tests", stranger.folder / "tests", dirs_exist_ok=True)
    shown = call(
        *[stranger.python, "-m", "pytest", "-q", "-W", "error"],
        *["-p", "no:cacheprovider", "-k", "not 429 and not slow", "tests"],
        cwd=stranger.folder,
    )
    assert "5 xfailed" in shown, shown[-500:]
    assert " failed" not in shown


@pytest.mark.heavy
def test_one_plugin_alone_works_and_its_removal_loses_nothing(stranger, psa):
    entrepot = stranger.entrepot
    plugins = {one["name"]: one["state"] for one in entrepot("plugins", "list")}
    assert plugins == {"ledgerline": "loaded"}
    entrepot("init", "--reseller", "Example Reseller")
    values = ["--set", f"address={psa}", "--set", "api_key=ledgerline-key-1"]
    entrepot("connections", "add", "ledgerline", *values)
    assert entrepot("sync", "ledgerline")[0]["state"] == "complete"
    before = stranger.books()
    assert before["psa_company"] == 4
    assert before["psa_line"] > 20

    stranger.pip("uninstall", "-y", "entrepot-ledgerline")
    assert entrepot("plugins", "list") == []
    entrepot("connections", "check", "ledgerline", code=6)
    (left,) = entrepot("connections", "list")
    assert left["state"] == "parked"
    told = left["parked"]
    assert told["message"] == (
        "The plugin “ledgerline” is not available: it is not installed."
    )
    assert told["remedy"] == "Let the operator install or repair the plugin."
    assert stranger.books() == before
    assert left["secret_names"] == ["api_key"]

    stranger.install(next(stranger.folder.glob("*ledgerline/dist/*.whl")))
    entrepot("connections", "check", "ledgerline")
    (back,) = entrepot("connections", "list")
    assert back["state"] == "active"
    assert stranger.books() == before
