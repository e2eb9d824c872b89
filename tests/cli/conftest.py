"""The command, run in this process, and a picture for it."""

import numpy as np
import pytest
from PIL import Image

from pictures import UNEVEN, noise
from pyrascope import cli


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray((noise(*UNEVEN, 3).numpy() * 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def run(capsys):
    def run(*words):
        """Returns the exit code and what was printed; errors are checked for their form."""
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        if end.value.code == 0:
            assert err == ""
        else:
            assert end.value.code == 2
            assert out == ""
            assert err.startswith("pyrascope: ")
            assert err.endswith("\n")
            assert len(err.splitlines()) == 1
            assert len(err) < 600
        return end.value.code, out, err

    return run
