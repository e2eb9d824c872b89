"""Cutting a plan's crops: the source's own pixels at native size, sharp and free of aliases below it."""

import numpy as np
import pytest
import torch
from PIL import Image

import pyrascope as ps
from pictures import photo
from tolerances import near


def test_a_native_crop_is_the_sources_pixels():
    image = torch.rand(3, 20, 30, dtype=torch.float64)
    (one,) = ps.cut(image, [ps.Crop((3, 5, 11, 21), (8, 16), 2)])
    assert torch.equal(one, image[:, 3:11, 5:21])


def test_a_fine_grating_does_not_alias():
    columns = torch.arange(96) + 0.5
    image = (0.5 + 0.5 * torch.cos(2 * torch.pi * columns * 0.4)).expand(3, 96, 96)
    (one,) = ps.cut(image, [ps.Crop((0, 0, 96, 96), (24, 24), 9)])  # Nyquist rate 0.125
    assert float((one - 0.5)[..., 4:-4].abs().max()) < 0.02


def test_pictures_come_out_as_pictures_and_tensors_as_tensors():
    array = (photo()[:, :64, :80] * 255).round().byte().permute(1, 2, 0).numpy()
    crops = ps.plan(array, 9, cell=16).crops()
    for given in (array, Image.fromarray(array)):
        cut = ps.cut(given, crops)
        assert [(one.mode, one.size[::-1]) for one in cut] == [("RGB", crop.size) for crop in crops]
    whole = ps.Crop((0, 0, 64, 80), (64, 80), 20)
    np.testing.assert_array_equal(np.asarray(ps.cut(array, [whole])[0]), array)
    assert ps.cut(array[:, :, 0], [whole])[0].mode == "L"
    half = torch.from_numpy(array).permute(2, 0, 1).half() / 255
    assert [one.dtype for one in ps.cut(half, crops)] == [torch.float16] * len(crops)


def test_gradients_reach_the_image():
    image = torch.rand(1, 16, 16, requires_grad=True)
    ps.cut(image, [ps.Crop((0, 0, 16, 16), (4, 4), 1)])[0].sum().backward()
    near(image.grad.sum(), torch.tensor(16.0), "step")


def test_crops_of_another_image_are_refused():
    with pytest.raises(ValueError, match="crops must lie within the 8x8 image"):
        ps.cut(np.zeros((8, 8)), [ps.Crop((0, 0, 9, 8), (8, 8), 1)])


def test_pictures_of_crops_are_rounded_to_the_nearest_value():
    values = np.array([[0.0, 99.6, 100.4, 254.6], [0.4, 0.6, 7.5001, 255.0]]) / 255
    (found,) = ps.cut(values.astype(np.float32), [ps.Crop((0, 0, 2, 4), (2, 4), 1)])
    assert np.asarray(found).reshape(2, 4, -1)[..., 0].tolist() == [[0, 100, 100, 255], [0, 1, 8, 255]]
