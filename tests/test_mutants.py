"""The list of faults put in on purpose still fits the code: each can be put in, and its tests are there."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def mutants():
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "benchmarks" / "mutants.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mutants"]


def test_every_fault_can_be_put_into_the_code_and_has_its_tests(mutants, tmp_path):
    for fault in mutants.faults():
        path = tmp_path / mutants.PACKAGE / fault.file
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / mutants.PACKAGE / fault.file, path)
        fault.put_into(tmp_path)
        compile(path.read_text(), fault.file, "exec")
        assert fault.tests, fault.what
        for test in fault.tests.split():
            file, _, function = test.partition("::")
            assert (ROOT / file).is_file(), f"{fault.what}: there is no {file}"
            assert f"def {function}" in (ROOT / file).read_text() or not function, f"{fault.what}: there is no {test}"


def test_every_room_has_faults_and_none_is_listed_twice(mutants):
    listed = mutants.faults()
    assert len(listed) >= 60
    assert len({(fault.file, fault.old, fault.new) for fault in listed}) == len(listed)
    rooms = {"signal", "allocation", "tokens", "methods", "models", "learning", "evaluation", "viz", "cli", "io", "api"}
    assert rooms <= {fault.room for fault in listed}


def test_a_fault_that_no_longer_fits_is_told(mutants, tmp_path):
    path = tmp_path / mutants.PACKAGE / "io.py"
    path.parent.mkdir(parents=True)
    path.write_text("a = 1\na = 1\n")
    with pytest.raises(ValueError, match=r"'a = 1' must occur once in io\.py, got 2"):
        mutants.Fault("twice", "io.py", "a = 1", "a = 2", "tests/test_io_arrays.py").put_into(tmp_path)


def test_a_fault_is_taken_out_again(mutants, tmp_path):
    path = tmp_path / mutants.PACKAGE / "io.py"
    path.parent.mkdir(parents=True)
    path.write_text("a = 1\n")
    fault = mutants.Fault("one", "io.py", "a = 1", "a = 2", "tests/test_io_arrays.py")
    with mutants.faulty(fault, tmp_path):
        assert path.read_text() == "a = 2\n"
    assert path.read_text() == "a = 1\n"
