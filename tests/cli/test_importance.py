"""`pyrascope importance`: what it writes and refuses."""

import json
import re

import pytest

import pyrascope as ps
from tolerances import near
from written import names, opened


def test_importance_writes_what_ps_importance_map_gives(run, photo, tmp_path):
    values, picture = tmp_path / "values.json", tmp_path / "map.png"
    words = ["--map", "band-energy", "--map", "Fixation()", "--fixation", "8,90", "--json", values, "--out", picture]
    code, out, _ = run("importance", photo, *words)
    assert code == 0
    rows = json.loads(values.read_text())
    context = ps.Context(fixation=(8, 90))
    for row, made in zip(rows, (ps.importance.BandEnergy(), ps.importance.Fixation()), strict=True):
        assert row["map"] == repr(made)
        near(row["values"], ps.importance_map(photo, made, context=context))
    assert "Fixation(): 4x6 cells" in out
    assert "the most at y 0..16, x 80..93" in out
    assert opened(picture)[0] == "PNG"


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--map", "salience"], "map must be one of .*did you mean saliency"),
        (["--map", "Weighted()"], "Weighted has an option that does not fit"),
        (["--map", "Query()"], "Query needs context.query"),
        (["--map", "Attention()"], "Attention needs context.attention"),
        (["--cell", "0"], "cell must be a whole number from 1 to 4096"),
        (["--fixation", "-1,5"], "fixation must lie in the image"),
    ],
)
def test_bad_options_of_importance(run, photo, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("importance", "photo.png", *words, "--json", "a.json", "--out", "a.png")
    assert code == 2
    assert re.search(match, err)
    assert names(tmp_path) == ["photo.png"]
