"""A picture in many containers."""

import numpy as np

SIZE, CELL, BUDGET = (40, 56), 8, 9


MOST = 35


def picture():
    """uint8 (h, w, 3): a busy corner on a calm ground."""
    calm = np.linspace(60, 120, SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3)
    calm[4:20, 24:44] = np.random.default_rng(0).integers(0, 256, (16, 20, 3))
    return calm.astype(np.uint8)


def sentence(error):
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 400
    return message
