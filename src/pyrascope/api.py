"""The facade: plan, gather and render for any kind of image."""

import math
import os
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image, fromarray
from torch import Tensor

from ._check import shorten, whole_number
from .allocation.contracts.allocator import Allocator, Context, Scene
from .allocation.contracts.weight import Weight, checked_weight, described
from .allocation.export.crops import Crop
from .allocation.importance import ImportanceMap
from .allocation.plan import MAX_CELL, MAX_SIDE, Plan
from .io import ImageLike, as_tensor, patches_out, refuse_infinite
from .methods import RateDistortion
from .tokens.crops import cut_crops
from .tokens.gather import gather_patches
from .tokens.render import render_patches

FLOATS = ("float16", "bfloat16", "float32", "float64")


@overload
def plan(  # type: ignore[overload-overlap]  # a str is a path here, although it is also a sequence of str
    image: ImageLike,
    budget: int | None = None,
    method: Allocator | None = None,
    cell: int = 16,
    weight: Weight = None,
    context: Context | None = None,
) -> Plan: ...
@overload
def plan(
    image: Sequence[ImageLike],
    budget: int | None = None,
    method: Allocator | None = None,
    cell: int = 16,
    weight: Sequence[Weight] | None = None,
    context: Sequence[Context] | Context | None = None,
) -> list[Plan]: ...
def plan(image, budget=None, method=None, cell=16, weight=None, context=None):  # type: ignore[no-untyped-def]
    """Decides where exactly `budget` visual tokens go on an image, or on several images together.

    A plan of `RateDistortion` (the default) partitions the image into boxes, one a token, so that the tokens together
    show the image with the least (weighted) squared error. Every budget from 1 to ceil(h / cell) * ceil(w / cell) is
    met exactly, at every size from 1x1 up.

    Args:
        image: A path, a PIL image, an array (h, w) or (h, w, c), or a tensor (c, h, w). A list of images, or a tensor
            (b, c, h, w), is planned under one joint budget: each gets at least one token and what it gains most from.
        budget: Number of tokens in all; None for methods that choose it themselves.
        method: One of `pyrascope.methods`, or any `Allocator`; default `RateDistortion()`.
        cell: Side of a token's patch in pixels, 1 to 4096.
        weight: Importance map (h', w') of any resolution over the image, non-negative and finite: errors count that
            much. For several images a list of them (None where all places count the same).
        context: What else is known (question, fixation, ...); for several images one for all, or a list.

    Returns:
        A `Plan`, or a list of one plan an image.

    Raises:
        ValueError, TypeError: in one sentence: what was expected, what came, what to do.

    Example:
        >>> image = np.zeros((64, 96, 3), dtype=np.float32)
        >>> image[8:24, 40:56] = np.random.default_rng(0).random((16, 16, 3))
        >>> made = plan(image, budget=7)
        >>> made.tokens, made.is_partition, float(made.levels.max())
        (7, True, 2.0)
    """
    method = RateDistortion() if method is None else method
    if isinstance(method, type) or not callable(method):
        raise TypeError(f"method must be one of pyrascope.methods, made, such as RateDistortion(), got {method!r}")
    cell = whole_number(cell, "cell", 1, MAX_CELL)
    if not isinstance(image, list | tuple) and not (isinstance(image, Tensor) and image.ndim == 4):
        return _planned(method, [_scene(image, weight, context)], budget, cell)[0]
    images = list(image)
    if not images:
        raise ValueError("image must be an image or a list of at least one, got none")
    weights = _one_each(weight, len(images), "weight")
    contexts = [context] * len(images) if isinstance(context, Context) else _one_each(context, len(images), "context")
    scenes = [_scene(*parts) for parts in zip(images, weights, contexts, strict=True)]
    return _planned(method, scenes, budget, cell)


@overload
def importance_map(image: Tensor, map: ImportanceMap, cell: int = 16, context: Context | None = None) -> Tensor: ...
@overload
def importance_map(
    image: str | os.PathLike[str] | Image | NDArray[Any],
    map: ImportanceMap,
    cell: int = 16,
    context: Context | None = None,
) -> NDArray[np.float64]: ...
def importance_map(
    image: ImageLike, map: ImportanceMap, cell: int = 16, context: Context | None = None
) -> Tensor | NDArray[np.float64]:
    """Says how much each cell of an image matters, with mean 1.

    What comes out can be the `weight` of `plan`. (A weight is spread evenly over the image; where the sides are no
    multiples of the cell, `pyrascope.importance.weight_of` puts the map on its cells exactly.)

    Args:
        image: As for `plan`, one image.
        map: One of `pyrascope.importance`, or any `ImportanceMap`.
        cell: Side of a cell in pixels, 1 to 4096.
        context: What else is known (query, features, fixation, ...), for maps that need it.

    Returns:
        float64 (ceil(h / cell), ceil(w / cell)), non-negative with mean 1, all ones where no cell matters more than
        another: a tensor on the image's device for a tensor, NumPy for the others.

    Raises:
        ValueError, TypeError: in one sentence: what was expected, what came, what to do.

    Example:
        >>> from pyrascope.allocation.importance import BandEnergy
        >>> image = np.zeros((32, 48), dtype=np.float32)
        >>> image[4:12, 20:28] = np.eye(8)
        >>> importance_map(image, BandEnergy(levels=1)).round(3)
        array([[0., 6., 0.],
               [0., 0., 0.]])
    """
    if isinstance(map, type) or not callable(map):
        raise TypeError(f"map must be one of pyrascope.importance, made, such as Saliency(), got {shorten(map)}")
    cell = whole_number(cell, "cell", 1, MAX_CELL)
    scene = _scene(image, None, context)
    refuse_infinite(scene.image)
    found = map(scene, cell)
    return found.to(scene.image.device) if isinstance(image, Tensor) else found.numpy()


@overload
def gather(image: Tensor, plan: Plan) -> Tensor: ...
@overload
def gather(image: str | os.PathLike[str] | Image | NDArray[Any], plan: Plan) -> NDArray[np.floating]: ...
def gather(image: ImageLike, plan: Plan) -> Tensor | NDArray[np.floating]:
    """Cuts the patch of every token of a plan from its image, without aliasing.

    A token at level 0 is the image's own pixels, bit for bit, so the full uniform plan is ViT patchify. A coarser
    token is read from a sharp level (Lanczos-3): a grating at 1.5 times the Nyquist rate of its token or above keeps
    less than 2 % of its amplitude. What lies beyond the border repeats the edge.

    Args:
        image: As for `plan`; of the size that the plan is for. Differentiable where it is a tensor.
        plan: From `pyrascope.plan`.

    Returns:
        (n, c, cell, cell) torch for a tensor, (n, cell, cell, c) NumPy for the others, in the image's float type.

    Raises:
        ValueError: the image is of another size than the plan's.

    Example:
        >>> image = torch.arange(16.0).reshape(1, 4, 4)
        >>> from pyrascope.methods import Uniform
        >>> gather(image, plan(image, budget=4, method=Uniform(), cell=2))[1]
        tensor([[[2., 3.],
                 [6., 7.]]])
    """
    _need_plan(plan)
    tensor, layout = as_tensor(image, finite=False)
    patches = gather_patches(_wide(tensor), plan)
    if not math.isfinite(patches.detach().sum()):
        refuse_infinite(tensor)
    return patches_out(patches.to(tensor.dtype), layout)


@overload
def render(plan: Plan, tokens: Tensor) -> Tensor: ...
@overload
def render(plan: Plan, tokens: NDArray[np.floating]) -> NDArray[np.floating]: ...
def render(plan: Plan, tokens: Tensor | NDArray[np.floating]) -> Tensor | NDArray[np.floating]:
    """Paints the tokens back to an image of the source's size: what a model that has only the tokens could see.

    Args:
        plan: From `pyrascope.plan`.
        tokens: From `gather`: (n, c, cell, cell) torch, or (n, cell, cell, c) NumPy.

    Returns:
        (c, h, w) torch or (h, w, c) NumPy ((h, w) where c is 1), in the type of `tokens`; 0 where no box is. Values
        may leave [0, 1] a little, as with any sharp interpolation.

    Raises:
        ValueError: the tokens are not those of this plan by shape.

    Example:
        >>> image = np.random.default_rng(0).random((48, 64, 3))
        >>> full = plan(image, budget=12)
        >>> bool((abs(render(full, gather(image, full)) - image) < 1e-12).all())
        True
    """
    _need_plan(plan)
    torch_in = isinstance(tokens, Tensor)
    order = "(n, c, cell, cell)" if torch_in else "(n, cell, cell, c)"
    expected = f"tokens must be {order} floats of {plan.tokens} tokens of cell {plan.cell}"
    if not isinstance(tokens, Tensor | np.ndarray):
        raise TypeError(f"{expected}, got {shorten(tokens)}; take them from gather(image, plan)")
    shape = tuple(tokens.shape) if torch_in or tokens.ndim != 4 else tuple(tokens.shape[axis] for axis in (0, 3, 1, 2))
    floats = str(tokens.dtype.name if isinstance(tokens, np.ndarray) else tokens.dtype).removeprefix("torch.")
    if len(shape) != 4 or (shape[0], *shape[2:]) != (plan.tokens, plan.cell, plan.cell) or floats not in FLOATS:
        raise ValueError(f"{expected}, got {described(tokens)}; take them from gather(image, plan)")
    if isinstance(tokens, np.ndarray):
        native = tokens.dtype.newbyteorder("=")
        patches = torch.from_numpy(np.array(tokens.transpose(0, 3, 1, 2), dtype=native, order="C"))
    else:
        patches = tokens
    shown = render_patches(plan, _wide(patches)).to(patches.dtype)
    if isinstance(tokens, Tensor):
        return shown
    array = shown.permute(1, 2, 0).numpy()
    return array[:, :, 0] if array.shape[2] == 1 else array


@overload
def cut(image: Tensor, crops: Sequence[Crop]) -> list[Tensor]: ...
@overload
def cut(image: str | os.PathLike[str] | Image | NDArray[Any], crops: Sequence[Crop]) -> list[Image]: ...
def cut(image: ImageLike, crops: Sequence[Crop]) -> list[Tensor] | list[Image]:
    """Cuts the images that `Plan.crops` names, ready for a stock processor or a server.

    Pixels are resampled sharply and without aliasing (Lanczos-3); a crop of the size of its box keeps the source's
    pixels as they are.

    Args:
        image: As for `plan`, of the size that the plan is for.
        crops: From `Plan.crops`.

    Returns:
        For a tensor: tensors (c, h, w) of its floating type, differentiable in it. For the others: PIL images of 8
        bits, values outside [0, 1] clipped.

    Raises:
        ValueError: a crop reaches beyond the image.

    Example:
        >>> image = np.zeros((64, 96, 3), np.uint8)
        >>> [one.size for one in cut(image, plan(image, budget=7, cell=16).crops())]
        [(48, 32), (16, 16)]
    """
    tensor, _ = as_tensor(image)
    out = [one.to(tensor.dtype) for one in cut_crops(_wide(tensor), crops)]
    return out if isinstance(image, Tensor) else [_picture(one) for one in out]


def _picture(image: Tensor) -> Image:
    """A tensor (c, h, w) in [0, 1] as a PIL image: grey where c is 1."""
    array = (image.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def _one_each(values: object, count: int, name: str) -> list[Any]:
    """Returns one value an image: `values` if it is a list of that length, or Nones for None."""
    if values is None:
        return [None] * count
    if not isinstance(values, list | tuple) or len(values) != count:
        raise ValueError(f"{name} must be a list with one entry for each of the {count} images, got {shorten(values)}")
    return list(values)


def _planned(method: Allocator, scenes: list[Scene], budget: int | None, cell: int) -> list[Plan]:
    """The plans of a method for finite images.

    `RateDistortion` finds by itself what is not finite, since it compares every pixel, if it has anything to compare;
    to read a large image once more to check it would be a tenth of its work.
    """
    if not isinstance(method, RateDistortion) or any(max(scene.size) <= cell for scene in scenes):
        for scene in scenes:
            refuse_infinite(scene.image)
    try:
        return method(scenes, budget, cell)
    except ValueError:
        for scene in scenes:
            refuse_infinite(scene.image)
        raise


def _scene(image: ImageLike, weight: Weight, context: Context | None) -> Scene:
    tensor, _ = as_tensor(image, finite=False)
    if max(tensor.shape[-2:]) > MAX_SIDE:
        raise ValueError(f"image sides must be at most {MAX_SIDE} px, got {tuple(tensor.shape[-2:])}; cut it up")
    if not isinstance(context, Context | None):
        raise TypeError(f"context must be a pyrascope.Context, got {shorten(context)}")
    return Scene(_wide(tensor), checked_weight(weight, tensor), context or Context())


def _wide(tensor: Tensor) -> Tensor:
    """Half types are computed in float32."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _need_plan(plan: object) -> None:
    if not isinstance(plan, Plan):
        raise TypeError(f"plan must be a pyrascope Plan, got {shorten(plan)}; make one with pyrascope.plan")
