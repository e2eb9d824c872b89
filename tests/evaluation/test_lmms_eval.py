"""The adapter against a stand-in of lmms-eval's interface; lmms-eval itself is not run."""

import dataclasses
import sys
import types

import pytest
from PIL import Image

pytest.importorskip("transformers")

from pyrascope.evaluation import lmms_eval
from pyrascope.models.ask.answer import answer
from pyrascope.models.by_name import any_method_from
from pyrascope.models.stock.load import load
from tiny_models import save_tiny

PICTURE = Image.radial_gradient("L").resize((90, 70)).convert("RGB")


@dataclasses.dataclass
class Request:
    args: tuple


@pytest.fixture
def adapter(monkeypatch):
    """The class that lmms-eval would import, on a base of its shape."""

    class Base:
        is_simple = True

        def __init__(self):
            self.task_dict = {"task": {"test": [{"pictures": [PICTURE]}, {"pictures": []}]}}

    @dataclasses.dataclass
    class ModelManifest:
        model_id: str
        simple_class_path: str

    for name, members in {"api.model": {"lmms": Base}, "models.registry_v2": {"ModelManifest": ModelManifest}}.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, f"lmms_eval.{name}", module)
    lmms_eval._model.cache_clear()
    yield
    lmms_eval._model.cache_clear()


def asked(number, **options):
    return Request(("<image> what is here", options, lambda one: one["pictures"], number, "task", "test"))


@pytest.mark.parametrize("method", ["", "tome", "coarse-to-fine", "PyramidDrop(after=(1,))"])
def test_answers_are_those_of_the_method(adapter, tmp_path, method):
    made = lmms_eval.manifest()
    module, _, name = made.simple_class_path.rpartition(".")
    assert (made.model_id, sys.modules[module]) == ("pyrascope", lmms_eval)
    model = getattr(lmms_eval, name)(
        str(save_tiny(tmp_path)), method, "30" if method else 0, device="cpu", batch_size=1
    )
    chosen = any_method_from(method) if method else None
    alone = answer(
        *load(tmp_path), PICTURE, "what is here", method=chosen, budget=30 if method else None, max_new_tokens=4
    )
    words = alone.text.split()
    found = model.generate_until([asked(0, max_new_tokens=4), asked(0, max_new_tokens=4, until=[words[2]]), asked(1)])
    assert found[:2] == [alone.text, alone.text.split(words[2])[0].strip()]
    assert len(found) == 3
    with pytest.raises(NotImplementedError, match="choose another task"):
        model.loglikelihood([])
    with pytest.raises(NotImplementedError, match="choose another task"):
        model.generate_until_multi_round([])


def test_ratios_and_unknown_options(adapter, tmp_path):
    folder = str(save_tiny(tmp_path))
    model = lmms_eval.Pyrascope(folder, "div-prune", "0.25", at_most="true", batch_size=1)
    assert (model.budget, model.at_most) == (0.25, True)
    assert lmms_eval.Pyrascope(folder, "div-prune", "1.0").budget == 1.0
    assert model.generate_until([asked(0, max_new_tokens=2)])[0]
    with pytest.raises(TypeError, match=r"model_args must be of pretrained, method, .*, got temperature; leave it out"):
        lmms_eval.Pyrascope(folder, "div-prune", 4, temperature=1)


def test_without_lmms_eval_it_says_what_is_missing():
    with pytest.raises(ImportError, match="lmms-eval is needed"):
        lmms_eval.manifest()
    with pytest.raises(AttributeError, match="no attribute nothing"):
        _ = lmms_eval.nothing
