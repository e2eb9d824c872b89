"""Which precision this processor multiplies faster: bfloat16 is several times faster on some, slower on others."""

import time

import torch


def bf16_is_faster(repeats: int = 5) -> bool:
    """Returns whether products of the size that training has take less time in bfloat16 than in float32 here."""
    seconds = {}
    for kind in (torch.float32, torch.bfloat16):
        a, b = torch.ones(2048, 192, dtype=kind), torch.ones(192, 768, dtype=kind)
        a @ b
        times = []
        for _ in range(repeats):
            start = time.process_time()
            a @ b
            times.append(time.process_time() - start)
        seconds[kind] = min(times)
    return seconds[torch.bfloat16] < seconds[torch.float32]
