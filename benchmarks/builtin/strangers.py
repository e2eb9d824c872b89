"""How often the built-in model warns of a picture that is not of its world: of its own scenes, and of others.

python benchmarks/builtin/strangers.py [--images folder] [--scenes 200] [--seed 777]

Pictures are taken as they are, and as the middle window of 512 x 512 px where they are so large.
"""

import argparse
from pathlib import Path

from PIL import Image

from pyrascope.builtin.domain import SIDE, stranger
from pyrascope.world.scenes import sample


def window(image: Image.Image) -> Image.Image | None:
    """The middle of a picture; None of one that is smaller."""
    x, y = ((side - SIDE) // 2 for side in image.size)
    return image.crop((x, y, x + SIDE, y + SIDE)) if min(image.size) >= SIDE else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=Path("examples/data"), help="a folder of pictures")
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=777)
    given = parser.parse_args()
    false = sum(stranger(sample(given.seed, number).image) is not None for number in range(given.scenes))
    print(f"scenes: {false} of {given.scenes} are warned of")
    whole, windows = [], []
    for path in sorted(given.images.rglob("*")):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".ppm", ".bmp"):
            with Image.open(path) as opened:
                image = opened.convert("RGB")
            whole.append(stranger(image) is not None)
            part = window(image)
            windows += [] if part is None else [stranger(part) is not None]
    print(f"pictures: {sum(whole)} of {len(whole)} as they are, {sum(windows)} of {len(windows)} windows")


if __name__ == "__main__":
    main()
