"""The gallery: its script draws all pictures, and its page shows them."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from pictures import noise

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "examples" / "gallery.py"


def test_the_script_draws_what_the_page_shows(tmp_path, monkeypatch):
    Image.fromarray((noise(64, 96, 3).numpy() * 255).astype(np.uint8)).save(tmp_path / "photo.png")
    words = ["--image", tmp_path / "photo.png", "--budget", "8", "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    drawn = {path.name for path in (tmp_path / "out").iterdir()}
    shown = re.findall(r"!\[[^]]+\]\(images/([\w.-]+)\)", (ROOT / "docs" / "gallery.md").read_text())
    assert set(shown) == drawn
    for name in drawn:
        with Image.open(tmp_path / "out" / name) as image:
            assert np.asarray(image.convert("L")).std() > 10
        assert 10_000 < (ROOT / "docs" / "images" / name).stat().st_size < 300_000
