"""The stock model's computation on tokens of any boxes, and on several questions at once: what training runs."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .architecture import GRID

LAST = GRID * GRID
"""Position of the first token of a question: behind the full grid."""


def features_of(model: Any, patches: Tensor, centers: Tensor) -> Tensor:
    """Returns the tower's features (b, n, d) of tokens.

    Args:
        model: The LLaVA that `fresh` or `load` returns.
        patches: Pixels (b, n, 3 * 16 * 16) as the processor scales them, channels first.
        centers: Centres (b, n, 2) of their boxes, row and column in [0, 1] of the image.
    """
    tower = model.model.vision_tower
    weight = tower.embeddings.patch_embedding
    table = tower.embeddings.position_embedding.weight
    hidden = F.linear(patches, weight.weight.flatten(1), weight.bias) + positions(table, centers)
    for layer in tower.encoder.layers:
        hidden = layer(hidden, attention_mask=None)
    return hidden


def positions(table: Tensor, centers: Tensor) -> Tensor:
    """Returns the table (1024, d), sampled bilinearly at centres (b, n, 2)."""
    grid = table.T.reshape(1, -1, GRID, GRID).float()
    at = (2 * centers.flip(-1) - 1).reshape(1, 1, -1, 2).float()
    with torch.autocast("cpu", enabled=False):
        found = F.grid_sample(grid, at, mode="bilinear", padding_mode="border", align_corners=False)
    return found[0, :, 0].T.reshape(*centers.shape[:-1], -1)


def places(centers: Tensor) -> Tensor:
    """Returns the position ids (b, n) of tokens in the decoder: the place of the stock cell that holds the centre."""
    row, column = (centers * GRID).long().clamp(0, GRID - 1).unbind(-1)
    return row * GRID + column


def question_mask(tokens: int, questions: int, length: int) -> Tensor:
    """Returns what may be attended to (n + q l, n + q l): earlier tokens, in a question its own and the image's."""
    index = torch.arange(tokens + questions * length)
    block = torch.where(index < tokens, -1, (index - tokens) // length)
    return (index <= index[:, None]) & ((block == -1) | (block == block[:, None]))


class Reply(NamedTuple):
    """What the decoder makes of questions.

    Attributes:
        logits: Of the next word, (b, q, l, v).
        states: After the last block and norm, (b, q, l, d).
        middle: After half of the blocks and the norm, (b, q, l, d).
        late: After all blocks but the last, and the norm, (b, q, l, d).
        attended: Attention logits of each word in the first head of the last block of the first half (b, q, l,
            n + q l), the visual tokens first.
        aimed: The same of the last block.
        shown: The visual tokens as the decoder receives them, (b, n, d).
    """

    logits: Tensor
    states: Tensor
    middle: Tensor
    late: Tensor
    attended: Tensor
    aimed: Tensor
    shown: Tensor


def reply_to(model: Any, features: Tensor, centers: Tensor, text: Tensor) -> Reply:
    """Runs the decoder on questions about the features.

    Args:
        model: As in `features_of`.
        features: What `features_of` returns.
        centers: As there.
        text: Token ids (b, q, l) of q questions, each followed by its answer.
    """
    b, q, length = text.shape
    n = features.shape[1]
    decoder = model.model.language_model
    words = decoder.embed_tokens(text).flatten(1, 2)
    shown = model.model.multi_modal_projector(features)
    hidden = torch.cat([shown, words.to(shown.dtype)], 1)
    after = (LAST + torch.arange(length)).repeat(q).expand(b, -1)
    place = torch.cat([places(centers), after], 1)
    mask = torch.zeros(n + q * length, n + q * length).masked_fill(~question_mask(n, q, length), -1e9)
    turn = decoder.rotary_emb(hidden, position_ids=place)
    before = []
    for layer in decoder.layers:
        before.append(hidden)
        hidden = layer(hidden, attention_mask=mask[None, None].to(hidden.dtype), position_embeddings=turn)
    half = len(decoder.layers) // 2
    states, middle, late = (
        decoder.norm(part[:, n:]).unflatten(1, (q, length)) for part in (hidden, before[half], before[-1])
    )
    attended, aimed = (
        (first_head(decoder.layers[i], before[i], turn) + mask)[:, n:].reshape(b, q, length, -1) for i in (half - 1, -1)
    )
    return Reply(model.lm_head(states), states, middle, late, attended, aimed, shown)


def first_head(layer: Any, hidden: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Returns the attention logits (b, m, m), before the mask, of a decoder block's first head on states (b, m, d)."""
    size = turn[0].shape[-1]
    x = layer.input_layernorm(hidden)
    q, k = (F.linear(x, part.weight[:size]) for part in (layer.self_attn.q_proj, layer.self_attn.k_proj))
    q, k = (y * turn[0] + torch.cat([-y[..., size // 2 :], y[..., : size // 2]], -1) * turn[1] for y in (q, k))
    found: Tensor = q @ k.transpose(1, 2) * layer.self_attn.scaling
    return found
