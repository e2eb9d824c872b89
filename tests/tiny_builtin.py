"""The built-in model, small and with random weights, and its heads; both as a folder."""

import functools

import torch

from pyrascope.builtin.architecture import fresh
from pyrascope.builtin.heads import Heads
from pyrascope.builtin.package import export

WIDTH = 32


@functools.cache
def tiny_builtin():
    """Model and heads, the same each time: with noise on their weights, so that what they say differs by place."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model, heads = fresh(3, width=WIDTH, encoder=1, decoder=2), Heads(WIDTH)
        with torch.no_grad():
            for module, by in ((model, 0.1), (heads, 0.5)):
                for weight in module.parameters():
                    if weight.ndim > 1:
                        weight.add_(by * torch.randn_like(weight))
    return model.eval(), heads.eval()


def save_tiny_builtin(folder):
    """Writes both and returns the folder."""
    export(*tiny_builtin(), folder)
    return folder
