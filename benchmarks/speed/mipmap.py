"""Time of a mipmap of many channels: the CPU path beside OpenGL. Needs the extra `gl`.

    python benchmarks/speed/mipmap.py [--layers 40] [--size 512] [--rounds 15]

Prints medians of CPU time (of all threads of the process) and wall time, interleaved after warm-up. Without a graphics
card OpenGL is Mesa's software renderer: what is timed then is a program on the same CPU, no texture hardware.
"""

import argparse
import time
from collections.abc import Callable
from datetime import date
from statistics import median
from typing import Any

import moderngl
import torch
from rich.console import Console
from rich.table import Table

import pyrascope as ps
from pyrascope.signal.gl import OpenGL


def medians(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median CPU and wall time of each in ms, all of them once a round."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for number in range(-2, rounds):
        for name, run in candidates.items():
            cpu, wall = time.process_time(), time.perf_counter()
            result = run()
            taken = (time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3
            del result
            if number >= 0:
                times[name].append(taken)
    return {name: (median(cpu for cpu, _ in taken), median(wall for _, wall in taken)) for name, taken in times.items()}


def pooled(image: torch.Tensor) -> list[torch.Tensor]:
    levels = [image]
    while max(levels[-1].shape[-2:]) > 1:
        levels.append(torch.nn.functional.avg_pool2d(levels[-1], 2))
    return levels


def generation(image: torch.Tensor) -> Callable[[], None]:
    """Returns a call of glGenerateMipmap alone, of a texture array that is there already; done when it returns."""
    settings: Any = {"backend": "egl", "libgl": "libEGL.so.1"}
    context = moderngl.create_context(standalone=True, require=330, **settings)
    layers, height, width = image.shape
    texture = context.texture_array((width, height, layers), 1, image.numpy().tobytes(), dtype="f4")

    def run() -> None:
        with context:
            texture.build_mipmaps()
            context.finish()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=40)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    image = torch.rand(options.layers, options.size, options.size)
    with OpenGL() as gl:
        found = medians(
            {
                "ps.mipmap, one thread": lambda: ps.mipmap(image),
                "torch avg_pool2d, one thread": lambda: pooled(image),
                "glGenerateMipmap alone": generation(image),
                "OpenGL().mipmap: upload, generate, read": lambda: gl.mipmap(image),
            },
            options.rounds,
        )
        renderer = gl.renderer
    base = found["ps.mipmap, one thread"]
    table = Table("what", "CPU ms", "wall ms", "CPU, times ps.mipmap")
    for name, (cpu, wall) in found.items():
        table.add_row(name, f"{cpu:.1f}", f"{wall:.1f}", f"{cpu / base[0]:.1f}")
    console = Console(width=100)
    console.print(table)
    console.print(
        f"{options.layers} channels of {options.size}x{options.size}, float32, all levels; {renderer}, "
        f"torch {torch.__version__}, {date.today()}"
    )


if __name__ == "__main__":
    main()
