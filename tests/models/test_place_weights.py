"""Plans before the tower that are told how much the places of each image matter."""

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.methods import RateDistortion, Zoom
from pyrascope.models import prepare
from tiny_models import TEXT, model_of, nested, pictures, tiny_processor

SQUARE = RateDistortion(aspect=1)


def test_each_image_is_planned_by_its_own_weight():
    model, processor, images = model_of("llava"), tiny_processor(), pictures()
    random = np.random.default_rng(1)
    weights = [torch.from_numpy(random.random((5, 3))), None, random.random((8, 8))]
    _, plans = prepare(model, processor, nested(images), TEXT, method=SQUARE, budget=12, weights=weights)
    for number, (plan, weight) in enumerate(zip(plans, weights, strict=True)):
        alone = [None] * 3
        alone[number] = weight
        again = prepare(model, processor, nested(images), TEXT, method=SQUARE, budget=12, weights=alone)[1][number]
        assert plan == again
    plain = prepare(model, processor, nested(images), TEXT, method=SQUARE, budget=12)[1]
    assert [a == b for a, b in zip(plans, plain, strict=True)] == [False, True, False]
    for bad, match in (
        ([None], "each of the 3 images, got 1"),
        ([torch.full((2, 2), -1.0), None, None], "not negative"),
    ):
        with pytest.raises(ValueError, match=match):
            prepare(model, processor, nested(images), TEXT, method=SQUARE, budget=12, weights=bad)


def test_a_weight_says_where_zoom_looks():
    model, processor = model_of("llava"), tiny_processor()
    for y, x in ((0, 0), (7, 3), (4, 7)):
        weight = np.zeros((8, 8))
        weight[y, x] = 1
        (plan,) = prepare(
            model, processor, pictures()[1], TEXT[0], method=Zoom(), budget=1, weights=[weight]
        )[1]  # fmt: skip
        assert plan.boxes.tolist() == [[8 * y, 8 * x, 8 * y + 8, 8 * x + 8]]
