"""Cost against published figures."""

from dataclasses import replace

import pytest

from pyrascope.allocation.budgets.cost import DECODERS, Decoder, flops, kv_bytes, mean_tokens, staged
from tolerances import near

LLAVA = DECODERS["llava-1.5-7b"]


def test_the_figures_of_pyramid_drop():
    drop = staged(LLAVA, 576, {8: 288, 16: 144, 24: 72})
    assert round(flops(LLAVA, staged(LLAVA, 576)) / 1e12, 2) == 3.82
    assert round(flops(LLAVA, drop) / 1e12, 2) == 1.78
    assert mean_tokens(drop) == 270
    assert flops(LLAVA, drop, multiply_add=2) == 2 * flops(LLAVA, drop)


@pytest.mark.parametrize(("after", "left"), [(2, 288), (3, 144), (5, 0)])
def test_the_ratio_of_fastv(after, left):
    d, m, layers = 4096, 11008, 32
    plain = replace(LLAVA, matrices=2)

    def layer(n):
        return 4 * n * d**2 + 2 * n**2 * d + 2 * n * d * m

    ratio = (after * layer(576) + (layers - after) * layer(left)) / (layers * layer(576))
    full = flops(plain, staged(plain, 576))
    near(flops(plain, staged(plain, 576, {after: left})) / full, ratio, "step")
    assert mean_tokens(staged(plain, 576, {2: 144})) == 171


def test_bytes_of_the_cache_with_and_without_shared_keys():
    assert kv_bytes(LLAVA, staged(LLAVA, 576)) == 288 * 2**20
    qwen = DECODERS["qwen2.5-vl-7b"]
    assert kv_bytes(qwen, staged(qwen, 1)) == 56 * 2**10
    d, k, m = 3584, 512, 18944
    assert flops(qwen, staged(qwen, 10), other=3) == 28 * (13 * (2 * d * d + 2 * d * k + 3 * d * m) + 2 * 13**2 * d)


def test_a_config_gives_the_sizes():
    text = {
        "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
    }  # fmt: skip
    assert Decoder.from_config(text) == Decoder.from_config({"text_config": text}) == LLAVA
    with pytest.raises(ValueError, match="config must have hidden_size"):
        Decoder.from_config({})


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="tokens must be one count for each of 32 layers"):
        flops(LLAVA, [576])
    with pytest.raises(ValueError, match="tokens after a drop must be a whole number from 0 to 10"):
        staged(LLAVA, 10, {2: 11})
    with pytest.raises(ValueError, match="hidden must be a multiple of heads"):
        Decoder(10, 10, 2, 3)
