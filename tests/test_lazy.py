"""Each public name works as the first thing that is asked of the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pyrascope as ps

STUB = ast.parse((Path(ps.__file__).with_suffix(".pyi")).read_text())
NAMES = sorted(alias.name for node in STUB.body if isinstance(node, ast.ImportFrom) for alias in node.names)


def test_each_name_works_as_the_first():
    """In a process of its own each, forked from one that has the packages that take long."""
    script = (
        "import os, sys, torch, numpy, PIL.Image\n"
        "for name in sys.argv[1:]:\n"
        "    if not (child := os.fork()):\n"
        "        import pyrascope\n"
        "        try: getattr(pyrascope, name)\n"
        "        except BaseException as error: print(name, repr(error), flush=True)\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, *NAMES], capture_output=True, text=True, check=True)
    assert run.stdout == ""


def test_all_is_what_the_stub_names():
    assert sorted(ps.__all__) == NAMES
    assert set(NAMES) <= set(dir(ps))
