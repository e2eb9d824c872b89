"""Planning, gathering and rendering: what goes in comes out."""

import numpy as np
import pytest
import torch
from PIL import Image

import pyrascope as ps
from containers import BUDGET, CELL, MOST, SIZE, picture
from pictures import noise

NUMPY_FLOATS = [np.float16, np.float32, np.float64]


TORCH_FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def round_trip(image, **options):
    plan = ps.plan(image, BUDGET, cell=CELL, **options)
    tokens = ps.gather(image, plan)
    return plan, tokens, ps.render(plan, tokens)


@pytest.mark.parametrize("dtype", [*NUMPY_FLOATS, np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 1, 4])
def test_numpy_in_numpy_out(dtype, channels):
    top = 1 if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    shape = SIZE if channels is None else (*SIZE, channels)
    image = (np.random.default_rng(0).random(shape) * top).astype(dtype)
    kept = image.copy()
    plan, tokens, seen = round_trip(image)
    expected = dtype if top == 1 else np.float32
    assert (type(tokens), tokens.dtype, tokens.shape) == (np.ndarray, expected, (BUDGET, CELL, CELL, channels or 1))
    assert (type(seen), seen.dtype) == (np.ndarray, expected)
    assert seen.shape == (SIZE if channels in (None, 1) else shape)
    assert (plan.image_size, plan.cell, plan.tokens) == (SIZE, CELL, BUDGET)
    np.testing.assert_array_equal(image, kept)


@pytest.mark.parametrize("dtype", [*TORCH_FLOATS, torch.uint8, torch.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_torch_in_torch_out(dtype, channels):
    image = noise(channels, *SIZE)
    image = image.to(dtype) if dtype in TORCH_FLOATS else (image * torch.iinfo(dtype).max).to(dtype)
    plan, tokens, seen = round_trip(image)
    expected = dtype if dtype in TORCH_FLOATS else torch.float32
    assert (tokens.dtype, tokens.shape) == (expected, (BUDGET, channels, CELL, CELL))
    assert (seen.dtype, seen.shape, seen.device) == (expected, image.shape, image.device)
    assert plan.image_size == SIZE


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK"])
def test_pil_and_paths_give_numpy_rgb(mode, tmp_path):
    image = Image.fromarray(picture()).convert(mode)
    suffix = "tif" if mode == "CMYK" else "png"
    image.save(tmp_path / f"a.{suffix}")
    plan, tokens, seen = round_trip(image)
    assert (tokens.dtype, tokens.shape, seen.shape) == (np.float32, (BUDGET, CELL, CELL, 3), (*SIZE, 3))
    for path in (tmp_path / f"a.{suffix}", str(tmp_path / f"a.{suffix}")):
        assert ps.plan(path, BUDGET, cell=CELL) == plan
        np.testing.assert_array_equal(ps.gather(path, plan), tokens)


def test_the_full_budget_gives_the_image_back():
    image = picture()
    plan = ps.plan(image, MOST, cell=CELL)
    np.testing.assert_array_equal(ps.render(plan, ps.gather(image, plan)), image.astype(np.float32) / np.float32(255))


def test_the_same_picture_in_any_container_has_the_same_boxes(tmp_path):
    array = picture()
    Image.fromarray(array).save(tmp_path / "a.png")
    unit = array / 255
    tensor = torch.from_numpy(unit).permute(2, 0, 1)
    opaque = np.concatenate([array, np.full((*SIZE, 1), 255, np.uint8)], axis=2)
    same = [
        tmp_path / "a.png",
        Image.fromarray(array),
        Image.fromarray(opaque),
        array,
        array.astype(np.uint16) * 257,
        unit,
        unit.astype(np.float32),
        np.asfortranarray(unit),
        unit.astype(">f8"),
        tensor,
        tensor.float(),
        (tensor * 255).round().to(torch.uint8),
        tensor.clone().requires_grad_(),
    ]
    boxes = [ps.plan(image, BUDGET, cell=CELL).boxes for image in same]
    for other in boxes[1:]:
        np.testing.assert_array_equal(other, boxes[0])


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::-1, ::-1],
        lambda a: a[::2, 1::3],
        lambda a: a.swapaxes(0, 1),
        lambda a: a[..., ::-1],
        np.asfortranarray,
        lambda a: np.broadcast_to(a[:, :1], a.shape),
    ],
)
def test_strides_do_not_matter(view):
    strided = view(noise(80, 90, 3).numpy())
    plain = np.ascontiguousarray(strided)
    plan = ps.plan(plain, 5)
    assert ps.plan(strided, 5) == plan
    tokens = ps.gather(plain, plan)
    np.testing.assert_array_equal(ps.gather(strided, plan), tokens)
    tensor = torch.from_numpy(plain).permute(2, 0, 1)
    assert not tensor.is_contiguous()
    np.testing.assert_array_equal(ps.gather(tensor, plan).permute(0, 2, 3, 1), tokens)
    np.testing.assert_array_equal(ps.render(plan, np.asfortranarray(tokens)), ps.render(plan, tokens))


@pytest.mark.parametrize("channels", [1, 3])
def test_read_only_arrays_will_do(channels):
    image = noise(*SIZE, channels).numpy()
    image.setflags(write=False)
    plan = ps.plan(image, BUDGET, cell=CELL)
    tokens = ps.gather(image, plan)
    expected = ps.render(plan, tokens)
    tokens.setflags(write=False)
    np.testing.assert_array_equal(ps.render(plan, tokens), expected)


def test_gather_and_render_pass_gradients_on():
    image = noise(3, *SIZE).requires_grad_()
    plan = ps.plan(image, BUDGET, cell=CELL)
    ps.render(plan, ps.gather(image, plan)).sum().backward()
    assert image.grad.sum().item() == pytest.approx(image.numel(), rel=1e-4)


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_shares_one_budget_exactly(kind, tmp_path):
    array = picture()
    Image.fromarray(array).save(tmp_path / "a.png")
    images = kind([array, noise(1, 9, 70), str(tmp_path / "a.png"), Image.new("L", (1, 1))])
    most = MOST + 2 * 9 + MOST + 1
    for budget in (4, 17, most):
        plans = ps.plan(images, budget, cell=CELL)
        assert isinstance(plans, list)
        assert [plan.image_size for plan in plans] == [SIZE, (9, 70), SIZE, (1, 1)]
        assert sum(plan.tokens for plan in plans) == budget
        assert min(plan.tokens for plan in plans) >= 1


def test_a_batch_is_a_list_of_its_images():
    batch = noise(3, 3, *SIZE)
    plans = ps.plan(batch, 20, cell=CELL)
    assert plans == ps.plan(list(batch), 20, cell=CELL)
    assert sum(plan.tokens for plan in plans) == 20


def test_a_list_of_one_is_a_list():
    assert ps.plan([picture()], BUDGET, cell=CELL) == [ps.plan(picture(), BUDGET, cell=CELL)]


def test_calls_are_repeatable():
    for method in (None, ps.methods.Uniform(), ps.methods.Random(seed=5), ps.methods.Frequency(), ps.methods.Resize()):
        assert ps.plan(picture(), BUDGET, method, CELL) == ps.plan(picture(), BUDGET, method, CELL)


def test_the_default_method_is_rate_distortion():
    assert ps.plan(picture(), 5) == ps.plan(picture(), 5, ps.methods.RateDistortion(), 16)
