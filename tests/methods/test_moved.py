"""The choice among equals does not hang on a processor: values moved by a unit in the last place, the same plan."""

import pytest
import torch

import pyrascope as ps
from moved import moved
from pictures import noise
from pyrascope.methods.droppers.sparse_vlm import density_peaks
from pyrascope.methods.named import UNAIDED
from pyrascope.methods.reducers import REDUCERS, FeatureContext, Tiles
from tolerances import near

HEIGHT, WIDTH = 112, 208


def flat():
    return torch.full((3, HEIGHT, WIDTH), 0.3)


def tiled():
    """The same square of noise again and again: every place is as good as any other."""
    return noise(3, 16, 16).repeat(1, HEIGHT // 16, WIDTH // 16)


def mirrored():
    half = noise(3, HEIGHT, WIDTH // 2)
    return torch.cat([half, half.flip(-1)], -1)


def checkered():
    rows, columns = torch.arange(HEIGHT)[:, None] // 8, torch.arange(WIDTH) // 8
    return (0.2 + 0.6 * ((rows + columns) % 2)).expand(3, -1, -1).contiguous()


def lined():
    """One row of noise, again and again."""
    return noise(3, 1, WIDTH).repeat(1, HEIGHT, 1)


def half_flat():
    return torch.cat([flat()[..., : WIDTH // 2], tiled()[..., : WIDTH // 2]], -1)


PICTURES = {kind.__name__: kind for kind in (flat, tiled, mirrored, checkered, lined, half_flat)}


def same_plan(one, other):
    assert one.boxes.tolist() == other.boxes.tolist()
    assert one.levels.tolist() == other.levels.tolist()


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("method", [kind() for kind in UNAIDED.values()], ids=lambda method: type(method).__name__)
def test_plans_do_not_see_the_last_place(method, picture):
    for dtype in (torch.float32, torch.float64):
        image = PICTURES[picture]().to(dtype)
        for budget in (23, 40):
            plan = ps.plan(image, budget, method)
            for seed in range(3):
                same_plan(ps.plan(moved(image, seed), budget, method), plan)
    if method.__class__.__name__ not in ("Uniform", "Random", "Resize", "RegionTiers"):
        weight = torch.full((HEIGHT, WIDTH), 0.7)
        plan = ps.plan(image.float(), 23, method, weight=weight)
        same_plan(ps.plan(moved(image.float(), 1), 23, method, weight=moved(weight, 2)), plan)


def repeated(kinds, columns, seed):
    """Rows (n, columns) of which many are the same."""
    draw = torch.Generator().manual_seed(seed)
    some = torch.randn(kinds, columns, generator=draw, dtype=torch.float64)
    return some[torch.randint(kinds, (3 * 35,), generator=draw)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kinds", [1, 4, 40])
@pytest.mark.parametrize("method", [kind() for kind in REDUCERS.values()], ids=repr)
def test_reducers_do_not_see_the_last_place(method, kinds, dtype):
    """Three views of 5x7 tokens: few different features, few different values of attention."""
    features, keys, query = (repeated(kinds, columns, seed).to(dtype) for seed, columns in enumerate((6, 5, 6)))
    attention, first = (repeated(kinds, 1, seed)[:, 0].abs().to(dtype) for seed in (3, 4))
    parts = {"attention": attention, "first_attention": first, "keys": keys, "query": query[:2]}
    given = {"grid": (15, 7), "tiles": Tiles(1, 2, (5, 7))}
    for budget in (7, 33, 64):
        left = method(features, budget, FeatureContext(**given, **parts))
        for seed in range(3):
            others = {name: moved(part, seed + place) for place, (name, part) in enumerate(parts.items())}
            found = method(moved(features, seed), budget, FeatureContext(**given, **others))
            assert found.kept.tolist() == left.kept.tolist()
            near(found.sizes, left.sizes, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kinds", [1, 4, 40])
def test_density_peaks_do_not_see_the_last_place(kinds, dtype):
    points = repeated(kinds, 6, 7).to(dtype)
    centres, label = density_peaks(points, 9, 5)
    for seed in range(5):
        other = density_peaks(moved(points, seed), 9, 5)
        assert other[0].tolist() == centres.tolist()
        assert other[1].tolist() == label.tolist()
