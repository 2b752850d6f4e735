"""Every import contract catches a violation planted for it, and is kept without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "core/src",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("plugins/*/src")),
    "webapp/src",
)
PLANTED = {
    "floors": ("entrepot.store", "entrepot.hub"),
    "jobs-apart-from-plugins": ("entrepot.jobs", "entrepot.plugins"),
    "core-alone": ("entrepot.hub", "entrepot_microsoft.client"),
    "members-apart": ("entrepot_microsoft.client", "entrepot_connectwise"),
    "plugins-see-the-sdk": ("entrepot_connectwise.mapping", "entrepot.store"),
    "sdk-is-light": ("entrepot.sdk.model", "sqlalchemy"),
    "sdk-extras": ("entrepot.sdk.model", "werkzeug"),
    "engine-behind-jobs": ("entrepot.hub", "dbos"),
    "manager-behind-plugins": ("entrepot.hub", "pluggy"),
    "client-knows-no-model": ("entrepot_microsoft.client", "entrepot.sdk.model"),
    "mapping-does-no-io": ("entrepot_microsoft.mapping", "entrepot_microsoft.client"),
}


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our module names as empty files: the tests write the imports."""
    tree = tmp_path_factory.mktemp("skeleton")
    for source in SOURCES:
        for module in (ROOT / source).rglob("*.py"):
            copy = tree / module.relative_to(ROOT / source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
    for contract in contracts():
        for name in contract.get("source_modules", []):
            module_file(tree, name).touch()
    (tree / "entrepot" / "app.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def contracts() -> list[dict]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return config["tool"]["importlinter"]["contracts"]


def module_file(tree: Path, name: str) -> Path:
    path = tree / name.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def lint(tree: Path, *only: str) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as c; c()"
    chosen = [word for contract in only for word in ("--contract", contract)]
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *chosen],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract["id"] for contract in contracts()} == set(PLANTED)


def test_contracts_are_kept_by_modules_that_import_nothing(skeleton: Path) -> None:
    answer = lint(skeleton)
    assert answer.returncode == 0, answer.stdout
    assert f"{len(PLANTED)} kept, 0 broken" in answer.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_planted_import_breaks_its_contract(skeleton: Path, contract: str) -> None:
    importer, imported = PLANTED[contract]
    module = module_file(skeleton, importer)
    module.write_text(f"import {imported}\n")
    try:
        answer = lint(skeleton, contract)
    finally:
        module.write_text("")
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "0 kept, 1 broken" in answer.stdout
