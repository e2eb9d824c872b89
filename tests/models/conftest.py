import importlib.util

import pytest

from pyrascope.models.families import family_of


def pytest_runtest_setup(item):
    """Skips what runs a model type whose package is not installed (timm for FastVLM)."""
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    for package in {family_of(value).needs for value in given if isinstance(value, str)} - {""}:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed here; run: make test-processors")
