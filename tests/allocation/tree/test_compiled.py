"""The kernels against the plain paths, at every kind of size."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.allocation.tree import compiled, distortion, solver
from pyrascope.allocation.tree.distortion import levels_of, recursive_distortion
from pyrascope.allocation.tree.tree import split_tree
from tolerances import near


@pytest.fixture
def no_kernels(monkeypatch):
    for name in ("recursion_by_kernels", "opponent_by_kernels"):
        monkeypatch.setattr(distortion, name, lambda *_: None)
    monkeypatch.setattr(solver, "pruning", lambda: None)


def both(image, cell, levels, weight, monkeypatch):
    by_kernels = recursive_distortion(image, cell, levels, weight)
    with monkeypatch.context() as patch:
        for name in ("recursion_by_kernels", "opponent_by_kernels"):
            patch.setattr(distortion, name, lambda *_: None)
        return by_kernels, recursive_distortion(image, cell, levels, weight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_distortion_equals_the_torch_path(dtype, channels, weighted, monkeypatch):
    assert compiled.pruning() is not None

    @settings(max_examples=25, deadline=None)
    @given(st.integers(1, 67), st.integers(1, 67), st.integers(1, 9), st.integers(0, 99))
    def check(h, w, cell, seed):
        image = noise(channels, h, w, dtype=dtype, seed=seed)
        weight = noise(5, 4, dtype=torch.float64, seed=seed + 1) if weighted else None
        levels = levels_of(split_tree(((-(-h // cell), -(-w // cell)),), 4), 0)
        found, expected = both(image, cell, levels, weight, monkeypatch)
        assert found.keys() == expected.keys()
        for level, sums in expected.items():
            near(found[level], sums, size=h * w, dtype=dtype)  # squares of pixels from 0 to 1, summed

    check()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=3),
    st.sampled_from([1, 2, 4]),
    st.floats(0, 3),
    st.integers(0, 99),
)
def test_pruning_equals_the_vectorised_sweep(grids, aspect, price, seed):
    tree = split_tree(tuple(grids), aspect)
    values = np.random.default_rng(seed).random(tree.nodes) * 2.0**tree.area
    found = solver._prune(tree, values, price)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "pruning", lambda: None)
        expected = solver._prune(tree, values, price)
    np.testing.assert_array_equal(found.action, expected.action)
    np.testing.assert_array_equal(found.tokens[: tree.nodes], expected.tokens[: tree.nodes])
    near(found.total_distortion, expected.total_distortion, "step")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=3),
    st.sampled_from([1, 2, 4]),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_descending_equals_the_vectorised_descent(grids, aspect, price, seed):
    tree = split_tree(tuple(grids), aspect)
    values = np.random.default_rng(seed).random(tree.nodes) * 2.0**tree.area
    costs, action = np.append(values, [0.0, np.inf]), solver._prune(tree, values, price).action
    start = tree.roots, np.arange(1.0, len(tree.roots) + 1)
    nodes, scores = solver.descend(tree, costs, action, *start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "pruning", lambda: None)
        expected_nodes, expected_scores = solver.descend(tree, costs, action, *start)
    order, expected_order = np.argsort(nodes), np.argsort(expected_nodes)
    np.testing.assert_array_equal(nodes[order], expected_nodes[expected_order])
    near(scores[order], expected_scores[expected_order], "step")


def test_plans_are_as_good_without_kernels(no_kernels, monkeypatch):
    image = noise(3, 60, 90)
    without = ps.plan(image, 13, cell=8)
    monkeypatch.undo()
    with_kernels = ps.plan(image, 13, cell=8)
    np.testing.assert_array_equal(without.boxes, with_kernels.boxes)
    np.testing.assert_allclose(without.scores, with_kernels.scores, rtol=1e-3)


def test_a_failing_numba_warns_once_and_plans_all_the_same():
    code = (
        "import sys, warnings; sys.modules['numba'] = None\n"
        "import torch, pyrascope as ps\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    plans = [ps.plan(torch.rand(3, 40, 50), 5, cell=8) for _ in range(2)]\n"
        "print([p.tokens for p in plans], [str(w.message)[:45] for w in caught])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[5, 5] ['Numba does not work here (ModuleNotFoundError']"


def test_not_a_number_passes_through_the_kernels():
    image = noise(1, 40, 40)
    image[0, 5, 5] = float("nan")
    levels = levels_of(split_tree(((5, 5),), 4), 0)
    assert np.isnan(recursive_distortion(image, 8, levels, None)[1, 1][0, 0])
