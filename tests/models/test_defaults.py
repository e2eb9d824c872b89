"""What `attach` and `prepare` do where no method is given: plans of two sizes, with half of log(area)."""

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.methods import TwoLevels
from pyrascope.models import attach, prepare
from pyrascope.models.families.adapter import adapter_of
from pyrascope.models.verify.small.tiny import IMAGE, build, prompts
from tiny_models import tiny_processor


@pytest.mark.parametrize("kind", ["llava", "qwen2_vl"])
@pytest.mark.filterwarnings("ignore:plans are made on the pixel_values")
def test_attach_without_a_method_is_two_levels(kind):
    model, seen = build(kind), []
    inputs = prompts(model, (0,))
    with torch.no_grad():
        for given in ({"budget": 7}, {"method": TwoLevels(), "budget": 7}):
            with attach(model, **given):
                seen.append(model(**inputs).logits)
        with attach(model, TwoLevels(), 7, sized=0):
            seen.append(model(**inputs).logits)
    stock = int((inputs["input_ids"] == IMAGE).sum())
    assert seen[0].shape[1] == inputs["input_ids"].shape[1] - stock + 7
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2]) == (kind == "qwen2_vl"), "half of log(area) where the tower takes it"


def test_prepare_without_a_method_is_two_levels():
    model = build("llava")
    processor = tiny_processor()
    image = (torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert adapter_of(model).cell(model) == 8
    with torch.no_grad():
        _, (plan,) = prepare(model, processor, image, "<image>", budget=20)
    assert plan.method == repr(TwoLevels())
    assert plan.tokens == 20
