import sys

import pytest

pytest.importorskip("transformers")

from pyrascope.cli.main import main
from pyrascope.models import verify_type

CONVOLUTIONS = "its tower is made of convolutions, which cannot take packed patches"
EXPECTED = {
    "fast_vlm": {"pixels": CONVOLUTIONS, "features": "pass", "layers": "pass"},
    "gemma3n": {"pixels": CONVOLUTIONS, "features": "pass", "layers": "layers of gemma3n do not compute what they"},
    "perception_lm": {"pixels": "plans before the tower are known for", "features": "pass", "layers": "pass"},
}
"""The types that need timm, and what each row of a site says."""


def test_a_missing_package_is_a_refusal_in_a_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "timm", None)
    report = verify_type("fast_vlm")
    assert [row.site for row in report.rows] == ["pixels", "features", "layers"]
    for row in report.rows:
        assert row.result.startswith("refused: fast_vlm needs the package timm, which cannot be imported here (")
        assert row.result.endswith("; run: pip install timm")
    with pytest.raises(SystemExit) as left:
        main(["verify", "fast_vlm"])
    assert left.value.code == 0
    assert "needs the package timm" in capsys.readouterr().out


@pytest.mark.parametrize("kind", EXPECTED)
def test_types_that_need_timm(kind):
    report = verify_type(kind)
    assert report.ok, str(report)
    for site, words in EXPECTED[kind].items():
        found = [row.result for row in report.rows if row.site == site]
        if words == "pass":
            assert len(found) > 1
            assert set(found) == {"pass"}
        else:
            assert found
            assert all(one.startswith("refused: ") and words in one for one in found), found
