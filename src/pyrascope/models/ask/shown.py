"""What the tokens that a reducer keeps show of the image: the cells that they stand for, as a plan."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...allocation.contracts.reducer import Reduction
from ...allocation.plan import Plan
from ..families.parts.canvas import Canvas
from ..host import Host
from ..options import GRID
from ..pixels.sources import normalisation_of, placed
from ..stock.inputs import with_mask


def shown_by(host: Host, image: Any, inputs: Mapping[str, Any], reduction: Reduction, method: str) -> Plan | None:
    """Returns the cells of the one image in `inputs` that the kept tokens stand for; scores are the merged tokens.

    Args:
        host: The model and its processor.
        image: The source of the one image.
        inputs: Those of the full prompt, with one image.
        reduction: What was kept of it.
        method: Named in the plan.

    Returns:
        The plan in pixels of the source, or None where it is not known which cell each token shows (as for the tokens
        of a global view beside its tiles).
    """
    full = with_mask(inputs)
    try:
        canvases = host.adapter.canvases(host.model, full, [host.runs(full["input_ids"])])
    except NotImplementedError:
        return None
    canvas = placed(canvases, [image], host.processor, GRID, normalisation_of(host.processor))[0]
    return cells_of(canvas, reduction.kept.cpu().numpy(), reduction.sizes.double().cpu().numpy(), method)


def cells_of(canvas: Canvas, kept: NDArray[np.int64], scores: NDArray[np.float64], method: str) -> Plan | None:
    """Returns the cells of a canvas that show the stock tokens `kept` (n,), or None where one has none or several.

    Example:
        >>> from torch import arange, zeros
        >>> canvas = Canvas(zeros(3, 16, 24), 8, (2, 3), arange(6).reshape(2, 3), 6)
        >>> cells_of(canvas, np.array([1, 3]), np.ones(2), "by hand").boxes
        array([[ 0.,  8.,  8., 16.],
               [ 8.,  0., 16.,  8.]])
    """
    token = canvas.tokens.cpu().numpy()
    found = [np.argwhere(token == one) for one in kept]
    if any(len(places) != 1 for places in found):
        return None
    side = canvas.cell * canvas.scale
    corner = np.concatenate(found) * float(side)
    order = np.lexsort((corner[:, 1], corner[:, 0]))
    size = (canvas.grid[0] * side, canvas.grid[1] * side)
    levels = np.full((len(kept), 2), np.log2(canvas.scale), np.float32)
    boxes = np.hstack([corner, corner + side])[order]
    return canvas.in_source(Plan(boxes, levels, scores[order], size, canvas.cell, method))
