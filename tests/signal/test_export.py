"""Pyramids as exported programs, for other sizes than the one that they were traced with."""

import pytest
import torch

import pyrascope as ps
from tolerances import near


class RoundTrip(torch.nn.Module):
    def forward(self, x):
        return ps.laplacian_reconstruct(ps.laplacian_pyramid(x, levels=2))


@pytest.mark.compile
def test_a_round_trip_is_exported_for_other_sizes():
    sizes = ({2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO},)
    program = torch.export.export(RoundTrip(), (torch.rand(1, 3, 32, 48),), dynamic_shapes=sizes).module()
    for size in ((40, 56), (64, 32)):
        x = torch.rand(1, 3, *size)
        near(program(x), x)
