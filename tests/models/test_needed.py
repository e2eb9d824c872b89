import importlib
import importlib.metadata
import sys

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.cli.main import main
from pyrascope.models import verify_type


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


def declare_operators():
    """Lets torchvision of a CUDA build be imported beside a CPU build of torch: no tower uses its operators."""
    files = importlib.metadata.files("torchvision") or ()
    if torch.version.cuda or not any("cudart" in file.name for file in files):
        return None
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms", "roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool", "deform_conv2d", "qroi_align"):
        for operator in (name, f"_{name}_backward"):
            library.define(f"{operator}(Tensor x) -> Tensor")
    return library


def test_fast_vlm():
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    library = declare_operators()
    importlib.import_module("timm")
    report = verify_type("fast_vlm")
    assert report.ok, str(report)
    results = {site: {row.result for row in report.rows if row.site == site} for site in ("features", "layers")}
    assert results == {"features": {"pass"}, "layers": {"pass"}}
    pixels = {row.result for row in report.rows if row.site == "pixels"}
    assert all("its tower is made of convolutions, which cannot take packed patches" in one for one in pixels)
    del library
