"""How hard an image is, as a small trained network sees it."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import torch
from torch import Tensor

from ...learning.nn.difficulty import DifficultyEstimator
from ...signal.resample import resize
from ..contracts.allocator import Scene

SIDE = 128
"""Longer side of the view in pixels."""


@dataclass(frozen=True)
class TrainedDifficulty:
    """Which share of the words in an image a view of 128 px loses, as a trained `DifficultyEstimator` predicts it.

    Returns a number in [0, 1], from a grey view whose longer side is 128 px (64 tokens of 16 px for a square image); a
    smaller image is taken as it is. The weights, 114 kB, were trained on words printed with DejaVu Sans on photographs
    of the Kodak set, and on what a reader of text (PP-OCRv4) made of them: text is what they know. They take no query.
    `docs/experiments.md` has their quality on other pictures; `benchmarks/reading/train_difficulty.py` makes them anew.

    Example:
        >>> 0 <= TrainedDifficulty()(Scene(torch.rand(3, 200, 300))) <= 1
        True
    """

    def __call__(self, scene: Scene) -> float:
        """Returns the difficulty of the scene's image, 0 (easy) to 1 (hard)."""
        with torch.no_grad():
            return float(_estimator()(view_of(scene.image)[None]))


def view_of(image: Tensor) -> Tensor:
    """Returns the view (1, h', w') float32 on the CPU, clipped to [0, 1]: the mean of the channels, not above 128 px.

    What is much larger is first averaged over whole blocks, which costs one pass over the image; what is left of a
    block at the lower and right border is not seen, and detail finer than a block leaves up to a tenth of itself.

    Args:
        image: Floating (c, h, w).

    Example:
        >>> view_of(torch.ones(3, 300, 600)).shape
        torch.Size([1, 64, 128])
    """
    longer = max(image.shape[-2:])
    rows, columns = (max(1, min(longer // (2 * SIDE), side)) for side in image.shape[-2:])
    height, width = image.shape[1] // rows * rows, image.shape[2] // columns * columns
    lines = torch.zeros_like(image[0, :height:rows, :width])
    for channel in image:
        for row in range(rows):  # whole rows are added: several times as fast as a mean over axes
            lines += channel[row:height:rows, :width]
    grey = lines.reshape(-1, columns) @ lines.new_full((columns,), 1 / (len(image) * rows * columns))
    grey = grey.reshape(1, len(lines), -1)
    grey = grey.to("cpu", torch.float32)
    if longer > SIDE:
        height, width = (max(1, round(side * SIDE / longer)) for side in image.shape[-2:])
        grey = resize(grey, (height, width))
    return grey.clamp(0, 1)


@cache
def _estimator() -> DifficultyEstimator:
    from safetensors.torch import load_file

    estimator = DifficultyEstimator().eval()
    with as_file(files("pyrascope.learning.nn") / "difficulty.safetensors") as path:
        estimator.load_state_dict(load_file(path))
    return estimator.requires_grad_(False)
