"""What visual tokens cost a decoder: arithmetic of the prefill, bytes of the cache, mean tokens over the layers.

Per layer, for n tokens: q and o projections 2 n d q, k and v projections 2 n d k, scores and their use 2 n^2 q, and the
MLP c n d m, where d is the hidden size, q = heads * head size, k = key-value heads * head size, m the MLP's width
and c = 3 (gated) or 2. That counts a multiply-add as 1, as PyramidDrop and FastV do; `multiply_add=2` counts both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._check import shorten, whole_number


@dataclass(frozen=True)
class Decoder:
    """The sizes of a decoder that decide its cost.

    Attributes:
        hidden: Hidden size.
        mlp: Width of the MLP.
        layers: Number of layers.
        heads: Attention heads.
        kv_heads: Heads of keys and values; None for as many as `heads`.
        head_size: None for hidden / heads.
        matrices: Matrices of the MLP: 3 where it is gated (Llama, Qwen), else 2.
    """

    hidden: int
    mlp: int
    layers: int
    heads: int = 1
    kv_heads: int | None = None
    head_size: int | None = None
    matrices: int = 3

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None:
                whole_number(value, name, 1)
        if self.head_size is None and self.hidden % self.heads:
            raise ValueError(f"hidden must be a multiple of heads, got {self.hidden} and {self.heads}; give head_size")

    @property
    def widths(self) -> tuple[int, int]:
        """Width of the queries, and of the keys."""
        size = self.head_size or self.hidden // self.heads
        return self.heads * size, (self.kv_heads or self.heads) * size

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Decoder":
        """Returns the decoder of a config as transformers names its entries; that of the text where it is nested."""
        text = config.get("text_config") or config
        names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
        missing = [name for name in names if text.get(name) is None]
        if missing:
            raise ValueError(f"config must have {', '.join(names)}, got none of {', '.join(missing)}")
        hidden, mlp, layers, heads = (text[name] for name in names)
        return cls(hidden, mlp, layers, heads, text.get("num_key_value_heads"), text.get("head_dim"))


DECODERS = {
    "llava-1.5-7b": Decoder(4096, 11008, 32, 32),
    "llava-1.5-13b": Decoder(5120, 13824, 40, 40),
    "qwen2.5-vl-7b": Decoder(3584, 18944, 28, 28, 4),
}
"""Published sizes, by name on the command line."""


def flops(decoder: Decoder, tokens: Sequence[int], other: int = 0, multiply_add: int = 1) -> int:
    """Returns the operations of a prefill.

    Args:
        decoder: Its sizes.
        tokens: Visual tokens in each layer; see `staged`.
        other: Text tokens, in every layer.
        multiply_add: What a multiply-add counts: 1 (PyramidDrop, FastV) or 2.

    Example:
        >>> llava = DECODERS["llava-1.5-7b"]
        >>> f"{flops(llava, staged(llava, 576)) / 1e12:.2f} T"
        '3.82 T'
    """
    whole_number(multiply_add, "multiply_add", 1, 2)
    whole_number(other, "other", 0)
    query, key = decoder.widths
    linear = 2 * decoder.hidden * (query + key) + decoder.matrices * decoder.hidden * decoder.mlp
    counts = [n + other for n in _checked(decoder, tokens)]
    return multiply_add * sum(n * linear + 2 * n * n * query for n in counts)


def kv_bytes(decoder: Decoder, tokens: Sequence[int], number_bytes: int = 2) -> int:
    """Returns the bytes of the keys and values of the visual tokens, `number_bytes` each number."""
    return 2 * decoder.widths[1] * whole_number(number_bytes, "number_bytes", 1) * sum(_checked(decoder, tokens))


def mean_tokens(tokens: Sequence[int]) -> float:
    """Returns the mean number of visual tokens over the layers."""
    if not len(tokens):
        raise ValueError("tokens must hold a count a layer, got none; see staged")
    return sum(tokens) / len(tokens)


def staged(decoder: Decoder, tokens: int, drops: Mapping[int, int] | None = None) -> list[int]:
    """Returns the tokens of each layer, `drops[k]` of them after the first k layers.

    Example:
        >>> staged(Decoder(8, 8, 4), 10, {2: 5})
        [10, 10, 5, 5]
    """
    whole_number(tokens, "tokens", 0)
    counts = [tokens] * decoder.layers
    for layer, left in sorted((drops or {}).items()):
        whole_number(layer, "layer of a drop", 1, decoder.layers - 1)
        before = counts[layer - 1]
        counts[layer:] = [whole_number(left, "tokens after a drop", 0, before)] * (decoder.layers - layer)
    return counts


def _checked(decoder: Decoder, tokens: Sequence[int]) -> Sequence[int]:
    if len(tokens) != decoder.layers:
        raise ValueError(f"tokens must be one count for each of {decoder.layers} layers, got {shorten(list(tokens))}")
    return [whole_number(count, "tokens", 0) for count in tokens]
