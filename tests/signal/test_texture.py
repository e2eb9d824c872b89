from collections import Counter
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from pyrascope.signal.cascade import cascade
from pyrascope.signal.gaussian import gaussian_pyramid
from pyrascope.signal.mipmap import mipmap
from pyrascope.signal.texture import ChannelGroup, TextureStack
from tolerances import near

SIZES = st.tuples(st.integers(1, 33), st.integers(1, 33))


def noise(*shape, dtype=torch.float64, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def ids(*shape, count=4, seed=0):
    return torch.randint(-1, count, shape, generator=torch.Generator().manual_seed(seed))


def one(kind, x, name="x"):
    return [level[name] for level in TextureStack.from_channels({name: (x, kind)}).mipmap()]


def shares(size):
    """Per coarse pixel, its source pixels and exact weights: linear at the place (k + 1/2) size / n - 1/2."""
    count = max(1, size // 2)
    for k in range(count):
        place = Fraction(2 * k + 1, 2) * Fraction(size, count) - Fraction(1, 2)
        below = int(place)
        yield {i: w for i, w in ((below, 1 - (place - below)), (below + 1, place - below)) if w}


@settings(max_examples=60, deadline=None)
@given(size=SIZES, count=st.integers(1, 5), seed=st.integers(0, 2**31))
def test_labels_are_the_majority_by_brute_force(size, count, seed):
    for fine, coarse in pairwise(one("label", ids(*size, count=count, seed=seed))):
        axes = [list(shares(side)) for side in fine.shape[-2:]]
        for i, j in product(range(coarse.shape[-2]), range(coarse.shape[-1])):
            votes = Counter()
            for (y, above), (x, left) in product(axes[0][i].items(), axes[1][j].items()):
                votes[fine[0, y, x].item()] += above * left
            assert coarse[0, i, j].item() == min(votes, key=lambda label: (-votes[label], label))


@settings(max_examples=60, deadline=None)
@given(size=SIZES, seed=st.integers(0, 2**31))
def test_a_label_is_one_of_the_largest_fractions_and_occurs_below(size, seed):
    labels = ids(*size, seed=seed)
    stack = TextureStack.from_channels({"label": (labels, "label")})
    for fine, coarse in pairwise(stack.mipmap()):
        hot = (fine["label"][0] == torch.arange(-1, 4)[:, None, None]).double()
        fractions = mipmap(hot, 2)[1]
        chosen = fractions.gather(0, coarse["label"].long() + 1)
        near(chosen[0], fractions.amax(0), "step")
        assert set(coarse["label"].unique().tolist()) <= set(fine["label"].unique().tolist())


@settings(max_examples=60, deadline=None)
@given(size=SIZES, seed=st.integers(0, 2**31))
def test_values_fractions_and_distances(size, seed):
    x = noise(3, *size, seed=seed)
    assert_close(one("value", x), mipmap(x), rtol=0, atol=0)
    near(one("distance", x), [level / 2**i for i, level in enumerate(mipmap(x))], "step")
    hot = torch.nn.functional.one_hot(ids(*size, seed=seed) + 1, 5).movedim(-1, 0).double()
    for level in one("onehot", hot):
        near(level.sum(0), torch.ones_like(level[0]))
        assert level.min() >= 0


def test_a_distance_is_in_pixels_of_its_level():
    y = (torch.arange(64, dtype=torch.float64) + 0.5)[:, None].expand(64, 64)  # distance to the upper border
    for level in one("distance", y):
        n = level.shape[-1]
        near(level[0], (torch.arange(n, dtype=torch.float64) + 0.5)[:, None].expand(n, n), "step")
    repeated = TextureStack.from_channels({"d": (y, "distance")}).mipmap(9)
    assert repeated[-1]["d"] == repeated[6]["d"] == 0.5


@settings(max_examples=60, deadline=None)
@given(size=SIZES, channels=st.integers(2, 8), seed=st.integers(0, 2**31))
def test_embeddings_are_means_of_unit_length(size, channels, seed):
    x = noise(channels, *size, seed=seed) - 0.3
    levels = one("embedding", x)
    assert torch.equal(levels[0], x)
    for fine, coarse in pairwise(levels):
        mean = mipmap(fine, 2)[1]
        near(coarse.norm(dim=0), torch.ones_like(coarse[0]), "step")
        near(coarse * mean.norm(dim=0), mean, "step")


def test_embeddings_of_length_zero_stay_zero():
    x = torch.zeros(4, 4, 6, dtype=torch.float64)
    x[0, 0, :2] = torch.tensor([1.0, -1.0])  # opposite ones cancel
    x[1, 2, 5] = 0.25
    x.requires_grad_()
    level = one("embedding", x)[1]
    expected = torch.zeros(4, 2, 3, dtype=torch.float64)
    expected[1, 1, 2] = 1
    assert_close(level.detach(), expected, rtol=0, atol=0)
    level.sum().backward()
    assert x.grad.isfinite().all()


def forty(size=(48, 33), dtype=torch.float32):
    """The reference's texture array of 40 channels."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in size), indexing="ij")
    classes = torch.nn.functional.one_hot(ids(*size, count=4, seed=9) + 1, 5).movedim(-1, 0)
    return {
        "rgb": (noise(3, *size, dtype=dtype), "value"),
        "edges": (noise(3, *size, dtype=dtype, seed=1), "value"),
        "filters": (noise(3, *size, dtype=dtype, seed=2), "value"),
        "position": (torch.stack([y, x]), "value"),
        "eccentricity": (torch.hypot(y, x), "value"),
        "cluster": (ids(*size, count=300, seed=3), "label"),
        "cluster distance": (20 * noise(*size, dtype=dtype, seed=4), "distance"),
        "cluster size": (noise(*size, dtype=dtype, seed=5), "value"),
        "text": (noise(3, *size, dtype=dtype, seed=6), "value"),
        "clip": (noise(16, *size, dtype=dtype, seed=7) - 0.5, "embedding"),
        "distance field": (30 * noise(*size, dtype=dtype, seed=8), "distance"),
        "classes": (classes.to(dtype), "onehot"),
    }


def test_forty_channels_in_one_call():
    channels = forty()
    stack = TextureStack.from_channels(channels)
    assert stack.data.shape == (40, 48, 33)
    assert [group.name for group in stack.groups] == list(channels)
    levels = stack.mipmap()
    assert [tuple(level.data.shape) for level in levels] == [(40, *x.shape) for x in mipmap(torch.ones(48, 33))]
    assert levels[0] is stack
    for name, (x, kind) in channels.items():
        assert_close(stack[name].reshape(x.shape), x.float(), rtol=0, atol=0)
        assert_close([level[name] for level in levels], one(kind, x.float(), name), rtol=0, atol=0)
    assert torch.equal(stack.mipmap(4)[2].mipmap(3)[2].data, levels[4].data)
    arrays = TextureStack.from_channels({name: (x.numpy(), kind) for name, (x, kind) in channels.items()}).mipmap()
    for level, array in zip(levels, arrays, strict=True):
        assert isinstance(array.data, np.ndarray)
        np.testing.assert_array_equal(array.data, level.data.numpy())


def test_types_of_channels():
    codes = np.array([[0, 255], [51, 255]], dtype=np.uint8)
    stack = TextureStack.from_channels({"id": (codes, "label"), "grey": (codes, "value")})
    assert stack.data.dtype == np.float32
    np.testing.assert_array_equal(stack["id"][0], codes)
    near(stack["grey"][0], codes / 255, "step")
    np.testing.assert_array_equal([level["id"].max() for level in stack.mipmap()], [255, 255])
    wide = TextureStack.from_channels({"id": (ids(4, 4).bool(), "label"), "x": (noise(4, 4), "value")})
    assert wide.data.dtype == torch.float64
    assert TextureStack.from_channels({"x": (noise(4, 4).half(), "value")}).data.dtype == torch.float16
    assert TextureStack.from_channels({"id": (ids(4, 4), "label")}).data.dtype == torch.float32
    with pytest.raises(AttributeError):
        stack.data = codes


def test_gradients_pass_through_all_but_labels():
    def reduced(value, embedding, distance):
        channels = {"v": (value, "value"), "e": (embedding, "embedding"), "d": (distance, "distance")}
        return tuple(level.data for level in TextureStack.from_channels(channels).mipmap())

    inputs = [noise(k, 5, 4, seed=k).requires_grad_() for k in (1, 3, 2)]
    assert torch.autograd.gradcheck(reduced, inputs)
    data = torch.cat([ids(1, 4, 4).double(), noise(1, 4, 4)]).requires_grad_()
    TextureStack(data, (ChannelGroup("id", 1, "label"), ChannelGroup("x", 1, "value"))).mipmap()[
        1
    ].data.sum().backward()
    assert_close(data.grad, torch.stack([torch.zeros(4, 4), torch.full((4, 4), 0.25)]).double(), rtol=0, atol=0)


def under(mask, size):
    """Draws a map over the pixels of the finest level, level by level."""
    for fine in size:
        index = [torch.arange(side) // 2 for side in fine]
        rows, columns = (i.clamp(max=n - 1) for i, n in zip(index, mask.shape, strict=True))
        mask = mask[rows][:, columns]
    return mask


@settings(max_examples=60, deadline=None)
@given(size=SIZES, threshold=st.floats(0, 1), seed=st.integers(0, 2**31), up=st.booleans())
def test_a_cascade_covers_the_image_once_and_stops_where_the_predicate_fails(size, threshold, seed, up):
    x = noise(*size, seed=seed)
    levels = gaussian_pyramid(x, 4) if up else mipmap(x)
    sizes = [tuple(level.shape) for level in levels]
    stops = cascade(levels, lambda level, visited: level > threshold)
    assert [tuple(stop.shape) for stop in stops] == sizes
    cover = sum(under(stop, sizes[:i][::-1]).int() for i, stop in enumerate(stops))
    assert torch.equal(cover, torch.ones(size, dtype=torch.int32))
    for i, stop in enumerate(stops):
        assert i == 0 or not (levels[i][stop] > threshold).any()
        for j in range(i):  # under a stop nothing else; above it the predicate held everywhere
            assert not (under(stop, sizes[j:i][::-1]) & stops[j]).any()
            held = under(levels[i] > threshold, sizes[j:i][::-1])
            assert held[stops[j]].all()


def test_a_cascade_looks_only_where_it_must():
    stack = TextureStack.from_channels({"x": (np.zeros((16, 16)), "value"), "id": (np.eye(16), "label")})
    seen = []

    def predicate(level, visited):
        seen.append(visited.sum())
        return (level["x"][0] > 0) | (visited.shape[0] > 4)

    levels = stack.mipmap(4)
    stops = cascade(levels[:3], predicate)  # stops at once at 4x4
    assert [stop.sum() for stop in stops] == [0, 0, 16]
    assert seen == [16]
    assert all(isinstance(stop, np.ndarray) and stop.dtype == bool for stop in stops)
    assert cascade(levels[:1], predicate)[0].all()
    everywhere = cascade(levels, lambda level, visited: ~np.zeros_like(visited))
    assert [stop.sum() for stop in everywhere] == [256, 0, 0, 0]
    colour = mipmap(np.ones((6, 5, 3)), channel_axis=-1)
    assert cascade(colour, lambda level, visited: level[..., 0] > 0, channel_axis=-1)[0].shape == (6, 5)


def test_refusals():
    x = torch.ones(4, 4)
    make = TextureStack.from_channels
    with pytest.raises(ValueError, match=r"kind must be one of 'value', 'label', .* got 'mean'"):
        make({"x": (x, "mean")})
    with pytest.raises(ValueError, match=r"one common size, got \[\(3, 4\), \(4, 4\)\]"):
        make({"x": (x, "value"), "y": (x[1:], "value")})
    with pytest.raises(ValueError, match="at least one, got none"):
        make({})
    with pytest.raises(TypeError, match="all be tensors or all be arrays"):
        make({"x": (x, "value"), "y": (x.numpy(), "value")})
    with pytest.raises(TypeError, match=r"x must hold float16, .* got int64"):
        make({"x": (x.long(), "value")})
    with pytest.raises(TypeError, match="x must be a torch tensor or a NumPy array, got list"):
        make({"x": ([[1]], "label")})
    with pytest.raises(TypeError, match="got complex64"):
        make({"x": (x.to(torch.complex64), "label")})
    with pytest.raises(ValueError, match=r"'x' must have shape \(h, w\) or \(k, h, w\), got \(1, 1, 4, 4\)"):
        make({"x": (x[None, None], "value")})
    for bad in (x / 2, x * torch.nan, x.long() * 2**24, x.long() * (2**53 + 1)):
        with pytest.raises(ValueError, match="labels 'x' must be whole numbers below 16777216 in size"):
            make({"x": (bad, "label")})
    with pytest.raises(ValueError, match=r"below 2048 in size to fit the stack's torch\.float16, got 2048"):
        make({"x": (x * 2048, "label"), "y": (x.half(), "value")})
    stack = make({"x": (x, "value"), "y": (x, "label")})
    with pytest.raises(KeyError, match="no channels named 'z'; there are x, y"):
        stack["z"]
    with pytest.raises(ValueError, match="levels must be a whole number >= 1, got 0"):
        stack.mipmap(0)
    with pytest.raises(ValueError, match=r"data must have shape \(c, h, w\) with c=2 as groups, got \(3, 4, 4\)"):
        TextureStack(torch.ones(3, 4, 4), stack.groups)
    with pytest.raises(ValueError, match=r"names must differ, got \['x', 'x'\]"):
        TextureStack(stack.data, stack.groups[:1] * 2)
    with pytest.raises(ValueError, match="at least one level, got none"):
        cascade([], lambda level, visited: visited)
    with pytest.raises(ValueError, match=r"levels must halve, got \(1, 1\) at level 1 after \(4, 4\)"):
        cascade(mipmap(x)[::2], lambda level, visited: visited)
    with pytest.raises(TypeError, match=r"boolean Tensor, got torch\.float32; compare"):
        cascade(mipmap(x), lambda level, visited: level)
    with pytest.raises(TypeError, match="boolean Tensor, got bool"):
        cascade(mipmap(x), lambda level, visited: True)
    with pytest.raises(ValueError, match=r"a map \(1, 1\), got \(3, 1, 1\); reduce channels"):
        cascade(mipmap(torch.ones(3, 4, 4)), lambda level, visited: level > 0)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
def test_integer_classes_and_distances_keep_their_numbers(dtype):
    """As they come from torch.nn.functional.one_hot or a distance transform; uint8 is no fraction of 255 here."""
    hot = torch.tensor([[[1, 0], [1, 1]], [[0, 1], [0, 0]]]).to(dtype)
    for kind in ("onehot", "distance"):
        for array in (hot, hot.numpy()):
            stack = TextureStack.from_channels({"it": (array, kind), "grey": (array[0] * 1.0, "value")})
            np.testing.assert_array_equal(np.asarray(stack["it"]), hot.numpy().astype(np.float32))
            assert np.asarray(stack["it"]).dtype == (np.float64 if isinstance(array, np.ndarray) else np.float32)
