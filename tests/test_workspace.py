"""The members of the workspace stay in step, and no committed file leaks an address."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEMBERS = (
    "core",
    *(f"plugins/{name}" for name in ("aws", "connectwise", "google", "ibm")),
    "plugins/microsoft",
    "webapp",
)
PLUGINS = [member for member in MEMBERS if member.startswith("plugins/")]
PUBLIC_TARGETS = {
    *("help", "dev", "test", "check", "lint", "types", "lock", "demo", "conform"),
    *("bench", "bench-smoke", "bench-full", "bench-peers"),
    *("crash", "soak"),
}
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
# Spelled in pieces so that this file does not find itself.
HOSTS = re.compile(
    r"(?:pypi"
    r"\.org|files\.python"
    r"hosted|registry\.npm"
    r"js|deb\.deb"
    r"ian\.org)"
    r"|https?://[^\s\"'/]*(?:artifactory|nexus|devpi|index-mirror)",
    re.IGNORECASE,
)
PRIVATE_PATHS = re.compile(
    r"(?<![\w.~$}-])/(?:home/(?!you\b|user\b|entrepot\b)\w+|Users/\w+|wo"
    r"rk/\w+"
    r"|ro"
    r"ot/\w+|opt/wh"
    r"eels|tmp/"
    r"w/)"
)


def project(folder: str) -> dict:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())


def tracked() -> list[Path]:
    listing = subprocess.run(
        [shutil.which("git"), "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listing.stdout.decode().rstrip("\0").split("\0")
    return [path for name in names if (path := ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8000]:
            found.append((str(path.relative_to(ROOT)), content.decode("utf-8")))
    return found


def test_all_members_are_listed() -> None:
    on_disk = {
        str(path.parent.relative_to(ROOT))
        for pattern in ("*/pyproject.toml", "plugins/*/pyproject.toml")
        for path in ROOT.glob(pattern)
    }
    assert on_disk == set(MEMBERS)
    names = {project(member)["project"]["name"] for member in MEMBERS}
    assert set(project(".")["tool"]["uv"]["sources"]) == names
    required = {
        re.split(r"[\[<>= ]", item)[0]
        for item in project(".")["project"]["dependencies"]
    }
    assert required == names


def test_versions_and_pythons_are_in_step() -> None:
    folders = (".", *MEMBERS)
    assert len({project(folder)["project"]["version"] for folder in folders}) == 1
    assert {project(folder)["project"]["requires-python"] for folder in folders} == {
        ">=3.11"
    }


def test_members_ask_for_the_core_of_their_own_minor_version() -> None:
    major, minor, *_ = project("core")["project"]["version"].split(".")
    wanted = f"entrepot>={major}.{minor},<{major}.{int(minor) + 1}"
    for member in MEMBERS[1:]:
        assert wanted in project(member)["project"]["dependencies"], member


@pytest.mark.parametrize("member", PLUGINS)
def test_plugin_is_named_after_its_folder(member: str) -> None:
    name = Path(member).name
    described = project(member)["project"]
    points = described["entry-points"]
    assert described["name"] == f"entrepot-{name}"
    assert points["entrepot.plugins"] == {name: f"entrepot_{name}.plugin:plugin"}
    assert set(points["entrepot.simulators"]) == {name}
    assert (ROOT / member / "src" / f"entrepot_{name}").is_dir()


@pytest.mark.parametrize("member", MEMBERS)
def test_installed_metadata_is_what_the_project_file_says(member: str) -> None:
    described = project(member)["project"]
    assert version(described["name"]) == described["version"], "run `make dev`"
    groups = dict(described.get("entry-points", {}))
    if "scripts" in described:
        groups["console_scripts"] = described["scripts"]
    for group, points in groups.items():
        installed = {
            point.name: point.value
            for point in distribution(described["name"]).entry_points.select(
                group=group
            )
        }
        assert installed == points, "run `make dev`: entry points changed"


@pytest.mark.parametrize("member", MEMBERS)
def test_every_entry_point_loads(member: str) -> None:
    for point in distribution(project(member)["project"]["name"]).entry_points:
        assert point.load() is not None, point


@pytest.mark.parametrize(
    ("name", "least"), [("requirements.lock", 50), ("tests/node.lock", 1)]
)
def test_lock_has_hashes_and_no_address(name: str, least: int) -> None:
    lock = (ROOT / name).read_text()
    assert not re.search(r"://|^-|file:| @ ", lock, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert len(entries) >= least
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry
        assert HASH.search(entry), entry


def test_lock_covers_every_declared_package() -> None:
    locked = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    )
    wanted: list[str] = list(project(".")["dependency-groups"]["dev"])
    for member in MEMBERS:
        described = project(member)["project"]
        wanted += described["dependencies"]
        for extra in described.get("optional-dependencies", {}).values():
            wanted += extra
    names = {re.split(r"[\[<>=!~; ]", item)[0].lower() for item in wanted}
    missing = {name for name in names if not name.startswith("entrepot")} - locked
    assert not missing, "run `make lock`"


def test_no_committed_file_names_a_registry_or_a_private_path() -> None:
    leaks = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if HOSTS.search(line) or PRIVATE_PATHS.search(line)
    ]
    assert not leaks, "\n".join(leaks)


@pytest.mark.parametrize(
    "line",
    [
        "index-url = https://pypi" + ".org/simple",
        '"resolved": "https://registry.npm' + 'js.org/x"',
        "path = '/wo" + "rk/main'",
        "cd /ho" + "me/alice/src",
    ],
)
def test_leak_patterns_find_a_planted_address(line: str) -> None:
    assert HOSTS.search(line) or PRIVATE_PATHS.search(line)


@pytest.mark.parametrize(
    "line", ["/api/v1/wo" + "rk/items", "https://example.com/root/x", "~/wo" + "rk/hub"]
)
def test_leak_patterns_leave_ordinary_text_alone(line: str) -> None:
    assert not HOSTS.search(line)
    assert not PRIVATE_PATHS.search(line)


def test_make_help_lists_every_public_target() -> None:
    answer = subprocess.run(
        [shutil.which("make"), "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MAKEFLAGS": ""},
    )
    listed = re.findall(r"^  make (\S+)", answer.stdout, re.MULTILINE)
    assert set(listed) >= PUBLIC_TARGETS


def test_continuous_integration_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run([shutil.which("bash"), "-n", str(script)], check=True)
    assert re.search(r"^make test\b", script.read_text(), re.MULTILINE)
