"""Whatever a notebook, a container or a user's own settings bring: commands work."""

import os
import subprocess
import sys

import pytest
from PIL import Image

MAIN = "import sys; from pyrascope.cli import main; main(sys.argv[1:])"


@pytest.mark.parametrize(
    "settings",
    [
        {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "COLUMNS": "20",
            "TERM": "dumb",
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONIOENCODING": "ascii",
        },
        {"HOME": "/nonexistent", "MPLCONFIGDIR": "/nonexistent/settings", "XDG_CACHE_HOME": "/nonexistent/cache"},
    ],
    ids=["notebook", "no home"],
)
def test_plan_draws_anywhere(photo, tmp_path, settings):
    words = ["plan", photo, "-b", "8", "--out", tmp_path / "plan.png"]
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *words], capture_output=True, text=True, check=False, env=os.environ | settings
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "8 tokens" in " ".join(done.stdout.split())
    Image.open(tmp_path / "plan.png").verify()


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_version_and_help_import_no_plotting(word):
    code = (
        "import sys\nfrom pyrascope.cli import main\n"
        "try: main(sys.argv[1:])\nfinally: assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
