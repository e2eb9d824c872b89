import os
import re
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from pyrascope.models.stock.support import LOWEST, transformers

ROOT = Path(__file__).parents[2]


def test_one_lowest_version_everywhere():
    lowest = ".".join(map(str, LOWEST))
    assert f'"transformers>={lowest}"' in (ROOT / "pyproject.toml").read_text()
    assert f"LOWEST := {lowest}.0\n" in (ROOT / "Makefile").read_text()
    assert f"transformers >= {lowest}" in (ROOT / "docs/models.md").read_text()


def test_the_wanted_version_is_the_one_that_runs():
    """`make test-lowest` puts a folder named by its version first on the path."""
    wanted = re.search(r"/?transformers-([\d.]+\d)(?:$|[:/])", os.environ.get("PYTHONPATH", ""))
    if wanted:
        assert transformers().__version__ == wanted[1]
    else:
        assert tuple(map(int, transformers().__version__.split(".")[:2])) >= LOWEST
