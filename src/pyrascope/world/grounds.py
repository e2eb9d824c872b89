"""What is behind the objects of a scene: tinted textures with a named colour, and photographs without."""

import functools
import math
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .vocabulary import GROUNDS

SIDE = 512
PER_COLOR = 16
TEXTURES = PER_COLOR * len(GROUNDS)
PHOTOGRAPHS = tuple(f"kodim{number:02d}.jpg" for number in (1, 5, 7, 13, 19, 23))
"""From the Kodak Lossless True Color Image Suite, released for unrestricted use; shipped as crops of 512 pixels."""


@functools.cache
def ground(number: int) -> NDArray[np.uint8]:
    """Returns ground `number` (512, 512, 3), read only: textures, then photographs with reduced contrast."""
    made = _texture(number) if number < TEXTURES else _photograph(PHOTOGRAPHS[number - TEXTURES])
    made.flags.writeable = False
    return made


def color_of(number: int) -> str | None:
    """Returns the name of the ground's colour; None for a photograph."""
    return list(GROUNDS)[number // PER_COLOR] if number < TEXTURES else None


def _texture(number: int) -> NDArray[np.uint8]:
    random = np.random.default_rng([7, number])
    base = np.array(list(GROUNDS.values())[number // PER_COLOR], np.float32)
    rough = random.uniform(-34, 34, (*random.integers(2, 8, 2), 1)) + random.uniform(-10, 10, 3)
    parts = [
        Image.fromarray(rough[..., i].astype(np.float32), mode="F").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        for i in range(3)
    ]
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    rate, angle = random.uniform(0.02, 0.5), random.uniform(0, math.pi)
    wave = random.uniform(0, 16) * np.sin(rate * (x * math.cos(angle) + y * math.sin(angle)))
    noise = random.normal(0, random.uniform(0, 9), (SIDE, SIDE, 1))
    image = base + np.stack([np.asarray(part) for part in parts], -1) + wave[..., None] + noise
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def _photograph(name: str) -> NDArray[np.uint8]:
    with (files(__package__) / "photographs" / name).open("rb") as file, Image.open(file) as opened:
        image = np.asarray(opened.convert("RGB"), np.float32)
    return np.asarray(np.clip(128 + 0.6 * (image - 128), 0, 255), np.uint8)
