"""Compiled code on disk: damaged files are made anew, and where nothing can be kept one warning says so."""

import os
import subprocess
import sys

import pytest

KERNEL = """
from pyrascope.signal.kernels.compiled import compiled

@compiled
def twice(x):
    return x + x

def trial():
    assert twice(3) == 6
"""
CODE = """
import importlib.util, sys, warnings
spec = importlib.util.spec_from_file_location("pyrascope.a.kernels.b", sys.argv[1])
module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    from pyrascope.signal.backend import loaded
    spec.loader.exec_module(module)
    loaded(spec.name, *())
    found = loaded(spec.name)
print(found is module, [str(one.message) for one in said])
"""


@pytest.fixture
def run(tmp_path):
    """Returns what a new process says that compiles one small function."""
    file = tmp_path / "kernel.py"
    file.write_text(KERNEL)

    def run(**more):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")} | more
        command = [sys.executable, "-c", CODE, str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()

    return run


@pytest.mark.parametrize(("ending", "content"), [("nbi", b""), ("nbc", b"no code")])
def test_a_damaged_file_is_made_anew(run, tmp_path, ending, content):
    assert run(NUMBA_CACHE_DIR=str(tmp_path)) == "True []"
    files = list(tmp_path.rglob(f"*.{ending}"))
    assert files
    for file in files:
        file.write_bytes(content)
    assert run(NUMBA_CACHE_DIR=str(tmp_path)) == "True []"
    if ending == "nbi":
        assert all(file.read_bytes() != content for file in files), "and kept again"


def test_where_code_cannot_be_kept_one_warning_says_so(run):
    said = run(NUMBA_CACHE_LOCATOR_CLASSES="_UserProvidedCacheLocator")  # no folder is provided
    assert said.startswith("True ['compiled code cannot be kept here")
    assert said.count("NUMBA_CACHE_DIR") == 1
