"""Small models with reduced inputs."""

import torch

from pyrascope.methods.reducers import DivPrune, VisionZip
from pyrascope.models import reduce_inputs
from pyrascope.models.verify.small.tiny import TinyProcessor
from tolerances import near

TINY = TinyProcessor()


BUDGET = [5, 3, 4]


FEW = ["llava", "qwen2_5_vl", "smolvlm"]
"""One of each kind: a list of features, M-RoPE with windows, tiles."""


def method_of(model):
    """One that reads what the tower attends to, if it attends to anything."""
    return DivPrune() if model.config.model_type == "fast_vlm" else VisionZip()


def reduced(model, inputs, method=None, budget=BUDGET, **options):
    return reduce_inputs(model, inputs, method or method_of(model), budget, processor=TINY, **options)[0]


def generated(model, inputs, **more):
    given = {"max_new_tokens": 4, "do_sample": False, "return_dict_in_generate": True, "output_logits": True, **more}
    out = model.generate(**dict(inputs), **given)
    return torch.stack(out.logits, 1), out.sequences


def same(found, want):
    near(found[0], want[0], "transform")
    assert torch.equal(found[1][:, -4:], want[1][:, -4:])
