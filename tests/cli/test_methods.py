"""`pyrascope methods`: the list, one in full, and near names."""

import json

import pytest

from pyrascope.methods.catalogue import entries
from pyrascope.methods.named import MAPS, METHODS
from written import names


def test_methods_lists_all_in_100_columns(run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    code, out, _ = run("methods", "--json", tmp_path / "list.json")
    assert code == 0
    assert max(map(len, out.replace(str(tmp_path), "").splitlines())) <= 100
    assert all(f"\n{name} " in out for name in [*METHODS, *MAPS])
    entries = json.loads((tmp_path / "list.json").read_text())
    assert [entry["name"] for entry in entries] == [*METHODS, *MAPS]
    for entry in entries:
        assert all(option["meaning"] for option in entry["options"]), entry["name"]


@pytest.mark.parametrize("name", ["anisotropic", "RegionTiers", "band-energy", "Weighted"])
def test_one_in_full(run, name):
    code, out, _ = run("methods", name)
    assert code == 0
    text = " ".join(out.split())
    entry = next(one for one in entries() if name in (one.name, one.call.split("(")[0]))
    assert entry.idea in text
    assert all(option.meaning in text for option in entry.options)
    assert "Example: pyrascope" in text


@pytest.mark.parametrize("name", ["anisotropc", "foveate", "xyz", "", "[/red]"])
def test_unknown_methods_name_the_near_ones(run, tmp_path, name):
    code, _, err = run("methods", name, "--json", tmp_path / "a.json")
    assert code == 2
    assert {"anisotropc": "anisotropic", "foveate": "foveated"}.get(name, "`pyrascope methods` lists all") in err
    assert names(tmp_path) == []
