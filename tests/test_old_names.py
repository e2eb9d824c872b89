"""Everything that could be imported before modules moved into rooms can be imported still, and says where it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

OLD = json.loads(Path(__file__).with_name("old_names.json").read_text())
"""Public names by module, as they were at the last commit before the move, without tables that are gone."""

SCRIPT = """
import importlib, json, sys, warnings
import pyrascope
late = sorted(set(sys.modules) & {"matplotlib", "transformers", "numba"})
missing, silent = [], []
for module, names in json.load(open(sys.argv[1])).items():
    for name in names:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError) as error:
                missing.append(f"{module}.{name}: {error}")
                continue
        moved = [w for w in caught if issubclass(w.category, DeprecationWarning) and "has moved" in str(w.message)]
        here = getattr(value, "__module__", module)
        if not moved and module in sys.modules and type(sys.modules[module]).__name__ == "Moved":
            silent.append(f"{module}.{name}")
print(json.dumps({"late": late, "missing": missing, "silent": silent}))
"""


def test_every_old_name_works_in_a_fresh_process():
    pytest.importorskip("transformers")
    path = Path(__file__).with_name("old_names.json")
    run = subprocess.run([sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == {"late": [], "missing": [], "silent": []}


def test_the_warning_names_the_new_place():
    with pytest.warns(DeprecationWarning, match=r"import TinyProcessor from pyrascope\.models\.verify\.small\.tiny"):
        from pyrascope.models.tiny import TinyProcessor
    from pyrascope.models.verify.small import tiny

    assert TinyProcessor is tiny.TinyProcessor


def test_an_old_module_does_not_take_the_place_of_a_function():
    from pyrascope import models

    with pytest.warns(DeprecationWarning, match="has moved"):
        from pyrascope.models.answer import Answer
    assert Answer is models.Answer
    assert callable(models.answer)
    assert models.answer.__module__ == "pyrascope.models.ask.answer"


def test_a_name_that_never_was_is_missing():
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from pyrascope.models.tiny import nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError):
        import pyrascope.models.nothing  # noqa: F401
    from pyrascope.allocation import importance

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        importance.nothing  # noqa: B018
