"""plugins: begun from a template, refused with a remedy."""

from __future__ import annotations


def test_new_plugin_is_begun_and_says_what_to_do_next(empty, tmp_path):
    target = tmp_path / "entrepot-north"
    said = empty(
        *("plugins", "new", "north", "--kind", "vendor", "--json"),
        *("--title", "North Cloud", "--into", target),
    )
    assert said.code == 0, said.err
    assert "src/entrepot_north/plugin.py" in said.data["files"]
    assert said.data["next"][-1] == "entrepot plugins score north"
    assert (
        'title="North Cloud"' in (target / "src/entrepot_north/plugin.py").read_text()
    )
    shown = empty("plugins", "new", "east", "--kind", "psa", "--into", tmp_path / "e")
    assert 'pip install -e ".[test]"' in shown.out


def test_new_plugin_is_refused_with_a_remedy(empty, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    for words in (("Bad-Name",), ("north", "--into", tmp_path)):
        said = empty("plugins", "new", *words, "--kind", "psa", "--json")
        assert said.code == 2, said.out
        assert said.error["error"] == "plugin_not_begun"
        assert said.error["remedy"]
    assert empty("plugins", "new", "north", "--kind", "shop").code == 2


def test_score_of_a_plugin_that_is_not_there(empty):
    said = empty("plugins", "score", "nothing", "--json")
    assert said.code == 4, said.err
    assert said.error["error"] == "plugin_missing"
