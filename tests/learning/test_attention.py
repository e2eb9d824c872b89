import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from pyrascope.learning.nn.attention import (
    CrossScaleAttention,
    cross_scale_attention,
    cross_scale_flops,
    cross_scale_mask,
)
from tolerances import near


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def random_levels(*shape, most=3, seed=0):
    return torch.randint(-1, most, shape, generator=torch.Generator().manual_seed(seed))


def by_hand(levels, own):
    """Who attends to whom, one pair at a time."""
    n, coarsest = len(levels), max(levels)
    return [
        [levels[j] > levels[i] or (levels[j] == levels[i] and (own or levels[i] == coarsest)) for j in range(n)]
        for i in range(n)
    ]


def dense(query, key, value, levels, own):
    mask = torch.tensor([by_hand(row, own) for row in levels.expand(len(query), -1).tolist()])
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1) @ value


@pytest.mark.parametrize("own", [False, True])
def test_the_mask_of_three_levels_as_described(own):
    coarse, medium, fine = 2, 1, 0
    mask = cross_scale_mask(torch.tensor([coarse, medium, fine]), own)
    assert mask.tolist() == [[True, False, False], [True, own, False], [True, True, own]]


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 12), st.booleans(), st.booleans(), st.integers(0, 99))
def test_blocks_equal_the_masked_dense_form_and_its_gradient(batch, heads, n, own, batched, seed):
    levels = random_levels(*([batch] if batched else []), n, seed=seed)
    for dtype in (torch.float32, torch.float64):
        inputs = [normal(batch, heads, n, d, seed=seed + d, dtype=dtype).requires_grad_() for d in (5, 5, 3)]
        inputs[1] = normal(batch, heads, n, 5, seed=seed + 9, dtype=dtype).requires_grad_()
        found, expected = cross_scale_attention(*inputs, levels, own), dense(*inputs, levels, own)
        near(found, expected)
        with_mask = cross_scale_mask(levels, own)
        masked = scaled_dot_product_attention(*inputs, attn_mask=with_mask[:, None] if batched else with_mask)
        near(found, masked)
        slope = normal(*found.shape, seed=seed, dtype=dtype)
        gradients = [torch.autograd.grad((out * slope).sum(), inputs) for out in (found, expected)]
        near(gradients[0], gradients[1])


def test_gradient_against_differences():
    levels = torch.tensor([[0, 2, 1, 0], [1, 1, 0, 0]])
    inputs = [normal(2, 1, 4, 2, seed=k).requires_grad_() for k in range(3)]
    torch.autograd.gradcheck(lambda *given: cross_scale_attention(*given, levels), inputs)


def test_coarse_tokens_do_not_depend_on_finer_ones():
    levels = torch.tensor([0, 2, 1, 2, 0])
    tokens, layer = normal(1, 5, 8), CrossScaleAttention(8, 2, own=True).double()
    changed = tokens.clone()
    changed[:, levels == 0] += 1
    before, after = layer(tokens, levels), layer(changed, levels)
    assert_close(before[:, levels > 0], after[:, levels > 0], rtol=0, atol=0)
    assert (before - after)[:, levels == 0].abs().min() > 0


@pytest.mark.parametrize("own", [False, True])
def test_one_level_is_torchs_multi_head_attention(own):
    layer, peer = CrossScaleAttention(12, 3, own).double(), torch.nn.MultiheadAttention(12, 3, batch_first=True)
    peer.double().load_state_dict(
        {
            "in_proj_weight": layer.inner.weight,
            "in_proj_bias": layer.inner.bias,
            "out_proj.weight": layer.outer.weight,
            "out_proj.bias": layer.outer.bias,
        }
    )
    tokens = normal(2, 9, 12)
    near(layer(tokens, torch.full((9,), 4)), peer(tokens, tokens, tokens)[0])


def counted(function):
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    "counts", [{2: 64, 1: 128, 0: 128}, {0: 5}, {3: 2, 1: 0, 0: 7}, {4: 1, 3: 2, 2: 3, 1: 4, 0: 5}]
)
def test_the_formula_counts_what_torch_counts(counts, own):
    levels = torch.tensor([level for level, count in counts.items() for _ in range(count)])
    n, width = len(levels), 8
    parts = [normal(1, 2, n, 4, seed=k) for k in range(3)]
    assert counted(lambda: cross_scale_attention(*parts, levels, own)) == cross_scale_flops(counts, width, own)
    assert counted(lambda: cross_scale_attention(*parts, levels[None], own)) == cross_scale_flops(counts, width, own)
    layer, tokens = CrossScaleAttention(width, 2, own).double(), normal(1, n, width)
    assert counted(lambda: layer(tokens, levels)) == cross_scale_flops(counts, width, own, projections=True)
    full = counted(lambda: scaled_dot_product_attention(*parts))
    assert full == 4 * width * n**2
    assert (cross_scale_flops(counts, width, own) < full) == (len(levels.unique()) > 1)


def test_no_tokens_and_no_images():
    assert cross_scale_attention(*[torch.zeros(2, 1, 0, 3)] * 3, torch.zeros(0, dtype=torch.int64)).shape == (
        2,
        1,
        0,
        3,
    )
    levels = torch.zeros(0, 4, dtype=torch.int64)
    assert cross_scale_attention(*[torch.zeros(0, 1, 4, 3)] * 3, levels).shape == (0, 1, 4, 3)
    assert cross_scale_mask(torch.zeros(0, dtype=torch.int64)).shape == (0, 0)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda x: cross_scale_attention(x, x, x, torch.zeros(5, dtype=torch.int64)),
            r"levels must be \(4,\) or \(2, 4\)",
        ),
        (lambda x: cross_scale_attention(x, x, x, torch.zeros(4)), "levels must be whole numbers, got torch.float32"),
        (lambda x: cross_scale_attention(x, x[:, :, :3], x, torch.zeros(4).int()), "equal b, heads and n"),
        (lambda x: cross_scale_attention(x[0], x[0], x[0], torch.zeros(4).int()), r"must be \(b, heads, n, d\)"),
        (lambda _: CrossScaleAttention(10, 3), "width must be a multiple of heads, got 10 and 3"),
        (lambda x: CrossScaleAttention(8, 2)(x, torch.zeros(4).int()), r"tokens must be \(b, n, 8\)"),
        (lambda _: cross_scale_flops({0: -1}, 8), "count of level 0 must be a whole number >= 0, got -1"),
    ],
)
def test_what_does_not_fit_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call(torch.zeros(2, 3, 4, 5))
