"""Pictures: what Pillow decodes, of any mode, to RGB floats over white; anything broken to one ValueError.

One reading everywhere: a *file* is upright by its EXIF orientation, a PIL image is its stored pixels. Both are laid
over white where they are transparent.
"""

import os
import re
import threading
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ._check import shorten
from ._files import open_to_read

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation to the turn that undoes it. (`ImageOps.exif_transpose` also rewrites the other tags, which fails on
pictures that are otherwise sound.)"""

PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # a tag of TIFF, and its value in scans whose zero is paper

_FILTERS = threading.Lock()
_WARNED: "weakref.WeakValueDictionary[int, Image.Image]" = weakref.WeakValueDictionary()


def read_image(path: str | os.PathLike[str]) -> NDArray[np.float32]:
    """Returns the picture in a file as RGB, float32 (h, w, 3) in [0, 1], upright by its EXIF orientation.

    Palettes, grey and CMYK become RGB, what is transparent is laid over white, an animation gives its first frame.
    16-bit grey keeps its precision (value / 65535), inverted where a TIFF says that zero is white; 16-bit colour comes
    with 8 bits a channel, since Pillow drops the low byte. Float pictures are kept if within [0, 1]. Colour profiles
    are not applied. Pillow's limit of size (2 * PIL.Image.MAX_IMAGE_PIXELS) holds; below it there is no warning.
    Pictures that an outside program would have to draw (EPS) are refused.

    Raises:
        OSError: the file is missing, a folder or may not be read (the fitting subclass).
        ValueError: the file is empty, broken, too large or no image.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("LA", (2, 1), (51, 255)).save(f"{folder}/grey.png")
        ...     read_image(f"{folder}/grey.png")
        array([[[0.2, 0.2, 0.2],
                [0.2, 0.2, 0.2]]], dtype=float32)
    """
    name = f"image file {shorten(os.fsdecode(path), 200)}"
    with open_to_read(path, "image file") as file:
        with _refused(name), _quiet():
            picture = Image.open(file)
        if picture.format == "EPS":
            raise ValueError(f"{name} must be made of pixels, got EPS; save it as PNG first")
        _must_have_pixels(picture, name)
        with _refused(name):
            picture.load()
            turn = UPRIGHT.get(_orientation(picture))
            upright = picture if turn is None else picture.transpose(turn)
        return _rgb(upright, name, negative=_white_is_zero(picture))


def rgb(picture: Image.Image, name: str) -> NDArray[np.float32]:
    """Returns the stored pixels of a PIL image of any mode as RGB, float32 (h, w, 3) in [0, 1]; `name` is for errors.

    Warns:
        UserWarning: once an image, where its EXIF orientation says that what is stored is not upright.
    """
    _must_have_pixels(picture, name)
    with _refused(name):
        picture.load()
    warn_of_orientation(picture, name, stacklevel=5)
    return _rgb(picture, name, _white_is_zero(picture))


def warn_of_orientation(picture: Image.Image, name: str, stacklevel: int = 2) -> None:
    """Warns once an image where its EXIF orientation says that its stored pixels are not upright."""
    with _refused(name):
        orientation = _orientation(picture)
    if orientation in UPRIGHT and _WARNED.get(id(picture)) is not picture:
        _WARNED[id(picture)] = picture
        warnings.warn(
            f"{name} has EXIF orientation {orientation}, and its pixels are used as they are stored; turn it with "
            "PIL.ImageOps.exif_transpose, or give its path",
            stacklevel=stacklevel + 1,
        )


def opaque(picture: Image.Image) -> Image.Image:
    """Returns a PIL image as it is, or laid over white as RGB where it is transparent.

    Example:
        >>> opaque(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    return eight_bits(rgb(picture, named(picture))) if picture.has_transparency_data else picture


def named(picture: Image.Image) -> str:
    """Returns what errors call a PIL image."""
    return f"PIL image ({picture.mode}, {picture.width}x{picture.height})"


def eight_bits(pixels: NDArray[np.float32]) -> Image.Image:
    """Returns floats (h, w, 3) in [0, 1] as a PIL image."""
    return Image.fromarray((pixels * 255).round().astype(np.uint8))


def _must_have_pixels(picture: Image.Image, name: str) -> None:
    if 0 in picture.size:
        raise ValueError(f"{name} must have at least one pixel, got {picture.width}x{picture.height}; check its crop")


def _orientation(picture: Image.Image) -> int:
    with _quiet():
        found: int = picture.getexif().get(ORIENTATION, 1)
    return found


def _white_is_zero(picture: Image.Image) -> bool:
    """Whether a 16-bit TIFF is a negative: Pillow inverts those of 1 and 8 bits alone."""
    tags = getattr(picture, "tag_v2", {})
    return picture.mode.startswith("I") and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO


def _rgb(picture: Image.Image, name: str, negative: bool) -> NDArray[np.float32]:
    """A loaded picture as RGB over white."""
    with _refused(name):
        if picture.mode != "F" and not picture.mode.startswith("I"):
            return _over_white(picture)
        grey = np.asarray(picture)
    top = 1 if picture.mode == "F" else 65535
    low, high = grey.min(), grey.max()  # NaN where there is one
    if not (low >= 0 and high <= top):
        raise ValueError(
            f"{name} must hold values from 0 to {top}, got {low:g} to {high:g}; scale it, or pass it as a NumPy array"
        )
    scaled = grey.astype(np.float32) / np.float32(top)
    clear = picture.info.get("transparency")  # of a 16-bit PNG: the one value that is transparent
    if isinstance(clear, int):
        scaled[grey == clear] = 1
    scaled = 1 - scaled if negative else scaled
    return np.repeat(scaled[..., None], 3, axis=2)


def _over_white(picture: Image.Image) -> NDArray[np.float32]:
    """Returns an 8-bit picture as RGB over white: whole numbers up to the one division, so opaque pixels are exact."""
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB"), np.float32) / np.float32(255)
    pixels = np.asarray(picture.convert("RGBA"), np.float32)
    return (255**2 - pixels[..., 3:] * (255 - pixels[..., :3])) / np.float32(255**2)


@contextmanager
def _refused(name: str) -> Iterator[None]:
    """Turns whatever Pillow raises on hostile or broken data into one ValueError."""
    try:
        yield
    except Image.DecompressionBombError as error:
        limit, found = 2 * (Image.MAX_IMAGE_PIXELS or 0), re.search(r"\d+", str(error))
        raise ValueError(
            f"{name} must have at most {limit} pixels, got {found[0] if found else 'more'}; shrink it, or set "
            "PIL.Image.MAX_IMAGE_PIXELS if you trust it"
        ) from error
    except Exception as error:
        known = not isinstance(error, UnidentifiedImageError)
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120] if known else "no known format"
        raise ValueError(
            f"{name} must be a whole picture that Pillow can read, got broken or other data ({reason}); "
            "open it in a viewer and save it again as PNG"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Pillow's warnings (size, odd tags) out; one thread at a time, for the filters belong to the process."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
