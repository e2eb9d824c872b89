"""Exact match of the built-in model on samples, in the layouts that matter: what the training is judged by."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .architecture import CELL, GRID
from .forward import answer, encode
from .heads import Heads
from .scenes import Sample
from .train.layouts import Floats, overlay, pixels, uniform
from .vocabulary import EOS, IDS, WORDS, encoded, joined, words_of

FRAME = CELL * GRID
LONGEST_ANSWER = 3
"""In tokens, with the end."""
LAYOUTS = ("full", "half", "resize", "coarse", "look", "oracle", "blind")


def greedy(model: Any, features: Tensor, centers: Tensor, questions: Sequence[str]) -> list[str]:
    """Returns the answers (greedy) to one question about each row of features (b, n, d)."""
    asked = [encoded(words_of(question)) for question in questions]
    width = max(map(len, asked)) + LONGEST_ANSWER
    text = torch.tensor([[*ids, *[0] * (width - len(ids))] for ids in asked])
    last = torch.tensor([len(ids) - 1 for ids in asked])
    rows = torch.arange(len(asked))
    for step in range(LONGEST_ANSWER):
        logits = answer(model, features, centers, text[:, None]).logits
        text[rows, last + step + 1] = logits[rows, 0, last + step].argmax(-1)
    said = []
    for ids, start in zip(text.tolist(), last.tolist(), strict=True):
        reply = ids[start + 1 : start + 1 + LONGEST_ANSWER]
        said.append(joined([WORDS[i] for i in (reply[: reply.index(IDS[EOS])] if IDS[EOS] in reply else reply)]))
    return said


def tokens(sample: Sample, boxes: Floats) -> tuple[Tensor, Tensor]:
    """Returns patches (n, 768) and centres (n, 2) of a sample's picture, sharp (Lanczos)."""
    values = pixels(None, sample.image, boxes)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2 / FRAME
    return torch.from_numpy(values), torch.from_numpy(centers.astype(np.float32))


def coarse_boxes() -> Floats:
    """The first look: 64 cells of 64 pixels."""
    return uniform(FRAME, 8)


def fixated(model: Any, heads: Heads, samples: Sequence[Sample], extra: int) -> list[Floats]:
    """Returns the boxes of coarse cells and, where the model's own look falls, the `extra` nearest finest cells."""
    coarse = coarse_boxes()
    shown = [tokens(sample, coarse) for sample in samples]
    patches, centers = (torch.stack([pair[i] for pair in shown]) for i in (0, 1))
    features = encode(model, patches, centers)
    asked = [encoded(words_of(sample.question)) for sample in samples]
    text = torch.tensor([[*ids, *[0] * (16 - len(ids))] for ids in asked])
    reply = answer(model, features, centers, text[:, None])
    last = torch.tensor([[len(ids) - 1] for ids in asked])
    share = heads.look(reply.states, reply.shown, last)[:, 0].float().softmax(-1).numpy()
    return [np.concatenate([coarse, around(fixation(row.reshape(8, 8)), extra)]) for row in share]


def fixation(share: np.ndarray) -> tuple[float, float]:
    """Returns where a map over coarse cells looks, in pixels: the centroid of the best cell and its neighbours."""
    y, x = np.unravel_index(int(share.argmax()), share.shape)
    rows, columns = slice(max(0, y - 1), y + 2), slice(max(0, x - 1), x + 2)
    part = share[rows, columns] / share[rows, columns].sum()
    at = np.mgrid[rows, columns][:, : part.shape[0], : part.shape[1]] + 0.5
    side = FRAME / share.shape[0]
    return float((at[0] * part).sum() * side), float((at[1] * part).sum() * side)


def around(place: tuple[float, float], count: int) -> Floats:
    """Returns the `count` finest cells nearest to a place, a little wider than high, in reading order."""
    fine = uniform(FRAME, GRID)
    y, x = (fine[:, 0] + fine[:, 2]) / 2, (fine[:, 1] + fine[:, 3]) / 2
    distance = np.hypot(1.25 * (y - place[0]), x - place[1])
    return fine[np.sort(np.argsort(distance, kind="stable")[:count])]


def boxes_of(layout: str, model: Any, heads: Heads, samples: Sequence[Sample], extra: int) -> list[Floats]:
    """Returns the boxes of each sample in a layout."""
    if layout == "look":
        return fixated(model, heads, samples, extra)
    if layout == "oracle":
        random = np.random.default_rng(0)
        return [overlay(random, FRAME, extra, sample.evidence.tolist()) for sample in samples]
    count = {"full": GRID, "half": GRID // 2, "resize": round((64 + extra) ** 0.5), "coarse": 8, "blind": 0}[layout]
    return [uniform(FRAME, count) if count else np.empty((0, 4)) for _ in samples]


@torch.inference_mode()
def examine(model: Any, heads: Heads, samples: Sequence[Sample], layout: str, extra: int = 32) -> list[str]:
    """Returns the model's answer to each sample.

    Args:
        model: The built-in model, in evaluation mode.
        heads: Its heads.
        samples: Scenes of 512 pixels.
        layout: One of `LAYOUTS`: every cell; cells of 32 pixels; the uniform grid nearest to 64 + `extra` tokens; 64
            coarse cells alone; with `extra` finest cells where the model looks, or at the evidence; no tokens at all.
        extra: Finest cells of the second look.
    """
    replies: list[str] = []
    size = 4 if layout == "full" else 32
    for start in range(0, len(samples), size):
        some = samples[start : start + size]
        boxes = boxes_of(layout, model, heads, some, extra)
        shown = [tokens(sample, own) for sample, own in zip(some, boxes, strict=True)]
        patches, centers = (torch.stack([pair[i] for pair in shown]) for i in (0, 1))
        width = model.config.vision_config.hidden_size
        features = encode(model, patches, centers) if patches.shape[1] else torch.zeros(len(some), 0, width)
        replies += greedy(model, features, centers, [sample.question for sample in some])
    return replies
