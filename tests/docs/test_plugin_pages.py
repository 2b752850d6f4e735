"""Pages of plugins: score cards in step, every plugin with rules and a page."""

from __future__ import annotations

import ast
import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest
from entrepot.plugins.quality import read_quality

ROOT = Path(__file__).resolve().parents[2]


def _load(name):
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"entrepot_docs_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


scores = _load("scores")
STALE = "run: .venv/bin/python tests/docs/scores.py NAME"
QUALITY = sorted(ROOT.glob("plugins/*/quality.toml"))
EXAMPLES = sorted(ROOT.glob("docs/examples/*/quality.toml"))


def test_pages_show_the_cards_that_were_measured():
    shown = 0
    for path, text in scores.pages().items():
        page = path.read_text()
        if scores.BEGIN in page:
            shown += 1
            assert page == text, f"{path.name}: {STALE}"
    assert shown >= 2


def test_index_shows_every_card_and_links_every_page():
    index = scores.INDEX.read_text()
    for path in scores.PAGES.glob("*.md"):
        assert path == scores.INDEX or f"]({path.name})" in index, STALE
    for name, card in scores.cards().items():
        assert scores._row(name, card) in index, f"{name}: {STALE}"


def test_no_card_fails_and_each_is_of_this_version():
    assert scores.cards()
    for name, card in scores.cards().items():
        project = tomllib.loads((ROOT / f"plugins/{name}/pyproject.toml").read_text())
        assert card["level"] != "failing", card["kit"]["failed"]
        assert card["version"] == project["project"]["version"], STALE


@pytest.mark.parametrize("path", QUALITY + EXAMPLES, ids=lambda path: path.parent.name)
def test_quality_file_holds_against_the_code(path):
    quality = read_quality(path)
    done = {rule.name for rule in quality.rules if rule.state == "done"}
    (source,) = (path.parent / "src").iterdir()
    project = tomllib.loads((path.parent / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]
    assert quality.plugin in points["entrepot.plugins"]
    tests = [p.read_text() for p in (path.parent / "tests").glob("test_*.py")]
    proofs = {
        "conformance": any("(PluginConformance)" in text for text in tests),
        "simulator": quality.plugin in points.get("entrepot.simulators", {}),
        "known_limits_documented": _names_limits(path.parent),
        "no_global_state": not _globals(source),
        "raw_listings": any("RawItems" in p.read_text() for p in source.rglob("*.py")),
        "deadline_on_every_request": not _own_requests(source),
    }
    broken = [rule for rule in done & proofs.keys() if not proofs[rule]]
    assert not broken, f"{path} says done: {broken}"


def _names_limits(folder):
    """In the README, or on the plugin's page of the documentation."""
    places = (folder / "README.md", scores.PAGES / f"{folder.name}.md")
    return any("limits" in p.read_text().lower() for p in places if p.is_file())


def _globals(source):
    """Functions that assign to module-level names."""
    return [
        f"{path.name}:{node.lineno}"
        for path in source.rglob("*.py")
        if "simulator" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Global)
    ]


def _own_requests(source):
    """Requests that go around the connection's session."""
    return [
        f"{path.name}:{node.lineno}"
        for path in source.rglob("*.py")
        if "simulator" not in path.relative_to(source).as_posix()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("requests", "httpx")
    ]
