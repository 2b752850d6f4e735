"""Quality files are answered openly, and score cards reckoned from them."""

from __future__ import annotations

import pytest
from entrepot.plugins.kit_run import KitUnavailable, read_report, run_kit
from entrepot.plugins.quality import RULES, QualityInvalid, find_quality, read_quality
from entrepot.plugins.scorecard import KitResult, level_of, score

FINE = KitResult(passed=40)


def written(folder, **changed):
    """A quality file; a rule given as None is left out."""
    rules = {**dict.fromkeys(RULES, '"done"'), **changed}
    lines = [f"{name} = {said}" for name, said in rules.items() if said is not None]
    path = folder / "quality.toml"
    path.write_text('plugin = "north"\n[rules]\n' + "\n".join(lines))
    return path


def card(path, kit=FINE):
    return score(
        read_quality(path), kit, version="1.0", api="1.0", scored_on="2026-03-01"
    )


def test_all_rules_done_is_gold(tmp_path):
    found = card(written(tmp_path))
    assert (found.plugin, found.percent, found.level) == ("north", 100, "gold")


def test_exempt_rules_do_not_count_and_open_ones_do(tmp_path):
    path = written(
        tmp_path,
        simulator='{ state = "exempt", reason = "no vendor yet" }',
        raw_listings='{ state = "todo", reason = "small lists first" }',
    )
    found = card(path)
    assert (found.percent, found.level) == (88, "silver")
    reasons = {rule.name: rule.reason for rule in found.rules if rule.reason}
    assert reasons == {
        "simulator": "no vendor yet",
        "raw_listings": "small lists first",
    }


@pytest.mark.parametrize(
    ("percent", "kit", "level"),
    [
        (100, KitResult(passed=9, failed=("test_x: no",)), "failing"),
        (100, KitResult(passed=0), "failing"),
        (79, FINE, "bronze"),
        (80, FINE, "silver"),
        (100, FINE, "gold"),
    ],
)
def test_level_follows_rules_and_kit(percent, kit, level):
    assert level_of(percent, kit) == level


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"simulator": None}, "not answered.*simulator"),
        ({"simulator": '"perhaps"'}, "simulator must be"),
        ({"simulator": '{ state = "todo" }'}, "with a reason"),
        ({"simulator": '{ state = "todo", reason = " " }'}, "with a reason"),
        ({"simulator": "]"}, "cannot be read"),
    ],
)
def test_quality_files_are_honest(tmp_path, changed, says):
    with pytest.raises(QualityInvalid, match=says):
        read_quality(written(tmp_path, **changed))


def test_quality_file_needs_rules(tmp_path):
    path = tmp_path / "quality.toml"
    path.write_text('plugin = "north"\n')
    with pytest.raises(QualityInvalid, match="rules"):
        read_quality(path)


def test_package_without_quality_file_has_none():
    assert find_quality("json") is None
    assert find_quality("no_such_package_here") is None


REPORT = """<testsuites><testsuite>
<testcase name="test_a"/>
<testcase name="test_b"><failure message="AssertionError: too much&#10;more">x</failure>
</testcase>
<testcase name="test_c"><skipped type="pytest.xfail" message="never: no"/></testcase>
</testsuite></testsuites>"""


def test_report_is_read(tmp_path):
    report = tmp_path / "found.xml"
    report.write_text(REPORT)
    assert read_report(report) == KitResult(
        passed=1,
        failed=("test_b: AssertionError: too much",),
        gaps=("test_c: never: no",),
    )


def test_kit_that_cannot_run_says_so(tmp_path):
    with pytest.raises(KitUnavailable, match="No check could be run"):
        run_kit("nothing", tmp_path)


CHECKS = """
class TestConformance:
    def test_good(self): pass
    def test_bad(self): assert 1 == 2, "planted"
def test_other(): assert False
"""


def test_kit_is_run_and_counted(tmp_path):
    (tmp_path / "test_own.py").write_text(CHECKS)
    found = run_kit("nothing", tmp_path / "test_own.py")
    assert (found.passed, found.gaps) == (1, ())
    assert "planted" in found.failed[0]
