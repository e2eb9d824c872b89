"""The command as a whole: what it lists, and how little that takes."""

import importlib
import subprocess
import sys

import pytest

from pyrascope.cli.main import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_listed_is_the_first_line_of_the_command(name):
    function = getattr(importlib.import_module(f"pyrascope.cli.{name}"), name)
    assert COMMANDS[name][0] == function.__doc__.splitlines()[0]


def test_examples_are_of_their_command():
    assert [name for name, (_, example) in COMMANDS.items() if not example.startswith(f"{name} ")] == []


@pytest.mark.parametrize("words", [["--help"], ["--version"], []])
def test_help_imports_nothing_that_takes_a_while(words):
    script = (
        "import sys\nfrom pyrascope.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: print(end.code, *sorted({'torch', 'numpy', 'matplotlib', 'PIL'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "0"


def test_python_m_pyrascope_is_the_command():
    run = subprocess.run([sys.executable, "-m", "pyrascope", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("pyrascope ")
    run = subprocess.run([sys.executable, "-m", "pyrascope", "nothing"], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr == "pyrascope: No such command 'nothing'; see --help\n"
