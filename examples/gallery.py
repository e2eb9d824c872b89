"""Makes the pictures of docs/gallery.md, and of the README: `python examples/gallery.py`."""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

import pyrascope as ps
from pyrascope.io import as_tensor

HERE = Path(__file__).parent
MAPS = {
    "saliency": ps.importance.Saliency(),
    "band-energy": ps.importance.BandEnergy(),
    "information": ps.importance.Information(),
    "orientation": ps.importance.Orientation(),
    "spectral-residual": ps.importance.SpectralResidual(),
    "fixation": ps.importance.Fixation(),
    "learned": ps.importance.Learned(),
    "relevance-realization": ps.importance.RelevanceRealization(),
}


def pictures(image: Path, budget: int) -> dict[str, Callable[[], Figure]]:
    """Returns what draws each picture, by the name of its file."""
    tensor, _ = as_tensor(image)
    return {
        "plan": lambda: ps.viz.plan_figure(tensor, ps.plan(tensor, budget)),
        "methods": lambda: ps.viz.methods_figure(tensor, budget=budget),
        "importance": lambda: ps.viz.importance_figure(
            tensor, {name: ps.importance_map(tensor, made) for name, made in MAPS.items()}
        ),
        "gaussian": lambda: ps.viz.pyramid_figure(
            ps.gaussian_pyramid(tensor), title=f"Gaussian pyramid of {image.name}"
        ),
        "laplacian": lambda: ps.viz.pyramid_figure(
            ps.laplacian_pyramid(tensor), bands=True, title=f"Laplacian pyramid of {image.name}"
        ),
        "steerable": lambda: ps.viz.steerable_figure(
            ps.steerable_pyramid(tensor, 2), title=f"Steerable pyramid of {image.name}"
        ),
    }


def write(figure: Figure, path: Path, width: int, most: int) -> None:
    """Writes a figure as a JPEG of at most `width` px across, at the best quality that takes at most `most` bytes."""
    raw = io.BytesIO()
    figure.savefig(raw, dpi=130, format="png")
    with Image.open(raw) as image:
        picture = image.convert("RGB")
    picture.thumbnail((width, 10 * width), Image.Resampling.LANCZOS)
    for quality in range(90, 30, -5):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if file.tell() <= most:
            break
    path.write_bytes(file.getvalue())


def main() -> None:
    """Draws all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="which pictures; default: all")
    parser.add_argument("--image", type=Path, default=HERE / "data" / "kodim23.png")
    parser.add_argument("--budget", type=int, default=256)
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "images")
    chosen = parser.parse_args()
    made = pictures(chosen.image, chosen.budget)
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or made:
        if name not in made:
            parser.error(f"names must be of {', '.join(made)}, got {name}")
        path = chosen.out / f"{name}.jpg"
        write(made[name](), path, 1200, 290_000)
        print(f"{path} {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
