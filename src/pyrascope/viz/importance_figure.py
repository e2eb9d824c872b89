"""Importance maps as heat over the picture that they were made from."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .._check import shorten
from ..io import ImageLike, as_tensor
from .panels import caption, panels
from .plan_figure import pixels
from .style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAT = "inferno"
LIGHT = 0.55  # of the picture under the heat
STEPS = 2.0  # octaves above and below the mean that the scale of colours spans


@in_own_style
def importance_figure(image: ImageLike, maps: Mapping[str, ArrayLike], cell: int = 16) -> "Figure":
    """Draws importance maps over their picture, greyed: dark where little matters, bright where much does.

    The colours are on one scale for all maps, in octaves: from a quarter of the mean or less to four times the mean
    or more, so that maps can be compared.

    Args:
        image: What the maps were made for; see `pyrascope.plan`.
        maps: By name, at least one: from `pyrascope.importance_map`, (ceil(h / cell), ceil(w / cell)).
        cell: Side of a cell in pixels.

    Returns:
        A matplotlib figure.

    Raises:
        ValueError: no maps, or a map that has not one value a cell.
    """
    import matplotlib

    if not isinstance(maps, Mapping) or not maps:
        raise ValueError(f"maps must be a dict of at least one map by name, got {shorten(maps)}")
    tensor, _ = as_tensor(image)
    picture = pixels(tensor.detach().float().cpu()).mean(-1, keepdims=True)
    height, width = tensor.shape[-2:]
    grid = (math.ceil(height / cell), math.ceil(width / cell))
    title = "bright: four times the mean or more; dark: a quarter or less"
    figure, axes = panels(len(maps) + 1, width / height, title)
    axes[0].imshow(pixels(tensor.detach().float().cpu()), extent=(0, width, height, 0), interpolation="antialiased")
    caption(axes[0], "the image", f"{height}x{width} px")
    for axis, (name, given) in zip(axes[1:], maps.items(), strict=True):
        values = np.asarray(given, dtype=np.float64)
        if values.shape != grid:
            raise ValueError(f"map {shorten(name)} must have one value a cell, {grid}, got {values.shape}")
        octaves = np.log2(np.maximum(values, 2.0 ** -(STEPS + 1)))
        shade = np.clip((octaves + STEPS) / (2 * STEPS), 0, 1)
        heat = matplotlib.colormaps[HEAT](shade)[..., :3]
        over = np.repeat(np.repeat(heat, cell, axis=0), cell, axis=1)[:height, :width]
        axis.imshow(
            np.clip(LIGHT * picture * (0.3 + over) + (1 - LIGHT) * over, 0, 1),
            extent=(0, width, height, 0),
            interpolation="antialiased",
        )
        caption(axis, name, f"up to {values.max():.3g}")
    for axis in axes:
        axis.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    return figure
