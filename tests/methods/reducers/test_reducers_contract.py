"""One contract for all methods of the features site: `REDUCERS` is the list, so a new one is tested by being named."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pyrascope.methods.reducers import REDUCERS, FeatureContext, Tiles, VisionZip, reducer_from
from tolerances import near

EVERY = [*(kind() for kind in REDUCERS.values()), VisionZip(merge="mean"), ps.reducers.ToMe(step=2)]
CONSERVING = [
    method
    for method in EVERY
    if isinstance(method, ps.reducers.ToMe | ps.reducers.Pool | ps.reducers.Resize) or method == VisionZip(merge="mean")
]
CHOOSING = [
    ps.reducers.Random(),
    ps.reducers.DivPrune(),
    ps.reducers.DART(),
    ps.reducers.FasterVLM(),
    ps.reducers.HiRED(),
    ps.reducers.PyramidTokenPruning(),
    ps.reducers.CDPruner(),
]
"""Those that return tokens as they were."""
ORDERLESS = [*CHOOSING[1:4], *CHOOSING[5:], ps.reducers.PruMerge(), ps.reducers.PruMerge(neighbours=2)]
"""Those whose choice does not depend on the order of the tokens (HiRED's: within a tile)."""


def scene(rows, columns, d=6, tiles=(1, 1), seed=0, dtype=torch.float32):
    """Features of (1 + tiles) views of rows x columns cells, and all that may be known of them."""
    draw = torch.Generator().manual_seed(seed)
    views = Tiles(*tiles, (rows, columns))
    n = views.tokens
    known = FeatureContext(
        grid=(n // columns, columns),
        attention=torch.rand(n, generator=draw, dtype=dtype),
        first_attention=torch.rand(n, generator=draw, dtype=dtype),
        keys=torch.randn(n, 5, generator=draw, dtype=dtype),
        query=torch.randn(2, d, generator=draw, dtype=dtype),
        tiles=views,
    )
    return torch.randn(n, d, generator=draw, dtype=dtype), known


def same(one, other):
    for name in ("kept", "features", "sizes", "positions"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0)


@pytest.mark.parametrize("method", EVERY, ids=repr)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 4)])
def test_every_budget_is_met_exactly(method, shape):
    features, known = scene(*shape)
    for budget in range(1, len(features) + 1):
        left = method(features, budget, known)
        assert left.kept.dtype == torch.int64
        assert left.kept.shape == (budget,)
        assert bool((left.kept.diff() > 0).all())
        assert 0 <= int(left.kept[0]) <= int(left.kept[-1]) < len(features)
        assert left.features.shape == (budget, features.shape[1])
        assert (left.features.dtype, left.sizes.dtype) == (features.dtype, torch.float64)
        assert left.sizes.shape == (budget,)
        assert bool((left.sizes > 0).all())
        assert left.positions.shape == (budget, 2)
        assert bool(left.features.isfinite().all())
        same(left, method(features, budget, known))


@given(st.sampled_from(EVERY), st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(0, 99), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_full_budget_changes_nothing(method, shape, seed, half):
    features, known = scene(*shape, seed=seed, dtype=torch.bfloat16 if half else torch.float64)
    left = method(features, len(features), known)
    torch.testing.assert_close(left.features, features, rtol=0, atol=0)
    near(left.kept, torch.arange(len(features)), "same")
    torch.testing.assert_close(left.sizes, torch.ones(len(features), dtype=torch.float64), rtol=0, atol=0)
    near(left.positions[-1].tolist(), [known.grid[0] - 0.5, known.grid[1] - 0.5], "step")


@given(st.sampled_from(CONSERVING), st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(0, 99), st.data())
@settings(max_examples=80, deadline=None)
def test_merging_conserves_the_mass_and_its_centre(method, shape, seed, data):
    features, known = scene(*shape, seed=seed, dtype=torch.float64)
    fewest = 7 if isinstance(method, VisionZip) else 1  # below, it has no contextual token
    left = method(features, data.draw(st.integers(min(fewest, len(features)), len(features))), known)
    if len(features) < fewest:
        return
    near(left.sizes.sum().item(), float(len(features)), "step")
    near((left.sizes[:, None] * left.features).sum(0), features.sum(0))
    middle = (left.sizes[:, None] * left.positions).sum(0) / left.sizes.sum()
    near(middle.tolist(), [known.grid[0] / 2, known.grid[1] / 2], "step")


@pytest.mark.parametrize("method", CHOOSING, ids=repr)
def test_tokens_that_are_chosen_stay_as_they_were(method):
    features, known = scene(3, 4, tiles=(2, 1))
    left = method(features, 17, known)
    torch.testing.assert_close(left.features, features[left.kept], rtol=0, atol=0)
    cells = torch.stack([left.kept // 4, left.kept % 4], 1) + 0.5
    near(left.positions, cells.double(), "step")


@pytest.mark.parametrize("method", ORDERLESS, ids=repr)
@pytest.mark.parametrize("budget", [1, 5, 12, 23])
def test_the_order_of_the_tokens_does_not_matter(method, budget):
    features, known = scene(3, 4, d=40)
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(7))
    moved = FeatureContext(
        attention=known.attention[order],
        keys=known.keys[order],
        query=known.query,
        tiles=known.tiles.numbers()[order],
    )
    before = method(features, budget, known)
    after = method(features[order], budget, moved)
    back = order[after.kept].argsort()
    near(order[after.kept][back], before.kept, "same")
    near(after.features[back], before.features, "step")


@pytest.mark.parametrize("method", EVERY, ids=repr)
def test_gradients_flow_to_what_is_kept(method):
    features, known = scene(3, 4)
    features.requires_grad_()
    left = method(features, 7, known)
    (left.features * left.sizes[:, None]).sum().backward()
    reached = features.grad.abs().sum(1) > 0
    assert bool(reached[left.kept].all())
    if method in CONSERVING:
        assert bool(reached.all())


@pytest.mark.parametrize("method", EVERY, ids=repr)
def test_an_image_of_a_batch_is_as_alone(method):
    features, known = scene(3, 4)
    batch = torch.stack([features + 1, features, -features], 1)
    same(method(batch[:, 1], 9, known), method(features, 9, known))


@pytest.mark.parametrize("method", EVERY, ids=repr)
def test_what_a_method_names_is_what_it_needs(method):
    features, known = scene(2, 3, tiles=(1, 2))
    uses = getattr(method, "uses", frozenset())
    enough = FeatureContext(**{name: getattr(known, name) for name in method.needs})
    assert len(method(features, 3, enough).kept) == 3
    for name in method.needs:
        with pytest.raises(ValueError, match=f"{type(method).__name__}.* needs {name}"):
            method(features, 3, FeatureContext(**{**vars(enough), name: None}))
    fuller = FeatureContext(**{name: getattr(known, name) for name in {*method.needs, *uses, "grid"}})
    same(method(features, 3, fuller), method(features, 3, known))  # nothing else is looked at


@pytest.mark.parametrize("method", EVERY, ids=repr)
def test_a_string_rebuilds_the_method(method):
    assert reducer_from(repr(method)) == method


@pytest.mark.parametrize("name", REDUCERS)
def test_names_name_classes(name):
    assert type(reducer_from(name)) is REDUCERS[name]
    assert getattr(ps.reducers, REDUCERS[name].__name__) is REDUCERS[name]


def test_input_that_does_not_fit_is_refused():
    features, known = scene(2, 3)
    pool = ps.reducers.Pool()
    for bad, message in [
        (features[0], "features must be floats of shape"),
        (features.long(), "features must be floats of shape"),
        (features * torch.nan, "must be finite"),
        (features[:5], "grid must be of the 5 visual tokens, got 12"),
        (features[:, :3], "query must be as wide as the features"),
    ]:
        context = FeatureContext(query=known.query) if "query" in message else known
        with pytest.raises(ValueError, match=message):
            pool(bad, 2, context)
    for budget in (0, 13):
        with pytest.raises(ValueError, match="budget must be a whole number from 1 to 12"):
            pool(features, budget, known)
    with pytest.raises(TypeError, match="budget must be a whole number"):
        pool(features, 2.0, known)
    for bad in ({"attention": -torch.ones(3)}, {"tiles": torch.ones(3)}, {"grid": (0, 3)}, {"keys": torch.ones(3)}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))}"):
            FeatureContext(**bad)
    with pytest.raises(ValueError, match="HiRED needs tiles as Tiles or Views"):
        ps.reducers.HiRED()(features, 2, FeatureContext(attention=known.attention))
    with pytest.raises(ValueError, match="did you mean div-prune"):
        reducer_from("divprune")
