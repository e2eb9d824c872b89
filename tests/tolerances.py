"""How near two results have to be: one table, by type and by how much arithmetic lies between the two.

Tolerances are relative to the size of what is compared: the largest absolute value of the expected result, or the
`size` that the caller names where larger terms cancel. Processors add in different orders and fuse different products,
so the last bits differ; the table has room for that, and for nothing else. It is for rounding alone: how far an
approximation may be from what it approximates is said, with its reason, where it is asserted.
"""

import numbers

import numpy as np
import torch

DEPTHS = {"step": 8, "filter": 64, "transform": 256, "model": 1024}
"""Units of rounding (eps of the type) by depth: a few operations on a value; a filter, a mean or a short chain of them;
a Fourier transform, a pyramid, a network of a few layers; a training step or another chain that enlarges what the
first of it rounds."""
HALF_DEPTHS = {"step": 2, "filter": 4, "transform": 16, "model": 64}
"""The same for types of 16 bits: they are computed in float32 and rounded where a value is stored, which is rarer."""
HALF_TYPES = (torch.bfloat16, torch.float16)
TYPES = (torch.float64, torch.float32, *HALF_TYPES)
TOLERANCE = {
    (dtype, depth): units * torch.finfo(dtype).eps
    for dtype in TYPES
    for depth, units in (HALF_DEPTHS if dtype in HALF_TYPES else DEPTHS).items()
}


def near(found, expected, depth="filter", *, size=None, dtype=None):
    """Raises AssertionError unless two results agree to rounding, element by element; shapes have to be equal.

    Args:
        found: A tensor, an array, a number, or a list or tuple of them.
        expected: The same of what it has to be. Its size sets the scale; each tensor of a list has its own.
        depth: "same" (bit for bit), or a key of `DEPTHS`.
        size: The scale instead: the size of the terms where they cancel.
        dtype: In which the coarser of the two was computed, where that is not the type it has now.
    """
    if _nested(expected):
        assert len(found) == len(expected), f"{len(found)} results for {len(expected)} expected"
        for one, other in zip(found, expected, strict=True):
            near(one, other, depth, size=size, dtype=dtype)
        return
    ours, theirs = _tensor(found), _tensor(expected)
    atol = 0.0 if depth == "same" else scale(theirs, size) * TOLERANCE[dtype or coarser(ours, theirs), depth]
    common = torch.promote_types(ours.dtype, theirs.dtype)
    if common in HALF_TYPES:
        common = torch.float32  # the difference itself is not rounded to 16 bits
    torch.testing.assert_close(ours.to(common), theirs.to(common), rtol=0, atol=atol, equal_nan=True)


def room(size=1, depth="filter", dtype=torch.float64):
    """Returns how far rounding may move a result of that size: what an inequality is softened by."""
    return float(size) * TOLERANCE[dtype, depth]


def scale(expected, size=None):
    """Returns the size of what is compared: `size`, or the largest finite absolute value, or 1 where that is 0."""
    if size is not None:
        return float(size)
    values = expected.abs()
    values = values[values.isfinite()]
    return float(values.max()) if values.numel() and bool(values.max() > 0) else 1.0


def coarser(*tensors):
    """Returns the type of most rounding among those of the tensors; float64 where none is of floating point."""
    types = [tensor.abs().dtype for tensor in tensors if tensor.is_floating_point() or tensor.is_complex()]
    return max(types, key=lambda dtype: torch.finfo(dtype).eps, default=torch.float64)


def _nested(value):
    """Whether it is a list of results; a list of numbers is one result."""
    return isinstance(value, list | tuple) and not all(isinstance(one, numbers.Number) for one in value)


def _tensor(value):
    """A tensor of the value; a Python number counts as float64, and so gives way to what it is compared with."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, list | tuple) and any(isinstance(one, torch.Tensor) for one in value):
        return torch.stack([_tensor(one) for one in value])
    return torch.as_tensor(np.array(value))
