"""Bugs planted in a plugin: each is caught, and the failing check names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.heavy
HERE = Path(__file__).parent
# The bug, the check that must fail, and what it says.
BUGS = {
    "memory cursor": ("test_listing_resumes_by_cursor[list_customers]", "not resume"),
    "floats for money": (
        "test_event_is_told_as_it_is[exact_amount]",
        "read through a float",
    ),
    "harmless default": ("test_unknown_words_are_kept", "was read as 'active'"),
    "leak": ("test_nothing_leaks", "leaked"),
    "shared answers": ("test_two_connections_do_not_mix", "look alike"),
    "swallowed errors": ("test_lasting_fault_has_its_error[503]", "DID NOT RAISE"),
    "ids of amounts": ("test_event_is_told_as_it_is[restate_charge]", "still costs"),
}
MODULE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("fake_vendor", {fake!r})
fake = importlib.util.module_from_spec(spec)
sys.modules["fake_vendor"] = fake
spec.loader.exec_module(fake)
from entrepot.sdk.conformance import PluginConformance

class Base(PluginConformance):
    plugin_name = "fake"
    flaws = ()
    kept = None

    def connect(self, simulator, base_url):
        return {{"base_url": base_url, "api_key": simulator.key}}

    def plugin_object(self):
        if type(self).kept is None:
            type(self).kept = fake.FakePlugin(*self.flaws)
        return type(self).kept

    def build_simulator(self, options):
        return fake.FakeSimulator(options)

    test_loads_from_its_entry_point_alone = None
    test_listings_resume_after_a_kill = None

class TestHonest(Base):
    pass

{classes}
"""


def class_name(bug):
    return "Test" + bug.title().replace(" ", "")


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """What failed, with its message, by class."""
    folder = tmp_path_factory.mktemp("planted")
    classes = [
        f"class {class_name(bug)}(Base):\n    flaws = ({bug!r},)\n" for bug in BUGS
    ]
    text = MODULE.format(fake=str(HERE / "fake_vendor.py"), classes="\n".join(classes))
    (folder / "test_planted.py").write_text(text)
    done = subprocess.run(
        [
            *[sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            *["--import-mode=importlib", "--junit-xml=found.xml"],
            # What really waits or restarts much says nothing about these bugs.
            *["-k", "not (429 or slow or reset or cut or mid_listing or spoiled)"],
            "test_planted.py",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-3000:]
    found = {}
    tree = ElementTree.parse(folder / "found.xml")
    for case in tree.iter("testcase"):
        for failure in (*case.findall("failure"), *case.findall("error")):
            own = found.setdefault(case.get("classname").rpartition(".")[2], {})
            own[case.get("name")] = failure.get("message") + (failure.text or "")
    return found


def test_honest_plugin_passes(failures):
    assert "TestHonest" not in failures, failures["TestHonest"].keys()


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bug_is_named(failures, bug):
    check, says = BUGS[bug]
    failed = failures.get(class_name(bug), {})
    assert check in failed, f"failed instead: {sorted(failed)}"
    assert says in failed[check]
