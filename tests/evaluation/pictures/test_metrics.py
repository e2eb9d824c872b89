"""PSNR: what is shown is clipped as a screen would."""

import math

import torch

from pyrascope.evaluation.pictures.metrics import psnr
from tolerances import near


def test_values_beyond_the_range_are_those_at_its_ends():
    image = torch.tensor([[[0.0, 0.25, 1.0]]])
    assert psnr(torch.tensor([[[-3.0, 0.25, 7.0]]]), image) == math.inf
    near(psnr(torch.tensor([[[0.0, 0.75, 9.0]]]), image), -10 * math.log10(0.25 / 3))
