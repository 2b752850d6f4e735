"""House rules that no off-the-shelf linter knows."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE_FOLDERS = (
    "core/src",
    "plugins/aws/src",
    "plugins/connectwise/src",
    "plugins/google/src",
    "plugins/ibm/src",
    "plugins/microsoft/src",
    "webapp/src",
)
TEST_FOLDERS = ("core/tests", "plugins", "webapp/tests", "tests", "bench")
NEUTRAL = ("core/src", "webapp/src")
GENERATED = "migrations/versions/"

VENDOR_WORDS = re.compile(
    r"microsoft|connectwise|azure|onmicrosoft|office ?365|\bm365\b|\bo365\b|entra\b"
    r"|partner ?center|google|\bgcp\b|cloudchannel|bigquery|\baws\b|amazon|boto"
    r"|\bibm\b|softlayer|bluemix|autotask|halopsa|ledgerline",
    re.IGNORECASE,
)
CORE_VENDOR_WORDS = re.compile(r"\bcsp\b", re.IGNORECASE)  # a header in the web
UNFINISHED = re.compile(
    r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|NotImpl" r"emented"
)
EXEMPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma:)(?P<rest>.*)$")
CODES = re.compile(r"^(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w, -]+\]|\s*no cover)")
SKIPS = re.compile(r"(?:pytest\.)?(?:mark\.)?(?:skip|skipif|xfail)")
WALL_CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
}
CLOCK_MODULES = {"core/src/entrepot/sdk/context.py", "core/src/entrepot/sdk/clock.py"}
# What a file of a plugin may import; None: anything a plugin may.
PLUGIN_IMPORTS = {
    "wire": ("msgspec",),
    "mapping": ("msgspec", "entrepot.sdk", ".wire"),
    "settings": ("marshmallow", "entrepot.sdk"),
    "errors": ("msgspec", "entrepot.sdk", ".wire"),
}


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    return tuple(
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if GENERATED not in path.as_posix() and "node_modules" not in path.parts
    )


def sources() -> tuple[Path, ...]:
    return python_files(*SOURCE_FOLDERS)


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def exempted_without_reason(line: str) -> bool:
    """True for `noqa`, `type: ignore` or `pragma` without a code and a reason."""
    found = EXEMPTION.search(line)
    if found is None:
        return False
    code = CODES.match(found["rest"])
    reason = found["rest"][code.end() :].strip(" #-:") if code else ""
    return len(reason) < 3


def test_no_module_is_longer_than_500_lines() -> None:
    files = (*sources(), *python_files(*TEST_FOLDERS))
    long = [f"{name(f)}: {n}" for f in files if (n := len(text(f).splitlines())) > 500]
    assert not long, "split these modules:\n" + "\n".join(long)


def test_size_budget_of_modules_and_functions() -> None:
    modules = [len(text(path).splitlines()) for path in sources()]
    sizes = [length(node) for path in sources() for node in functions(path)]
    assert percentile(modules, 0.9) <= 300
    assert median(sizes) <= 12
    assert percentile(sizes, 0.9) <= 35


def test_no_vendor_word_in_core_or_webapp() -> None:
    files = [
        *python_files(*NEUTRAL),
        *(p for p in (ROOT / "webapp/src").rglob("*.html") if "vendor" not in p.parts),
    ]
    found = []
    for path in files:
        in_core = name(path).startswith("core/")
        for number, line in enumerate(text(path).splitlines(), 1):
            if VENDOR_WORDS.search(line) or (
                in_core and CORE_VENDOR_WORDS.search(line)
            ):
                found.append(f"{name(path)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_nobody_branches_on_the_name_of_a_plugin() -> None:
    suspects = {"vendor", "plugin", "plugin_id", "plugin_name", "vendor_name", "psa"}
    found = []
    for path in python_files(*NEUTRAL):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            names = {getattr(side, "id", getattr(side, "attr", "")) for side in sides}
            constants = [
                side
                for side in sides
                if isinstance(side, ast.Constant)
                and isinstance(side.value, str)
                and side.value
            ]
            if names & suspects and constants:
                found.append(f"{name(path)}:{node.lineno}")
    assert not found, "\n".join(found)


def test_nothing_is_left_unfinished() -> None:
    files = (*sources(), *python_files(*TEST_FOLDERS))
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(text(path).splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not found, "\n".join(found)


def test_every_exemption_names_its_rule_and_its_reason() -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in enumerate(text(path).splitlines(), 1)
        if exempted_without_reason(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line", ["x = 1  # noqa", "x = 1  # noqa: S603", "y()  # type: ignore[arg-type]"]
)
def test_bare_exemption_is_seen(line: str) -> None:
    assert exempted_without_reason(line)


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: S603 - arguments are constants",
        "x = 1  # noqa: S603, S607  # arguments are constants",
        "y()  # type: ignore[arg-type]  # stub lacks the overload",
        "y()  # pragma: no cover - another platform",
    ],
)
def test_exemption_with_reason_is_accepted(line: str) -> None:
    assert not exempted_without_reason(line)


def test_no_test_is_skipped_or_expected_to_fail_without_reason() -> None:
    found = []
    for path in python_files(*TEST_FOLDERS):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if SKIPS.fullmatch(called) and not reason_given(node):
                found.append(f"{name(path)}:{node.lineno}: {called}")
    assert not found, "\n".join(found)


def reason_given(node: ast.Call) -> bool:
    return any(keyword.arg == "reason" for keyword in node.keywords) or (
        ast.unparse(node.func) == "pytest.skip" and bool(node.args)
    )


def test_wall_clock_is_read_in_one_place_only() -> None:
    found = []
    for path in sources():
        if name(path) in CLOCK_MODULES or "/simulator/" in name(path):
            continue
        for node in ast.walk(tree(path)):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            ):
                continue
            owner = ast.unparse(node.func.value).rpartition(".")[2]
            line = text(path).splitlines()[node.lineno - 1]
            if (owner, node.func.attr) in WALL_CLOCKS and "# wall clock:" not in line:
                found.append(f"{name(path)}:{node.lineno}: {ast.unparse(node)}")
    assert not found, (
        "take the injected clock, or say why not in a `# wall clock: reason`:\n"
        + "\n".join(found)
    )


def imports_of(path: Path) -> Iterator[str]:
    """Every import as an absolute name, siblings as `.name`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom) and node.module is None:
            yield from (f".{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f".{node.module}"


@pytest.mark.parametrize("plugin", ["connectwise", "microsoft"])
@pytest.mark.parametrize("room", PLUGIN_IMPORTS)
def test_rooms_of_a_plugin_import_what_they_may(plugin: str, room: str) -> None:
    package = f"entrepot_{plugin}"
    folder = ROOT / "plugins" / plugin / "src" / package
    files = [*folder.glob(f"{room}.py"), *folder.glob(f"{room}/**/*.py")]
    assert files, f"{package} has no {room}.py"
    allowed = PLUGIN_IMPORTS[room]
    for path in files:
        for imported in imports_of(path):
            local = imported.replace(f"{package}.", ".", 1)
            if local.startswith("."):
                fine = local.startswith((*allowed, f".{room}")) or path.parent != folder
            else:
                top = local.split(".")[0]
                fine = top in _standard_library() or local.startswith(allowed)
            assert fine, f"{name(path)} imports {imported}"


def _standard_library() -> frozenset[str]:
    return sys.stdlib_module_names | {"__future__"}


def test_hook_implementations_only_delegate() -> None:
    for plugin in ("connectwise", "microsoft"):
        path = ROOT / f"plugins/{plugin}/src/entrepot_{plugin}/plugin.py"
        assert len(text(path).splitlines()) <= 250, "plugin.py delegates, nothing else"
