"""A model that `torch.compile` has been at, outside or in place: equal to the plain one with every method."""

import pytest
import torch

pytest.importorskip("transformers")

import pyrascope as ps
from pyrascope.methods.droppers import DROPPERS
from pyrascope.models.verify.small.tiny import TinyProcessor, build, prompts

TINY = TinyProcessor()
EAGER = "eager"
"""The backend that traces and compiles nothing: what is compiled is not the matter here, but what is traced."""
METHODS = [ps.reducers.VisionZip(), ps.methods.TwoLevels(), *(kind() for kind in DROPPERS.values())]
"""All that run between layers; one that listens to the tower; and plans."""
CASES = [(method, "llava") for method in METHODS] + [
    (ps.droppers.PyramidDrop(), "qwen2_5_vl"),
    (ps.reducers.VisionZip(), "gemma3"),
]
pytestmark = pytest.mark.filterwarnings("ignore")  # the compiler's own, and that sources are not known


@pytest.mark.parametrize("in_place", [False, True], ids=["outside", "in place"])
@pytest.mark.parametrize(
    ("method", "kind"), CASES, ids=lambda value: value if isinstance(value, str) else type(value).__name__
)
@torch.no_grad()
def test_equals_the_plain_model(method, kind, in_place):
    torch._dynamo.reset()
    model = build(kind)
    inputs, budget = prompts(model, [0]), None if isinstance(method, tuple(DROPPERS.values())) else 5
    with ps.attach(model, method, budget, processor=TINY):
        want = model(**inputs).logits[:, -1]
    run = model if in_place else torch.compile(model, backend=EAGER)
    if in_place:
        model.compile(backend=EAGER)
    with ps.attach(run, method, budget, processor=TINY):
        torch.testing.assert_close(run(**inputs).logits[:, -1], want, atol=1e-4, rtol=0)
