"""The kernels of the steerable pyramid against the plain path, and how one gets to them."""

import pytest
import torch
from torch.testing import assert_close

from pyrascope.signal import backend, steerable_transform
from pyrascope.signal.steerable import steerable_pyramid, steerable_reconstruct
from pyrascope.signal.steerable_transform import crop, whole_plane
from tolerances import near

spectrum = pytest.importorskip("pyrascope.signal.kernels.spectrum")
SIZES = [(1, 1), (1, 9), (8, 8), (9, 31), (34, 48), (67, 61)]


def noise(*shape, dtype=torch.float64):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def both(x, *arguments):
    pyramids = []
    for name in ("numba", "torch"):
        with backend.use(name):
            pyramids.append(steerable_pyramid(x, *arguments))
    return pyramids


def parts(pyramid):
    return [pyramid.highpass, *(band for row in pyramid.bands for band in row), pyramid.lowpass]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("decimate", [True, False])
@pytest.mark.parametrize("orientations", [2, 3])
def test_kernels_agree_with_torch(monkeypatch, size, complex, decimate, orientations):
    monkeypatch.setattr(steerable_transform, "SMALLEST", 0)
    for dtype in (torch.float16, torch.float32, torch.float64):
        ours, plain = map(parts, both(noise(2, 3, *size, dtype=dtype), None, orientations, complex, decimate))
        for band, other in zip(ours, plain, strict=True):
            gain = size[0] * size[1] / band[0, 0].numel()  # decimated samples are so much larger
            assert band.dtype == other.dtype
            near(band / gain, other / gain, "transform")
            assert band.is_contiguous()


@pytest.mark.parametrize("size", SIZES)
def test_filters_read_the_whole_plane(size):
    x = noise(2, *size)
    filters = spectrum.Filters(torch.fft.rfft2(x), size[1])
    for small in (size, tuple((n + 1) // 2 for n in size)):
        response = torch.complex(noise(*small), noise(*small) + 1)
        # With both Nyquist frequencies left out, which have two names; no response of a pyramid reaches them.
        for n, axis in zip(small, (0, 1), strict=True):
            if n % 2 == 0:
                response.select(axis, n // 2).zero_()
        expected = crop(whole_plane(torch.fft.rfft2(x), size[1]), small) * response
        near(filters.whole_plane(response), expected, "step")


def test_parts():
    signal = torch.complex(noise(3, 5, 7), -noise(3, 5, 7))
    first, second = spectrum.parts(signal, 2)
    assert_close(first, signal.real.contiguous(), rtol=0, atol=0)
    assert_close(second, signal.imag.contiguous(), rtol=0, atol=0)
    (alone,) = spectrum.parts(signal, 1)
    assert_close(alone, first, rtol=0, atol=0)


def test_large_images_take_the_kernels_unless_a_gradient_is_asked_for(monkeypatch):
    seen = []
    filters = spectrum.Filters
    monkeypatch.setattr(spectrum, "Filters", lambda *given: seen.append(given) or filters(*given))
    x = noise(130, 128)
    pyramid = steerable_pyramid(x)
    near(steerable_reconstruct(pyramid), x, "transform")
    assert len(seen) == 1
    for other in (x[:8, :8], x.clone().requires_grad_()):
        steerable_pyramid(other)
    with backend.use("torch"):
        steerable_pyramid(x)
    assert len(seen) == 1
    with torch.no_grad():
        steerable_pyramid(x.clone().requires_grad_())
    with torch.inference_mode():
        steerable_pyramid(x)
    assert len(seen) == 3


def test_the_first_pyramid_is_not_overwritten_by_the_second():
    x = noise(130, 128)
    pyramid = steerable_pyramid(x)
    kept = [part.clone() for part in parts(pyramid)]
    steerable_pyramid(-x)
    for part, copy in zip(parts(pyramid), kept, strict=True):
        assert_close(part, copy, rtol=0, atol=0)
