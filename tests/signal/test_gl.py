"""glGenerateMipmap against the CPU path, on whatever OpenGL there is (Mesa's software renderer on CI)."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

import pyrascope as ps
from pictures import noise, photo
from pyrascope.signal.gl import OpenGL
from pyrascope.signal.texture import TextureStack

SIZES = st.tuples(st.integers(1, 130), st.integers(1, 130))


@pytest.fixture(scope="module")
def gl():
    try:
        opened = OpenGL()
    except (ImportError, RuntimeError) as error:
        pytest.skip(str(error))
    with opened:
        yield opened


def tolerance(gl, shape, dtype=torch.float32):
    """What the docstring of `OpenGL.mipmap` promises; graphics cards may round weights to 8 bits."""
    longer = max(shape[-2:])
    whole = all(side & (side - 1) == 0 for side in shape[-2:])
    software = "llvmpipe" in gl.renderer or "softpipe" in gl.renderer
    fine = 2**-23 if whole else longer * 2**-22 if software else 2**-7
    return fine + (0 if dtype == torch.float32 else longer.bit_length() * 2**-11)


def same(gl, x, levels=None):
    ours, theirs = ps.mipmap(x, levels), gl.mipmap(x, levels)
    assert len(ours) == len(theirs)
    for plain, made in zip(ours, theirs, strict=True):
        assert_close(made, plain, rtol=0, atol=tolerance(gl, x.shape, x.dtype))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=SIZES, channels=st.integers(1, 5), seed=st.integers(0, 2**31))
def test_levels_equal_those_of_the_cpu(gl, size, channels, seed):
    same(gl, noise(channels, *size, seed=seed))


@pytest.mark.parametrize("layers", [40, 48])
@pytest.mark.parametrize("size", [(512, 512), (211, 300)])
def test_a_texture_array_of_many_layers(gl, layers, size):
    same(gl, noise(layers, *size))


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (1, 40), (41, 1), (3, 700), (1, 16384)])
def test_thin_images(gl, size):
    same(gl, noise(2, *size))


def test_a_photograph(gl):
    same(gl, photo())


def test_integers_are_the_box_bit_for_bit(gl):
    x = (noise(1, 64, 64) * 255).round()
    for level, made in enumerate(gl.mipmap(x)):
        assert torch.equal(made, torch.nn.functional.avg_pool2d(x, 2**level))


@pytest.mark.parametrize("size", [(64, 32), (7, 5), (33, 6)])
def test_half_floats(gl, size):
    same(gl, noise(3, *size, dtype=torch.float16))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float16])
@pytest.mark.parametrize("axis", [0, -1])
def test_arrays_and_channel_axes(gl, dtype, axis):
    full = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    x = np.moveaxis((noise(3, 20, 33).numpy() * full).astype(dtype), 0, axis)
    x = x[::-1] if axis == -1 else x
    ours, theirs = ps.mipmap(x, channel_axis=axis), gl.mipmap(x, channel_axis=axis)
    for plain, made in zip(ours, theirs, strict=True):
        assert made.dtype == plain.dtype
        promised = tolerance(gl, (20, 33), torch.float16 if dtype == np.float16 else torch.float32)
        np.testing.assert_allclose(made, plain, rtol=0, atol=promised)
    assert np.shares_memory(theirs[0], x) == np.shares_memory(ours[0], x)


@pytest.mark.parametrize("lead", [(), (2,), (2, 3), (0,), (2, 0)])
@pytest.mark.parametrize("levels", [None, 1, 2, 3, 9])
def test_any_leading_axes_and_levels(gl, lead, levels):
    same(gl, noise(*lead, 16, 4), levels)


def test_level_0_is_the_tensor_itself_and_strides_do_not_matter(gl):
    x = noise(4, 32, 16).transpose(1, 2)
    made = gl.mipmap(x)
    assert made[0] is x
    assert_close(made[1], ps.mipmap(x)[1], rtol=0, atol=2**-23)


def test_the_default_type_does_not_matter(gl):
    torch.set_default_dtype(torch.float64)
    try:
        same(gl, noise(2, 16, 16))
    finally:
        torch.set_default_dtype(torch.float32)


# --- stacks ---


def stack(size, dtype=torch.float32):
    """40 channels of all kinds, as a picture has them: colour, place, classes, distance, embedding."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = ((torch.arange(side, dtype=dtype) + 0.5) / side for side in size)
    hot = torch.nn.functional.one_hot(torch.randint(0, 6, size, generator=generator), 6).movedim(-1, 0)
    embedding = torch.randn(16, *size, generator=generator)
    return TextureStack.from_channels(
        {
            "rgb": (noise(3, *size, dtype=dtype), "value"),
            "filters": (noise(10, *size, seed=1, dtype=dtype), "value"),
            "place": (torch.stack(torch.meshgrid(rows, columns, indexing="ij")), "value"),
            "cluster": (torch.randint(-3, 4, size, generator=generator), "label"),
            "part": (torch.randint(0, 9, size, generator=generator), "label"),
            "class": (hot.to(dtype), "onehot"),
            "distance": (noise(*size, seed=2, dtype=dtype) * 8, "distance"),
            "clip": (torch.nn.functional.normalize(embedding, dim=0).to(dtype), "embedding"),
        }
    )  # fmt: skip


@pytest.mark.parametrize("size", [(64, 128), (33, 47), (1, 9)])
def test_a_stack_has_the_rule_of_each_kind(gl, size):
    given = stack(size)
    assert len(given.data) == 40
    ours, theirs = given.mipmap(), given.mipmap(mean=gl.halve)
    for plain, made in zip(ours, theirs, strict=True):
        for name in ("cluster", "part"):
            assert torch.equal(made[name], plain[name])
        for name in ("rgb", "filters", "place", "class", "distance"):
            assert_close(made[name], plain[name], rtol=0, atol=8 * tolerance(gl, size))
        assert_close(made["clip"], plain["clip"], rtol=0, atol=1e-3)  # short means make long errors


def test_means_of_a_whole_stack_in_one_call(gl):
    given = stack((64, 64))
    levels = gl.mipmap(given.data)
    for number, (made, plain) in enumerate(zip(levels, given.mipmap(), strict=True)):
        coarse = TextureStack(made, given.groups)
        for name in ("rgb", "filters", "place", "class"):
            assert_close(coarse[name], plain[name], rtol=0, atol=8 * tolerance(gl, (64, 64)))
        assert_close(coarse["distance"] / 2**number, plain["distance"], rtol=0, atol=64 * tolerance(gl, (64, 64)))


# --- the context ---


def test_a_closed_context_is_refused(gl):
    other = OpenGL()
    other.mipmap(noise(1, 4, 4))
    other.close()
    other.close()
    with pytest.raises(RuntimeError, match="OpenGL is closed; make a new one"):
        other.mipmap(noise(1, 4, 4))
    same(gl, noise(1, 4, 4))


def test_contexts_and_threads_do_not_disturb_each_other(gl):
    images = [noise(2, 24 + k, 40, seed=k) for k in range(8)]
    with OpenGL() as other, ThreadPoolExecutor(4) as pool:
        for made, image in zip(pool.map(lambda k: (gl, other)[k % 2].mipmap(images[k]), range(8)), images, strict=True):
            assert_close(made, ps.mipmap(image), rtol=0, atol=tolerance(gl, image.shape))


def test_the_context_is_closed_after_an_error(gl):
    seen = []

    def fail():
        with OpenGL() as opened:
            seen.append(opened)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(RuntimeError, match="closed"):
        seen[0].mipmap(noise(1, 4, 4))


def test_a_missing_library_is_said(monkeypatch):
    pytest.importorskip("moderngl")
    monkeypatch.setenv("GLCONTEXT_LINUX_LIBEGL", "libnone.so.7")
    with pytest.raises(RuntimeError, match=r"number 0 cannot be opened \(libnone") as e:
        OpenGL()
    assert str(e.value).endswith("or use pyrascope.mipmap")


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(ImportError, match=r"OpenGL needs moderngl.*; pip install 'pyrascope\[gl\]'$"):
        OpenGL()


# --- what is refused ---


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_types_that_textures_have_not(gl, dtype):
    with pytest.raises(TypeError, match="x must hold float16, float32, uint8 or uint16 for OpenGL, got"):
        gl.mipmap(noise(1, 4, 4, dtype=dtype))


def test_gradients_are_not_lost_silently(gl):
    x = noise(1, 4, 4).requires_grad_()
    with pytest.raises(ValueError, match="x must need no gradient"):
        gl.mipmap(x)
    with torch.no_grad():
        same(gl, x)


def test_limits_are_named(gl):
    many = torch.zeros(1).expand(gl.most_layers + 1, 2, 2)
    with pytest.raises(ValueError, match=f"x must have at most {gl.most_layers} channels for OpenGL"):
        gl.mipmap(many)
    same(gl, many[1:])
    for shape in ((gl.most_pixels + 1, 1), (1, gl.most_pixels + 1)):
        with pytest.raises(ValueError, match=f"x must have at most {gl.most_pixels} pixels a side for OpenGL"):
            gl.mipmap(torch.zeros(shape))


def test_too_little_memory_is_said_before_a_copy_is_made(gl):
    if "llvmpipe" not in gl.renderer:
        pytest.skip(f"{gl.renderer} may have the memory: install Mesa (libgl1-mesa-dri), LIBGL_ALWAYS_SOFTWARE=1")
    with pytest.raises(MemoryError, match="has no memory for shape"):
        gl.mipmap(torch.zeros(1).expand(64, 16384, 16384), 2)
    same(gl, noise(1, 8, 8))


@pytest.mark.parametrize(
    ("device", "error"), [(-1, ValueError), (10**30, RuntimeError), (99, RuntimeError), ("0", TypeError)]
)
def test_devices_that_are_none(gl, device, error):
    with pytest.raises(error, match="device"):
        OpenGL(device)


@pytest.mark.parametrize(("levels", "error"), [(0, ValueError), (1.0, TypeError)])
def test_levels_are_checked(gl, levels, error):
    with pytest.raises(error, match="levels must be a whole number >= 1"):
        gl.mipmap(noise(1, 4, 4), levels)
