"""Images of noise in the form in which a family's processor gives them, and the placeholders that they need."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...families import family_of
from ...families.parts.tokens import BREAK, GLOBAL, IMAGE
from ...stock.encode import pooled_of, tower_arguments
from ...stock.protocols import Model

SIDE = 64
"""Height and width in pixels of an image, or of each of its tiles."""


def style_of(model: Model) -> str:
    """How a model takes images, by what its tower asks for."""
    names = tower_arguments(model)
    if style := family_of(model.config.model_type).style:
        return style
    styles = {
        "image_grid_thw": "grid", "image_grid_hw": "flat grid", "spatial_shapes": "padded", "target_sizes": "packed",
        "image_position_ids": "places", "qformer_input_ids": "question", "high_res_pixel_values": "twice",
        "pixel_attention_mask": "tiles",
    }  # fmt: skip
    if "image_sizes" in names:
        return "anyres" if hasattr(model.config, "image_grid_pinpoints") else "sized"
    return next((style for name, style in styles.items() if name in names), "plain")


def one_image(model: Model, style: str, number: int) -> dict[str, Tensor]:
    """Image 0, 1 or 2, of different sizes where the style allows it."""
    random = torch.Generator().manual_seed(number)
    if style in PATCHES:
        return PATCHES[style](model, random, number)
    if style == "rows":
        return {"pixel_values": _patches(model, random, (6, 8))[None]}
    if style == "anyres":
        size = [[64, 128], [100, 60], [128, 64]][number]
        return {"pixel_values": torch.randn(1, 3, 3, SIDE, SIDE, generator=random), "image_sizes": torch.tensor([size])}
    if style == "sized":
        size = [[64, 64], [64, 32], [32, 64]][number]
        return {"pixel_values": torch.randn(1, 3, SIDE, SIDE, generator=random), "image_sizes": torch.tensor([size])}
    if style == "stacked":
        return {"pixel_values": torch.randn(1, 2, 3, SIDE, SIDE, generator=random)}
    tiles = (3, 1, 2)[number] if style == "tiles" else 1
    out = {"pixel_values": torch.randn(tiles, 3, SIDE, SIDE, generator=random)}
    if style == "question":
        out["qformer_input_ids"] = torch.tensor([[3, 4, 5 + number]])
    if style == "twice":
        out["high_res_pixel_values"] = torch.randn(1, 3, SIDE, SIDE, generator=random)
    return out


def _grid(model: Model, random: torch.Generator, number: int) -> dict[str, Tensor]:
    """Rows of patches, each repeated over the frames that make one step in time."""
    vision = model.config.vision_config
    frames = getattr(vision, "temporal_patch_size", getattr(vision, "patch_temporal", 1))
    grid = torch.tensor([[[1, 8, 12], [1, 6, 4], [1, 4, 8]][number]])
    patches = torch.randn(int(grid.prod()), 3, 1, vision.patch_size, vision.patch_size, generator=random)
    square = family_of(model.config.model_type).square_patches
    out = {"pixel_values": patches.squeeze(2) if square else patches.repeat(1, 1, frames, 1, 1).flatten(1)}
    out["image_grid_thw"] = grid
    if "image_merge_sizes" in tower_arguments(model):
        out["image_merge_sizes"] = torch.tensor([2])
    return out


def _patches(model: Model, random: torch.Generator, sides: Sequence[int]) -> Tensor:
    """As many rows of patches as the image has, (patches, 3 * p * p)."""
    patch = getattr(model.config, "vision_config", model.config).patch_size
    return torch.randn(sides[0] * sides[1], 3 * patch**2, generator=random)


def _flat_grid(model: Model, random: torch.Generator, number: int) -> dict[str, Tensor]:
    sides = [[8, 12], [6, 4], [4, 8]][number]
    return {"pixel_values": _patches(model, random, sides), "image_grid_hw": torch.tensor([sides])}


def _padded(model: Model, random: torch.Generator, number: int) -> dict[str, Tensor]:
    """Rows of patches, filled up to the longest."""
    sides = [[8, 8], [6, 4], [4, 8]][number]
    rows = _patches(model, random, sides)
    mask = torch.arange(LONGEST)[None] < len(rows)
    pixels = torch.nn.functional.pad(rows, (0, 0, 0, LONGEST - len(rows)))[None]
    return {"pixel_values": pixels, "spatial_shapes": torch.tensor([sides]), "pixel_attention_mask": mask.int()}


def _packed(model: Model, random: torch.Generator, number: int) -> dict[str, Tensor]:
    """Patches side by side in one image that is one patch high."""
    sides, patch = [[8, 12], [8, 4], [4, 8]][number], model.config.vision_config.patch_size
    pixels = torch.randn(1, 3, patch, sides[0] * sides[1] * patch, generator=random)
    return {"pixel_values": pixels, "target_sizes": torch.tensor([sides], dtype=torch.int32)}


def _places(model: Model, random: torch.Generator, number: int) -> dict[str, Tensor]:
    """Rows of patches and where each stands; those that fill up stand at -1."""
    sides = [[6, 12], [6, 6], [12, 3]][number]
    rows = _patches(model, random, sides)
    places = torch.cartesian_prod(torch.arange(sides[0]), torch.arange(sides[1])).flip(1)
    fill = (0, 0, 0, MOST_PLACES - len(rows))
    pixels, places = torch.nn.functional.pad(rows, fill), torch.nn.functional.pad(places, fill, value=-1)
    return {"pixel_values": pixels[None], "image_position_ids": places[None]}


LONGEST, MOST_PLACES = 64, 72
PATCHES = {"grid": _grid, "flat grid": _flat_grid, "padded": _padded, "packed": _packed, "places": _places}
"""Styles in which an image is a set of patches."""


def placeholders(model: Model, style: str, image: dict[str, Tensor]) -> list[int]:
    """The tokens that stand for the image."""
    if model.config.model_type in family_of(model.config.model_type).row_breaks:
        height, width = (int(side) // 16 for side in image["image_sizes"][0])
        return [*[*[IMAGE] * width, BREAK] * (height - 1), *[IMAGE] * width]
    given = {name: value[None] if style == "tiles" and value.ndim == 4 else value for name, value in image.items()}
    with torch.no_grad():
        found = model.base_model.get_image_features(**given, return_dict=True)
    pooled = pooled_of(found)
    count = sum(rows.numel() // rows.shape[-1] for rows in pooled)
    if style != "tiles":
        return [IMAGE] * count
    tiles = len(image["pixel_values"])
    return [token for i in range(tiles) for token in (GLOBAL if i == tiles - 1 else BREAK, *[IMAGE] * (count // tiles))]


def batched(style: str, images: Sequence[dict[str, Tensor]], rows: Sequence[int]) -> dict[str, Tensor]:
    """The images of a batch, as the family's processor would put them together."""
    if style == "packed":
        pixels = torch.cat([image["pixel_values"] for image in images], -1)
        return {"pixel_values": pixels, "target_sizes": torch.cat([image["target_sizes"] for image in images])}
    if style != "tiles":
        return {name: torch.cat([image[name] for image in images]) for name in images[0]}
    left, prompts = list(images), []
    for row in rows:
        prompts.append(torch.cat([left.pop(0)["pixel_values"] for _ in range(row + 1)]))
    return {"pixel_values": torch.nn.utils.rnn.pad_sequence(prompts, batch_first=True)}
