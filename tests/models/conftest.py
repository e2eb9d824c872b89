import importlib.util

import pytest

from pyrascope.models.verify.small.needed import PACKAGES


def pytest_runtest_setup(item):
    """Skips what runs a model type whose package is not installed (timm for FastVLM)."""
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    for package in {PACKAGES[one] for one in given if isinstance(one, str) and one in PACKAGES}:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed here; run: make test-processors")
