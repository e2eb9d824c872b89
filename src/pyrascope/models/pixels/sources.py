"""The source images behind a processor's output: their sizes, and canvases that are finer than the stock grid."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..._check import shorten
from ..._pictures import eight_bits, named, opaque, read_image, warn_of_orientation
from ...signal.resample import resample_rows
from ..families.parts.canvas import Canvas
from ..options import GRID, SOURCE
from ..stock.protocols import Processor
from ..stock.support import transformers

FINEST = 3
"""Most octaves by which a canvas is finer than the stock grid."""
Region = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Normalisation:
    """What a processor does to values: `(value * factor - mean) / std`, mean and std (c, 1, 1)."""

    factor: float
    mean: Tensor
    std: Tensor

    def shown(self, pixels: Tensor) -> Tensor:
        """Returns normalised pixels as values in [0, 1]."""
        return pixels.float() * self.std.to(pixels.device) + self.mean.to(pixels.device)

    def normalised(self, values: Tensor) -> Tensor:
        """Returns values in [0, 1] normalised."""
        return (values - self.mean.to(values)) / self.std.to(values)


def normalisation_of(processor: Processor | None) -> Normalisation:
    """Returns what the processor does to values; without a processor as if it took [0, 1] to [-1, 1]."""
    image: Any = getattr(processor, "image_processor", processor)
    mean = std = 0.5
    factor = 1 / 255
    if hasattr(image, "image_mean"):
        normal = getattr(image, "do_normalize", True) and image.image_mean is not None
        mean, std = (image.image_mean, image.image_std) if normal else (0.0, 1.0)
        factor = image.rescale_factor if getattr(image, "do_rescale", True) else 1.0
    turned = (torch.as_tensor(one, dtype=torch.float32).reshape(-1, 1, 1) for one in (mean, std))
    return Normalisation(factor, *turned)


def flat_images(images: Any) -> list[Any]:
    """Returns images, however nested, as one list in the order of their placeholders."""
    if isinstance(images, list | tuple):
        return [image for part in images for image in flat_images(part)]
    if isinstance(images, np.ndarray | Tensor) and images.ndim == 4:
        return list(images)
    return [] if images is None else [images]


def readable(images: Any) -> Any:
    """Returns images, however nested, as a processor is to see them: the one reading of pictures.

    A path is read upright by its EXIF orientation; a PIL image keeps its stored pixels, with a warning where these are
    not upright. Both are laid over white where they are transparent. All else, addresses too, is as it was.
    """
    if isinstance(images, list | tuple):
        return type(images)(map(readable, images))
    if isinstance(images, os.PathLike) or (isinstance(images, str) and _is_file(images)):
        return eight_bits(read_image(images))
    if not isinstance(images, Image.Image):
        return images
    warn_of_orientation(images, named(images), stacklevel=4)
    return opaque(images)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # an image as text is not a name of a file
        return False


def opened(images: Any, count: int) -> list[Any]:
    """Returns `count` flat images; paths and addresses are read.

    Raises:
        ValueError: another number of images.
    """
    flat = flat_images(readable(images))
    if len(flat) != count:
        raise ValueError(
            f"the prompts must have as many images as sources, got {count} and {len(flat)}; give those of this call"
        )
    return [transformers().image_utils.load_image(image) if isinstance(image, str) else image for image in flat]


def size_of(image: Any) -> tuple[int, int]:
    """Returns height and width in pixels of a PIL image, an array or a tensor."""
    if hasattr(image, "convert"):
        return image.height, image.width
    utils = transformers().image_utils
    height, width = utils.get_image_size(utils.to_numpy_array(image))
    return int(height), int(width)


def values_of(image: Any, factor: float) -> Tensor:
    """Returns an image as float32 (c, h, w), its values times `factor`, read as processors do."""
    utils = transformers().image_utils
    if hasattr(image, "convert"):  # its axes are known; others are guessed, as processors guess them
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() * factor
    array = utils.to_numpy_array(image)
    first = utils.infer_channel_dimension_format(array) == utils.ChannelDimension.FIRST
    values = torch.from_numpy(np.ascontiguousarray(array if first else np.moveaxis(array, -1, 0)))
    return values.float() * factor


def region_of(processor: Processor | None, canvas: Canvas, size: tuple[int, int]) -> Region:
    """Returns the part of a source of `size` that the canvas shows, in source pixels; it may reach over the border.

    That is all of it, except where the processor pads to a square or cuts out the centre.
    """
    if canvas.region is not None:
        return canvas.region
    image = getattr(processor, "image_processor", processor)
    height, width = map(float, size)
    extent = np.array([height, width])
    if canvas.views == 1 and hasattr(image, "pad_to_square") and getattr(image, "do_pad", False):
        extent[:] = max(height, width)
    edge, crop = getattr(image, "size", None) or {}, getattr(image, "crop_size", None) or {}
    resized = dict(edge) if getattr(image, "do_resize", False) else {}
    if canvas.views == 1 and getattr(image, "do_center_crop", False) and dict(crop).get("height"):
        scale: Any = 1.0
        if resized.get("shortest_edge"):
            scale = min(extent) / resized["shortest_edge"]
        elif resized.get("height"):
            scale = extent / [resized["height"], resized["width"]]
        extent = np.array([dict(crop)["height"], dict(crop)["width"]]) * scale
    corner = (np.array([height, width]) - extent) / 2
    return tuple(float(side) for side in (*corner, *(corner + extent)))  # type: ignore[return-value]


def octaves(finest: str | int, canvas: Canvas, region: Region) -> int:
    """Returns by how many octaves the canvas of a source is finer than the stock grid.

    Args:
        finest: "grid": 0; "source": so many that no pixel of the source is lost, at most `FINEST`; or their number.
        canvas: The stock canvas.
        region: What it shows, in source pixels.

    Raises:
        ValueError: something else.
    """
    if finest == GRID:
        return 0
    if finest == SOURCE:
        ratio = max((region[2] - region[0]) / canvas.pixels.shape[1], (region[3] - region[1]) / canvas.pixels.shape[2])
        return min(max(math.ceil(math.log2(ratio) - 1e-9), 0), FINEST)
    if type(finest) is int and 0 <= finest <= FINEST:
        return finest
    raise ValueError(
        f"finest must be 'grid', 'source' or a number of octaves from 0 to {FINEST}, got {shorten(finest)}"
    )


def placed(
    canvases: Sequence[Canvas], images: Any, processor: Processor | None, finest: str | int, normal: Normalisation
) -> list[Canvas]:
    """Returns the canvases with their place in the source images, and as fine as `finest` says.

    Raises:
        ValueError: another number of images, or a canvas finer than the grid without images or a processor.
    """
    if images is None:
        if finest not in (GRID, 0):
            raise ValueError(
                f"finest={finest!r} needs the source images, got none; use prepare, or pass processor= to attach and "
                "make the inputs with it inside the block"
            )
        return list(canvases)
    return [
        _placed(canvas, image, processor, finest, normal)
        for canvas, image in zip(canvases, opened(images, len(canvases)), strict=True)
    ]


def _placed(
    canvas: Canvas, image: Any, processor: Processor | None, finest: str | int, normal: Normalisation
) -> Canvas:
    size = size_of(image)
    region = region_of(processor, canvas, size)
    found = replace(canvas, size=size, region=region)
    scale = 2 ** octaves(finest, canvas, region)
    if scale == 1:
        return found
    values = values_of(image, normal.factor).to(canvas.pixels.device)
    for axis in (0, 1):
        want = canvas.pixels.shape[axis + 1] * scale
        step = (region[axis + 2] - region[axis]) / want
        centres = region[axis] + (torch.arange(want, dtype=torch.float64) + 0.5) * step
        turned = values if axis == 0 else values.transpose(1, 2).contiguous()
        values = resample_rows(turned, centres, step)
        values = values if axis == 0 else values.transpose(1, 2).contiguous()
    return replace(found, pixels=normal.normalised(values.clamp(0, 1)), scale=scale)
