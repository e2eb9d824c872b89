"""What a command has written."""

import numpy as np
from PIL import Image


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def opened(path):
    with Image.open(path) as image:
        return image.format, image.size, np.asarray(image.convert("L"))
