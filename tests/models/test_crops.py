"""The export of plans, counted by the stock processors of transformers, made offline with their own defaults."""

import numpy as np
import pytest
import torch

import pyrascope as ps
from tolerances import near

transformers = pytest.importorskip("transformers")


def plan_of(budget, cell):
    image = np.random.default_rng(0).random((300, 420, 3)).astype(np.float32)
    image[:, 200:] = 0.5
    return image, ps.plan(image, budget, cell=cell)


@pytest.mark.parametrize("budget", [4, 11, 64, 97, 139])
@pytest.mark.parametrize("patch", [14, 16])
def test_qwen_processors_make_the_planned_tokens(budget, patch):
    processor = transformers.Qwen2VLImageProcessor(patch_size=patch)
    least, most = processor.size["shortest_edge"], processor.size["longest_edge"]
    image, plan = plan_of(budget, 2 * patch)
    crops = plan.crops(patch=2 * patch, min_pixels=least, max_pixels=most)
    grids = processor(ps.cut(image, crops), return_tensors="pt")["image_grid_thw"]
    assert [int(grid.prod()) // 4 for grid in grids] == [crop.tokens for crop in crops]
    assert int(grids.prod(1).sum()) // 4 == budget


def test_qwen3_bounds_refuse_what_they_would_enlarge():
    processor = transformers.Qwen2VLImageProcessor(patch_size=16, min_pixels=65536, max_pixels=16777216)
    image, plan = plan_of(67, 32)
    with pytest.raises(ValueError, match="such as 64, 65, 66"):
        plan.crops(32, 65536, 16777216)
    crops = plan_of(130, 32)[1].crops(32, 65536, 16777216)
    grids = processor(ps.cut(image, crops), return_tensors="pt")["image_grid_thw"]
    assert int(grids.prod(1).sum()) // 4 == 130


def test_pixels_reach_the_qwen_tower_as_they_were_cut():
    processor = transformers.Qwen2VLImageProcessor(image_mean=[0.0] * 3, image_std=[1.0] * 3)
    image, plan = plan_of(64, 28)
    crops = plan.crops()
    cut = ps.cut(image, crops)
    rows = processor(cut, return_tensors="pt")["pixel_values"]
    means = [torch.from_numpy(np.asarray(one) / 255).mean(dtype=torch.float32) for one in cut]
    parts = [part.mean() for part in rows.split([4 * crop.tokens for crop in crops])]
    near(torch.stack(parts), torch.stack(means))


@pytest.mark.parametrize(
    ("name", "options", "each", "side"),
    [
        ("CLIPImageProcessor", {"size": {"shortest_edge": 336}, "crop_size": 336}, 576, 336),
        ("SmolVLMImageProcessor", {"do_image_splitting": False, "size": {"longest_edge": 512}}, 64, 512),
        ("Gemma3ImageProcessor", {"size": {"height": 896, "width": 896}}, 256, 896),
    ],
)
def test_processors_of_fixed_counts_take_the_crops_as_they_are(name, options, each, side):
    smol = {"max_image_size": {"longest_edge": 512}} if name.startswith("Smol") else {}
    processor = getattr(transformers, name)(**options, **smol)
    image, plan = plan_of(2 * each if each < 300 else each, 8 if each > 300 else 12)
    crops = plan.crops(tokens_per_crop=each, size=side)
    pixels = processor(ps.cut(image, crops), return_tensors="pt")["pixel_values"]
    assert pixels.shape[-2:] == (side, side)
    assert pixels.shape[:-3].numel() * each == plan.tokens
