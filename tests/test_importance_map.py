import numpy as np
import pytest
import torch
from PIL import Image

import pyrascope as ps
from pictures import PHOTO, photo
from tolerances import near

SALIENCY = ps.importance.Saliency()


def test_every_kind_of_image_gives_the_map_in_its_kind():
    from_tensor = ps.importance_map(photo(), SALIENCY, cell=32)
    assert isinstance(from_tensor, torch.Tensor)
    array = np.moveaxis(photo().numpy(), 0, 2)
    for image in (PHOTO, str(PHOTO), Image.open(PHOTO), array):
        found = ps.importance_map(image, SALIENCY, cell=32)
        assert isinstance(found, np.ndarray)
        assert found.dtype == np.float64
        near(found, from_tensor.numpy(), "step")
    assert ps.importance_map(array[:, :, 0], SALIENCY).shape == (32, 48)


def test_it_is_a_weight():
    context = ps.Context(fixation=(170.0, 210.0))
    weight = ps.importance_map(photo(), ps.importance.Fixation(), context=context)
    near = []
    for used in (weight, None):
        boxes = np.asarray(ps.plan(photo(), budget=100, weight=used).boxes)
        near.append(int((np.hypot(*((boxes[:, :2] + boxes[:, 2:]) / 2 - [170, 210]).T) < 60).sum()))
    assert near[0] > 1.5 * near[1]
    ones = ps.importance_map(np.zeros((64, 64)), SALIENCY)
    flat, plain = (ps.plan(photo(), budget=50, weight=weight) for weight in (ones, None))
    assert np.array_equal(flat.boxes, plain.boxes)


def test_bad_maps_are_refused():
    for bad in (ps.importance.Saliency, "saliency", None):
        with pytest.raises(TypeError, match="map must be one of"):
            ps.importance_map(np.zeros((4, 4)), bad)
    with pytest.raises(ValueError, match="cell must be"):
        ps.importance_map(np.zeros((4, 4)), SALIENCY, cell=0)
    with pytest.raises(ValueError, match=r"context\.query"):
        ps.importance_map(np.zeros((4, 4)), ps.importance.Query())
