"""Other models whose towers are made like Qwen's: the same adapter, held against each of them."""

import pytest
import torch

from pyrascope.models.families import family_of
from pyrascope.models.families.adapter import adapted_types, adapter_of
from pyrascope.models.families.paddle import PaddleOCRTower
from pyrascope.models.families.qwen import QwenTower
from pyrascope.models.sites import PIXELS
from pyrascope.models.stock.support import image_text_types, takes_features
from pyrascope.models.verify.checks import CHECKS
from pyrascope.models.verify.small.tiny import RECIPES, build, prompts

transformers = pytest.importorskip("transformers")

ADAPTERS = (QwenTower, PaddleOCRTower)
MODELS = [kind for kind in adapted_types() if isinstance(family_of(kind).tower, ADAPTERS) and kind not in RECIPES]


@pytest.fixture(params=MODELS)
def model(request):
    cls = getattr(transformers, image_text_types().get(request.param, ""), None)
    if cls is None or not takes_features(cls):
        pytest.skip(
            f"transformers {transformers.__version__} does not serve {request.param}; constraints.txt has one that does"
        )
    with torch.no_grad():
        yield build(request.param)


def test_they_pass_the_checks_of_the_pixels_site(model):
    found = {name: check(model, None, lambda rows: prompts(model, rows)) for name, check in CHECKS[PIXELS].items()}
    assert {name: detail for name, (good, detail) in found.items() if not good} == {}


def test_a_model_that_discards_positions_is_refused():
    exaone = getattr(transformers, "Exaone4_5_ForConditionalGeneration", None)
    if exaone is None:
        pytest.skip(f"transformers {transformers.__version__} does not have it; constraints.txt has one that does")
    model = exaone.__new__(exaone)
    torch.nn.Module.__init__(model)
    model.config = transformers.Exaone4_5_Config()
    with pytest.raises(NotImplementedError, match="its generate discards position_ids"):
        adapter_of(model)
