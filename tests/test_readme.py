"""The README's example runs and prints what it says; its pictures and pages exist."""

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_example_runs_and_prints_what_is_shown(tmp_path, monkeypatch, capsys):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    shown = re.search(r"```\n\n    (Plan\(.*\))\n", README)[1]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # the documentation is the program here
    assert capsys.readouterr().out.strip() == shown
    assert (tmp_path / "plan.png").stat().st_size > 10_000


def test_the_example_on_a_model_runs():
    """As it stands, but for a budget that the small model has."""
    pytest.importorskip("transformers")
    import pyrascope as ps
    from tiny_models import model_of, tiny_processor

    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1].replace("budget=128", "budget=16")
    given = {"ps": ps, "model": model_of("llava"), "processor": tiny_processor()}
    given |= {"image": Image.new("RGB", (90, 70), "red"), "prompt": "<image> what is here"}
    exec(compile(code, "README.md", "exec"), given)
    assert [len(one.kept) for one in given["kept"]] == [16]
    assert given["out"].shape[1] > given["full"]["input_ids"].shape[1]
    assert given["report"].ok, given["report"]


def test_the_example_on_the_built_in_model_runs(monkeypatch, capsys):
    pytest.importorskip("transformers")
    import PIL

    import pyrascope
    from pyrascope.builtin.folder import BUILTIN

    if not (BUILTIN / "model.safetensors").is_file():
        pytest.skip("no weights here: git checkout src/pyrascope/builtin/weights")
    monkeypatch.chdir(ROOT)
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[2]
    exec(compile(code, "README.md", "exec"), {"PIL": PIL, "ps": pyrascope})
    assert " 96 " in capsys.readouterr().out


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_linked_files_exist():
    missing = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert not missing
