"""What another processor may make of the same numbers: every value moved by one unit in the last place."""

import torch


def moved(values, seed):
    """Returns the values, each moved by one unit in the last place, up or down or not at all; 0 stays 0."""
    draw = torch.Generator().manual_seed(seed)
    way = torch.randint(-1, 2, values.shape, generator=draw)
    far = torch.where(way > 0, torch.inf, -torch.inf).to(values.dtype)
    return torch.where((way == 0) | (values == 0), values, torch.nextafter(values, far))
