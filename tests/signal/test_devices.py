"""Plain torch runs on any device: all that is made on the way lies where the input lies.

torch's `meta` device holds no values, but refuses to mix with the CPU as a graphics card does, and needs none.
"""

import pytest
import torch

import pyrascope as ps
from pyrascope.signal.sampling import sample
from pyrascope.signal.texture import TextureStack

GROUPS = {"a": "value", "b": "label", "c": "onehot", "d": "distance", "e": "embedding"}


def stacked(x):
    kinds = {name: (x, kind) for name, kind in GROUPS.items() if kind != "label"}  # whose values are looked at
    stack = TextureStack.from_channels(kinds)
    ids = TextureStack(x, (stack.groups[0]._replace(name="ids", kind="label"),))
    return [level.data for level in (*stack.mipmap(), *ids.mipmap())]


def steered(x, **options):
    pyramid = ps.steer(ps.steerable_pyramid(x, orientations=3, **options), 0.3)
    return [*sum(pyramid.bands, ()), ps.steerable_reconstruct(pyramid)]


WORKS = {
    "gaussian": lambda x: ps.gaussian_pyramid(x, 4),
    "laplacian": lambda x: ps.laplacian_pyramid(x, 4, "circular"),
    "reconstruct": lambda x: [ps.laplacian_reconstruct(ps.laplacian_pyramid(x, 4, "replicate"), "replicate")],
    "steerable": steered,
    "steerable, complex": lambda x: steered(x, complex=True, decimate=False),
    "mipmap": ps.mipmap,
    "sample": lambda x: [sample(ps.mipmap(x), 3.0, x[0, 0], 0.5)],
    "stack": stacked,
    "loss": lambda x: [ps.LaplacianLoss()(x, x + 1)],
}


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("size", [(65, 40), (2, 7)])
def test_everything_lies_where_the_input_lies(work, size):
    x = torch.rand(3, *size)
    there = x.to("meta").requires_grad_()
    expected, found = WORKS[work](x), WORKS[work](there)
    assert {level.device.type for level in found} == {"meta"}
    assert [(level.shape, level.dtype) for level in found] == [(level.shape, level.dtype) for level in expected]
    sum(level.abs().sum() for level in found).backward()
    assert there.grad.device.type == "meta"
