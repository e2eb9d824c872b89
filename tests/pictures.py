"""Pictures for tests: the photograph that the repository ships, and synthetic ones with a known answer."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from pyrascope.io import as_tensor

UNEVEN = (61, 93)
"""Rows and columns of a picture that is not square and that no power of two divides: 4 x 6 cells of 16 px, some cut."""
PHOTO = Path(__file__).parent.parent / "examples" / "data" / "kodim23.png"


@lru_cache(maxsize=1)
def photo():
    """The shipped photograph, (3, 512, 768) float32."""
    return as_tensor(PHOTO)[0]


def noise(*shape, dtype=torch.float32, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def grating(size, frequency, axis=-1, phase=0.3):
    """A cosine of `frequency` cycles a pixel along an axis, amplitude 1 around 0, (1, *size) float64."""
    wave = torch.cos(2 * np.pi * frequency * (torch.arange(size[axis], dtype=torch.float64) + 0.5) + phase)
    return (wave if axis == -1 else wave[:, None]).expand(1, *size).contiguous()
