"""The facade by its contract: what goes in comes out, and what cannot be is refused in a sentence."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import pyrascope as ps
from pictures import PHOTO, noise, photo
from tolerances import near

SIZE, CELL, BUDGET = (40, 56), 8, 9
MOST = 35

NUMPY_FLOATS = [np.float16, np.float32, np.float64]
TORCH_FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def picture():
    """uint8 (h, w, 3): a busy corner on a calm ground."""
    calm = np.linspace(60, 120, SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3)
    calm[4:20, 24:44] = np.random.default_rng(0).integers(0, 256, (16, 20, 3))
    return calm.astype(np.uint8)


def round_trip(image, **options):
    plan = ps.plan(image, BUDGET, cell=CELL, **options)
    tokens = ps.gather(image, plan)
    return plan, tokens, ps.render(plan, tokens)


def sentence(error):
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


# --- what goes in comes out ---


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


# --- several images ---


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


# --- budgets ---


@pytest.mark.parametrize("method", [None, ps.methods.Uniform(), ps.methods.Resize(), ps.methods.Random()], ids=repr)
@pytest.mark.parametrize(
    ("budget", "error"),
    [(0, ValueError), (-1, ValueError), (MOST + 1, ValueError), (10**400, ValueError), (None, ValueError)]
    + [(value, TypeError) for value in (1.5, 3.0, "3", True, [3], np.float32(3), "x" * 10**4)],
)
def test_budgets_out_of_range_name_the_range(budget, error, method):
    with pytest.raises(error, match=f"budget .*from 1 to {MOST}, got .*40x56 px image has 5x7 cells of 8 px") as caught:
        ps.plan(picture(), budget, method, CELL)
    sentence(caught)


@pytest.mark.parametrize(("budget", "error"), [(1, ValueError), (37, ValueError), (None, ValueError), (4.0, TypeError)])
def test_joint_budgets_name_the_joint_range(budget, error):
    with pytest.raises(error, match=r"from 2 to 36, got .*2 images have 36 cells of 8 px") as caught:
        ps.plan([picture(), noise(1, 4, 4)], budget, cell=CELL)
    sentence(caught)


@pytest.mark.parametrize("budget", [np.int64(4), np.uint8(4), torch.tensor(4)])
def test_whole_numbers_of_any_type_are_budgets(budget):
    assert ps.plan(picture(), budget).tokens == 4


# --- images, cells, methods, contexts that cannot be ---


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_numbers_that_are_not_finite_are_refused(value, kind):
    array = np.zeros((3, 8, 8))
    plan = ps.plan(kind(array.copy()), 1, cell=8)
    array[1, 2, 3] = value
    for call in (lambda: ps.plan(kind(array), 1, cell=8), lambda: ps.gather(kind(array), plan)):
        with pytest.raises(ValueError, match=r"image must hold finite numbers, got (NaN|infinity)") as caught:
            call()
        sentence(caught)


@pytest.mark.parametrize(
    ("image", "error", "match"),
    [
        (None, TypeError, "image must be a path, a PIL image"),
        (3, TypeError, "image must be .* got int"),
        (b"a.png", TypeError, "image must be .* got bytes"),
        ([], ValueError, "at least one, got none"),
        (torch.zeros(0, 3, 8, 8), ValueError, "at least one, got none"),
        ([[0.5, 1.0]], TypeError, "image must be .* got list"),
        (np.zeros((2, 3, 8, 8)), ValueError, r"image must be an array \(h, w\) or \(h, w, c\)"),
        (np.zeros((0, 8)), ValueError, "at least one pixel"),
        (np.zeros((8, 8), complex), TypeError, "image must hold floats .* got complex128"),
        (np.zeros((8, 8), bool), TypeError, "image must hold floats .* got bool"),
        (torch.zeros(8, 8), ValueError, r"image must be a tensor \(c, h, w\)"),
        (torch.zeros(3, 8, 0), ValueError, "at least one pixel"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), TypeError, "image must hold floats .* got torch.int64"),
        ("no/such.png", FileNotFoundError, "image file must be a readable file, got 'no/such.png'"),
        (".", IsADirectoryError, "image file must be a readable file"),
    ],
)
def test_what_is_no_image_is_refused(image, error, match):
    with pytest.raises(error, match=match) as caught:
        ps.plan(image, 1)
    sentence(caught)


@pytest.mark.parametrize(
    ("cell", "error"), [(0, ValueError), (-4, ValueError), (4097, ValueError), (1.0, TypeError), ("8", TypeError)]
)
def test_wrong_cells_name_the_range(cell, error):
    with pytest.raises(error, match="cell must be a whole number from 1 to 4096, got") as caught:
        ps.plan(picture(), 1, cell=cell)
    sentence(caught)


@pytest.mark.parametrize("cell", [1, 7, 4096])
def test_any_cell_in_range_will_do(cell):
    plan = ps.plan(picture(), 1, cell=cell)
    assert ps.gather(picture(), plan).shape == (1, cell, cell, 3)


@pytest.mark.parametrize("method", [ps.methods.Random, "uniform", 5, ps.methods])
def test_what_is_no_method_is_refused(method):
    with pytest.raises(TypeError, match=r"method must be one of pyrascope.methods, made, such as .*, got") as caught:
        ps.plan(picture(), 1, method)
    sentence(caught)


@pytest.mark.parametrize("context", ["what is this?", {"question": "?"}, 3])
def test_what_is_no_context_is_refused(context):
    with pytest.raises(TypeError, match=r"context must be a pyrascope.Context, got"):
        ps.plan(picture(), 1, context=context)
    with pytest.raises(TypeError, match=r"context must be a pyrascope.Context, got"):
        ps.plan([picture()], 1, context=[context])
    with pytest.raises(ValueError, match="context must be a list with one entry for each of the 2 images"):
        ps.plan([picture()] * 2, 2, context=[ps.Context()])


# --- weights ---


@pytest.mark.parametrize(
    ("weight", "error", "match"),
    [
        (np.full((2, 2), -1e-9), ValueError, "weight must be finite and not negative"),
        (np.array([[1, np.nan]]), ValueError, "weight must be finite and not negative"),
        (np.array([[1, np.inf]]), ValueError, "weight must be finite and not negative"),
        (np.ones((2, 2, 1)), ValueError, r"weight must be a map \(h, w\) .* got shape \(2, 2, 1\)"),
        (np.ones(4), ValueError, r"weight must be a map \(h, w\) .* got shape \(4,\)"),
        (np.ones((0, 4)), ValueError, r"weight must be a map .* got shape \(0, 4\)"),
        (5.0, ValueError, r"weight must be a map .* got shape \(\)"),
        (np.ones((2, 2), complex), (ValueError, TypeError), r"weight must be a map"),
        ("important", TypeError, r"weight must be a map \(h, w\) of numbers.* got 'important'"),
        ([[1], [1, 2]], TypeError, "weight must be a map"),
        (np.ones((99, 99), object), TypeError, "weight must be a map"),
    ],
)
def test_what_is_no_weight_is_refused(weight, error, match):
    for image, given in ((picture(), weight), ([picture()], [weight])):
        with pytest.raises(error, match=match) as caught:
            ps.plan(image, 3, weight=given)
        sentence(caught)


@pytest.mark.parametrize("weight", [[None], [None] * 3, np.ones((40, 56)), np.ones((2, 2, 2)), "ab"])
def test_a_list_needs_a_weight_for_each(weight):
    with pytest.raises(
        ValueError, match="weight must be a list with one entry for each of the 2 images, got"
    ) as caught:
        ps.plan([picture()] * 2, 4, weight=weight)
    sentence(caught)


@pytest.mark.parametrize("shape", [(1, 1), (1, 56), SIZE, (3, 5), (97, 131)])
@pytest.mark.parametrize("budget", [2, 20])
def test_a_weight_of_ones_is_no_weight(shape, budget):
    plain = ps.plan(picture(), budget, cell=CELL)
    even = ps.plan(picture(), budget, cell=CELL, weight=np.ones(shape))
    np.testing.assert_array_equal(even.boxes, plain.boxes)
    # no scores: where y then x and x then y lead to the same boxes, rounding decides which split is counted
    assert ps.plan([picture()] * 2, budget + 1, cell=CELL) == ps.plan(
        [picture()] * 2, budget + 1, cell=CELL, weight=None
    )


@pytest.mark.parametrize("shape", [(2, 2), SIZE, (200, 280), (5, 7)])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, np.ndarray.tolist, lambda a: a.astype(">f4")])
def test_a_weight_draws_tokens_to_it(shape, kind):
    image = noise(3, 80, 112)
    weight = np.ones(shape)
    weight[shape[0] // 2 :, shape[1] // 2 :] = 100

    def corner(plan):
        centre = (plan.boxes[:, :2] + plan.boxes[:, 2:]) / 2
        return ((centre[:, 0] > 40) & (centre[:, 1] > 56)).sum()

    plan = ps.plan(image, 20, cell=CELL, weight=kind(weight))
    assert corner(plan) > 1.3 * corner(ps.plan(image, 20, cell=CELL))


@pytest.mark.parametrize("budget", [1, 2, 9, 30])
def test_a_finer_weight_of_the_same_map_gives_the_same_boxes(budget):
    weight = np.random.default_rng(0).random((5, 7))
    plans = [
        ps.plan(noise(1, *SIZE), budget, cell=CELL, weight=weight.repeat(k, 0).repeat(k, 1)) for k in (1, 2, 8, 16)
    ]
    for plan in plans[1:]:
        np.testing.assert_array_equal(plan.boxes, plans[0].boxes)


@pytest.mark.parametrize("level", [0, 5e-324, 1e-300, 1e-30, 1e30, 1e300, 1.7e308])
def test_the_scale_of_a_weight_breaks_nothing(level):
    """A map beyond computing may be refused, in a sentence, but ends in no stray error."""
    try:
        plan = ps.plan(noise(1, *SIZE), 9, cell=CELL, weight=np.full((3, 4), level))
    except ValueError as error:
        if level <= 1e30 or not str(error).startswith(("weight must", "image and weight must")):
            raise
        return
    assert plan.tokens == 9
    if 1e-30 <= level <= 1e30:
        np.testing.assert_array_equal(plan.boxes, ps.plan(noise(1, *SIZE), 9, cell=CELL).boxes)


@pytest.mark.parametrize("scale", [1e-15, 255, 65535, 1e15])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_scale_of_an_image_breaks_nothing(scale, dtype):
    image = noise(1, *SIZE, dtype=dtype)
    np.testing.assert_array_equal(ps.plan(image * scale, 9, cell=CELL).boxes, ps.plan(image, 9, cell=CELL).boxes)


def test_an_image_beyond_computing_is_refused_or_planned():
    """Finite floats are accepted, so they end in a plan or in a sentence, never in a stray error."""
    for image in (noise(1, *SIZE) * 1e30, noise(1, *SIZE, dtype=torch.float64) * 1e200):
        try:
            plan = ps.plan(image, 9, cell=CELL)
        except ValueError as error:
            if not str(error).startswith(("image must", "image and weight must")):
                raise
        else:
            assert plan.tokens == 9


def test_methods_that_ignore_a_weight_refuse_it():
    for method in (ps.methods.Uniform(), ps.methods.Random(), ps.methods.Resize()):
        with pytest.raises(ValueError, match="takes no weight, got one; leave it out or use RateDistortion"):
            ps.plan(picture(), 4, method, weight=np.ones((2, 2)))


# --- gather and render ---


@pytest.mark.parametrize("size", [(56, 40), (40, 55), (1, 1), (80, 112)])
def test_gather_from_another_size_is_refused(size):
    plan = ps.plan(picture(), 4)
    with pytest.raises(ValueError, match=rf"image must be 40x56 px as its plan, got {size[0]}x{size[1]}; make a plan"):
        ps.gather(np.zeros((*size, 3)), plan)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda t: t[:-1], ValueError),
        (lambda t: t[:, :-1], ValueError),
        (lambda t: t[:, :, :-1], ValueError),
        (lambda t: t[0], (ValueError, TypeError)),
        (lambda t: t[None], (ValueError, TypeError)),
        (lambda t: t.astype(np.uint8), (ValueError, TypeError)),
        (lambda t: t.astype(object), (ValueError, TypeError)),
        (lambda t: t.astype(complex), (ValueError, TypeError)),
        (lambda t: t.transpose(0, 3, 1, 2), ValueError),
        (lambda t: torch.from_numpy(t), ValueError),
        (lambda t: t.tolist(), TypeError),
        (lambda t: None, TypeError),
    ],
)
def test_render_with_other_tokens_is_refused(change, error):
    plan = ps.plan(picture(), 4)
    with pytest.raises(error, match="tokens must be") as caught:
        ps.render(plan, change(ps.gather(picture(), plan)))
    sentence(caught)


def test_render_takes_tokens_of_any_byte_order_and_float():
    plan = ps.plan(picture(), 4)
    tokens = ps.gather(picture(), plan)
    near(ps.render(plan, tokens.astype(">f4")), ps.render(plan, tokens), "step")


@pytest.mark.parametrize("other", [None, "plan.json", [1], {"boxes": []}])
def test_what_is_no_plan_is_refused(other):
    with pytest.raises(TypeError, match=r"plan must be a pyrascope Plan, got .*; make one with pyrascope.plan"):
        ps.gather(picture(), other)
    with pytest.raises(TypeError, match=r"plan must be a pyrascope Plan, got .*; make one with pyrascope.plan"):
        ps.render(other, np.zeros((1, 16, 16, 3)))


def test_a_loaded_plan_gathers_the_same(tmp_path):
    plan = ps.plan(PHOTO, 100)
    plan.save(tmp_path / "plan.json")
    again = ps.Plan.load(tmp_path / "plan.json")
    assert torch.equal(ps.gather(photo(), again), ps.gather(photo(), plan))


# --- the package ---


def test_importing_has_no_side_effects(tmp_path):
    script = """
import logging, os, random, sys, warnings
import numpy, torch
def state():
    return (
        warnings.filters[:], torch.get_default_dtype(), torch.get_num_threads(), torch.initial_seed(),
        torch.are_deterministic_algorithms_enabled(), torch.is_grad_enabled(), numpy.geterr(), random.getstate(),
        str(numpy.random.get_state()), logging.root.handlers[:], dict(os.environ), sys.getrecursionlimit(), os.getcwd(),
    )
before = state()
import pyrascope
assert state() == before
assert pyrascope.__version__ and all(hasattr(pyrascope, name) for name in pyrascope.__all__)
top = {name.partition(".")[0] for name in sys.modules}
print(*sorted(top & set("matplotlib cv2 transformers rich typer pytest hypothesis einops scipy rapidocr".split())))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
