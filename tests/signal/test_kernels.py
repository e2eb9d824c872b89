"""The compiled kernels: equal to the torch path, differentiable, indifferent to layout and threads, dispensable."""

import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from dense_filters import expand_matrix, reduce_matrix
from pyrascope.signal import backend
from pyrascope.signal.boundary import MODES
from pyrascope.signal.filters import expand, reduce
from pyrascope.signal.gaussian import gaussian_pyramid
from pyrascope.signal.kernels import autograd
from pyrascope.signal.kernels.operators import Operator
from pyrascope.signal.laplacian import laplacian_pyramid, laplacian_reconstruct
from tolerances import near

TYPES = (torch.float32, torch.float64)
SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (1, 6), (5, 4), (9, 9), (8, 7)]
OPERATORS = [(kind, down) for kind in ("reduce", "expand") for down in (True, False)]


def noise(*shape, dtype=torch.float64, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def everything(x, mode, size):
    coarse = reduce(x, mode)
    bands = laplacian_pyramid(x, 4, mode)
    image = laplacian_reconstruct(bands, mode)
    return [coarse, expand(coarse, size, mode), *gaussian_pyramid(x, 4, mode), *bands, image]


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(1, 67), st.integers(1, 67)),
    leading=st.sampled_from([(), (1,), (3,), (2, 3), (0,), (2, 0)]),
    mode=st.sampled_from(MODES),
    dtype=st.sampled_from(TYPES),
)
def test_kernels_equal_torch(size, leading, mode, dtype):
    x = noise(*leading, *size, dtype=dtype)
    with backend.use("numba"):
        ours = everything(x, mode, size)
    with backend.use("torch"):
        theirs = everything(x, mode, size)
    near(ours, theirs, size=1)
    assert all(y.is_contiguous() for y in ours)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "down"), OPERATORS)
def test_operators_and_adjoints_equal_the_dense_matrices(kind, down, size, mode):
    matrices = [(reduce_matrix if kind == "reduce" else expand_matrix)(n, mode) for n in size]
    if down != (kind == "reduce"):
        matrices = [matrix.T for matrix in matrices]
    x = noise(2, *(matrix.shape[1] for matrix in matrices))
    expected = torch.from_numpy(matrices[0]) @ x @ torch.from_numpy(matrices[1]).T
    operator = Operator(kind, down, size, mode)
    near(autograd.linear(x, operator), expected)
    near(operator.in_torch(x), expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("kind", "down"), OPERATORS)
def test_adjoint_has_the_same_inner_products(kind, down, dtype, mode):
    for size in [(1, 1), (2, 3), (33, 47), (64, 48), (31, 200)]:
        operator = Operator(kind, down, size, mode)
        x, y = noise(3, *operator.adjoint.size, dtype=dtype), noise(3, *operator.size, dtype=dtype, seed=1)
        left = (autograd.linear(x, operator).double() * y).sum()
        right = (autograd.linear(y, operator.adjoint).double() * x).sum()
        near(left, right, dtype=dtype)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, while it imports its decompositions
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 5), (4, 6)])
def test_gradients_of_three_levels_to_second_order(size, mode):
    x = noise(2, *size).requires_grad_()
    with backend.use("numba"):
        bands = [band.detach().requires_grad_() for band in laplacian_pyramid(x, 3, mode)]
        coarse = reduce(x, mode).detach().requires_grad_()
        for function, inputs in [
            (lambda x: tuple(level**3 for level in gaussian_pyramid(x, 3, mode)), (x,)),
            (lambda x: tuple(band**3 for band in laplacian_pyramid(x, 3, mode)), (x,)),
            (lambda *bands: laplacian_reconstruct(bands, mode) ** 3, bands),
            (lambda y: expand(y, size, mode) ** 3, (coarse,)),
        ]:
            assert torch.autograd.gradcheck(function, inputs, check_batched_grad=True)
            assert torch.autograd.gradgradcheck(function, inputs)


def test_gradients_equal_those_of_torch():
    grads = []
    for name in ("numba", "torch"):
        x = noise(2, 41, 64).requires_grad_()
        with backend.use(name):
            loss = sum(band.abs().sum() for band in laplacian_pyramid(x, 4))
        grads.append(torch.autograd.grad(loss, x)[0])
    near(*grads, "step")


def test_gradients_of_some_bands_only():
    *bands, residual = (band.detach() for band in laplacian_pyramid(noise(9, 7), 3))
    residual.requires_grad_()
    with backend.use("numba"):
        laplacian_reconstruct([*bands, residual]).sum().backward()
        x = noise(9, 7).requires_grad_()
        laplacian_pyramid(x, 3)[0].sum().backward()
    assert residual.grad.shape == residual.shape
    assert x.grad.shape == x.shape


def test_any_layout_and_kind():
    x = noise(21, 18)
    wide = torch.zeros(21, 36, dtype=torch.float64)
    wide[:, ::2] = x
    locked = x.numpy().copy()
    locked.flags.writeable = False
    arrays = [np.asfortranarray(x.numpy()), x.numpy()[::-1, ::-1].copy()[::-1, ::-1], locked, x.numpy().astype(">f8")]
    tensors = [x.T.contiguous().T, wide[:, ::2], torch.nn.Parameter(x), (-1j * x).conj().imag.mul(1).resolve_neg()]
    tensors.append(torch.complex(torch.zeros_like(x), -x).conj().imag)  # negated when it is read
    with backend.use("numba"):
        expected = everything(x, "reflect", (21, 18))
        for layout in arrays:
            before = layout.copy()
            ours = everything(layout, "reflect", (21, 18))
            assert_close([torch.from_numpy(y) for y in ours[:2]], expected[:2], rtol=0, atol=0)
            np.testing.assert_array_equal(ours[-1], expected[-1])
            np.testing.assert_array_equal(layout, before)
        for layout in tensors:
            assert_close([y.detach() for y in everything(layout, "reflect", (21, 18))], expected, rtol=0, atol=0)
        moved = laplacian_pyramid(noise(21, 18, 3), 3, channel_axis=-1)
        near(laplacian_reconstruct(moved, channel_axis=-1), noise(21, 18, 3))


def test_input_is_left_alone():
    x = noise(2, 40, 51)
    before = x.clone()
    with backend.use("numba"):
        results = everything(x, "circular", (40, 51))
    assert_close(x, before, rtol=0, atol=0)
    assert not [y for y in results if y is not x and y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()]


@pytest.mark.parametrize("shape", [(1025, 1033), (3, 700, 701), (2, 3, 513, 512)])
@pytest.mark.parametrize("mode", MODES)
def test_threads_change_no_bit(shape, mode):
    x = noise(*shape, dtype=torch.float32)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            with backend.use("numba"):
                results.append(everything(x, mode, shape[-2:]))
    finally:
        torch.set_num_threads(threads)
    assert_close(results[1], results[0], rtol=0, atol=0)
    assert_close(results[2], results[0], rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(700, 701), (24, 128, 129), (3, 300, 301)])
def test_memory_of_a_laplacian_build_is_that_of_its_bands(shape):
    x = noise(*shape, dtype=torch.float32).numpy()
    laplacian_pyramid(x, 5)
    tracemalloc.start()
    try:
        bands = laplacian_pyramid(x, 5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    returned = sum(band.nbytes for band in bands)
    assert returned <= peak <= 1.05 * returned


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (0, 4, 4), (2, 3, 41, 67)])
def test_integers_are_scaled_as_in_torch_in_every_layout(shape, dtype):
    codes = torch.from_numpy(np.random.default_rng(0).integers(0, 2**16, shape).astype(str(dtype)[6:]))
    flipped = codes.numpy()[..., ::-1, :].copy()[..., ::-1, :]
    locked = codes.numpy().copy()
    locked.flags.writeable = False
    foreign = codes.numpy().astype(codes.numpy().dtype.newbyteorder())
    with backend.use("torch"):
        expected = everything(codes, "reflect", shape[-2:])
    with backend.use("numba"):
        for given in (codes, codes.mT.contiguous().mT, flipped, locked, foreign, np.asfortranarray(codes.numpy())):
            ours = [torch.as_tensor(y) for y in everything(given, "reflect", shape[-2:])]
            near(ours, expected, size=1)
            assert_close(ours[2], expected[2], rtol=0, atol=0)


def test_short_rows_from_memory_give_the_bits_of_short_rows_from_cache():
    x = noise(5, 300, 700, dtype=torch.float32)  # together more than a cache holds, one by one not
    with backend.use("numba"):
        assert_close(reduce(x), torch.stack([reduce(plane) for plane in x]), rtol=0, atol=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_nan_and_infinity_pass_as_in_torch(mode, value):
    for place in [(0, 0), (6, 7), (14, 12)]:
        x = noise(15, 13)
        x[place] = value
        with backend.use("numba"):
            ours = everything(x, mode, (15, 13))
        with backend.use("torch"):
            theirs = everything(x, mode, (15, 13))
        near([y.isfinite() for y in ours], [y.isfinite() for y in theirs], "same")


def test_auto_takes_kernels_for_large_images_and_torch_for_what_only_torch_can():
    side = int(backend.SMALLEST**0.5)
    assert backend.kernels(torch.ones(side, side), side**2) is autograd
    assert backend.kernels(torch.ones(side - 1, side), side * (side - 1)) is None
    with backend.use("torch"):
        assert backend.kernels(torch.ones(side, side), side**2) is None
    with backend.use("numba"):
        assert backend.kernels(torch.ones(1, 1), 1) is autograd
        assert backend.kernels(torch.ones(2, 2, device="meta"), 4) is None
        assert backend.kernels(torch.ones(2, 2).half(), 4) is None
        for transform in (torch.func.vmap, torch.func.grad):
            torch.func.vmap(lambda x: near(backend.takes(x), False, "same") or x)(torch.ones(2, 3, 3))
            transform(lambda x: near(backend.takes(x), False, "same") or x.sum())(torch.ones(2, 3, 3))
    with (
        pytest.raises(ValueError, match="backend must be one of 'auto', 'numba', 'torch', got 'cuda'"),
        backend.use("cuda"),
    ):
        pass


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, while it imports its decompositions
def test_transforms_and_half_types_agree():
    x = noise(4, 9, 11)
    with backend.use("numba"):
        loop = [torch.stack(bands) for bands in zip(*(laplacian_pyramid(i, 3) for i in x), strict=True)]
        near(list(torch.func.vmap(lambda i: laplacian_pyramid(i, 3))(x)), loop)
        value, tangent = torch.func.jvp(lambda x: laplacian_pyramid(x, 3)[0], (x,), (x,))
        near([value, tangent], [loop[0], loop[0]])
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(x, x)
            tangent = torch.autograd.forward_ad.unpack_dual(reduce(dual)).tangent
        near(tangent, reduce(x), "step")
        half = x.to(torch.bfloat16)
        assert_close(reduce(half), reduce(half.float()).to(torch.bfloat16), rtol=0, atol=0)


@pytest.fixture
def broken_numba(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pyrascope.signal.kernels")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(sys.modules["pyrascope.signal"], "kernels")
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(backend, "_failures", [])
    backend.loaded.cache_clear()
    yield
    backend.loaded.cache_clear()


@pytest.mark.usefixtures("broken_numba")
def test_without_numba_torch_takes_over_after_one_warning():
    x = noise(20, 30)
    with warnings.catch_warnings(record=True) as caught, backend.use("numba"):
        warnings.simplefilter("always")
        ours = everything(x, "reflect", (20, 30)) + everything(x.float(), "reflect", (20, 30))
    assert [w.category for w in caught] == [RuntimeWarning]
    assert "Numba does not work here (ModuleNotFoundError" in str(caught[0].message)
    with backend.use("torch"):
        theirs = everything(x, "reflect", (20, 30)) + everything(x.float(), "reflect", (20, 30))
    assert_close(ours, theirs, rtol=0, atol=0)


def test_numba_is_imported_on_first_use_only_and_says_nothing():
    code = (
        "import sys, torch, pyrascope as ps; ps.reduce(torch.ones(9, 9)); assert 'numba' not in sys.modules;"
        "ps.reduce(torch.ones(300, 300)); assert 'numba' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
