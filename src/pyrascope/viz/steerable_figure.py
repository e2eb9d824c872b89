"""A steerable pyramid as a picture: a row for each level, a column for each orientation, the residuals on the left."""

import math
from typing import TYPE_CHECKING

from torch import Tensor

from .._check import shorten
from ..signal.steerable import SteerablePyramid
from .bands import scale_of, shaded, written
from .plan_figure import INK, pixels
from .sheet import DOTS_PER_INCH, LINE, label, sheet
from .style import in_own_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 24  # orientations that fit on a sheet
WIDTH, WIDEST, NARROWEST = 15.0, 3.2, 0.7  # inches: of the sheet, about, and of a column
LABEL = 1.9  # inches that the label of a residual takes
PIXEL = 0.3  # most inches of a pixel
TALLEST = 1.2  # height of a picture over the width of its column
THINNEST = 0.03  # inches; less would not be seen
HEAD, GAP = 0.34, 0.08


@in_own_style
def steerable_figure(pyramid: SteerablePyramid[Tensor], *, title: str = "") -> "Figure":
    """Draws the oriented bands of a steerable pyramid and its residuals, all levels enlarged to one size.

    A row is a level, a column an orientation: its angle in degrees, and a line of the kind that excites it. Grey is 0;
    white is + and black - the number beside the size, the same for all bands of a level. Where a band is drawn
    smaller than it is, the strongest value of each block is shown. Complex bands are shown as their amplitude,
    black 0. The low-pass residual is shown in the range of the image.

    Args:
        pyramid: What `steerable_pyramid` or `steer` made of a tensor (c, h, w).
        title: Printed above.

    Returns:
        A matplotlib figure.

    Raises:
        TypeError: `pyramid` is not a SteerablePyramid of tensors.
        ValueError: It is of no image (c, h, w), or has more than 24 orientations.
    """
    _check(pyramid)
    (height, width), count = pyramid.size, pyramid.orientations
    column = min(WIDEST, max(NARROWEST, WIDTH / (count + 1)))
    inches = min(PIXEL, column / width, TALLEST * column / height)
    high, wide = (max(side * inches, THINNEST) for side in (height, width))
    column, first = max(wide, NARROWEST), max(wide, LABEL)
    rows = max(pyramid.levels, 2)
    head = HEAD if pyramid.levels else 0.0
    tops = [head + LINE + number * (LINE + high + GAP) for number in range(rows)]
    lefts = [first + GAP + k * (column + GAP) for k in range(count)]
    right = lefts[-1] + column if pyramid.levels else first
    how = "amplitude: black is 0, white" if pyramid.complex else "bands: grey is 0; white is + and black -"
    figure, axis = sheet((tops[-1] + high, right), 1.0, title, f"{how} the number beside the size")

    def draw(band: Tensor, white: float, top: float, left: float) -> None:
        picture = shaded(band, white, wide * DOTS_PER_INCH)
        axis.imshow(picture, extent=(left, left + wide, top + high, top), interpolation="antialiased")

    white = scale_of([pyramid.highpass])
    draw(pyramid.highpass, white, tops[0], 0)
    label(axis, f"high-pass  {_size(pyramid.highpass)}  ±{written(white)}", 0, tops[0])
    sign = "" if pyramid.complex else "±"
    for level, (bands, top) in enumerate(zip(pyramid.bands, tops, strict=False)):
        white = scale_of(bands)
        for band, left in zip(bands, lefts, strict=True):
            draw(band, white, top, left)
        label(axis, f"{level}  {_size(bands[0])}  {sign}{written(white)}", lefts[0], top)
    for angle, left in zip(pyramid.layout.angles if pyramid.levels else [], lefts, strict=False):
        _head(axis, angle, left)
    share = math.prod(pyramid.lowpass.shape[-2:]) / (height * width)  # samples are larger by 1 / share
    low = pixels(pyramid.lowpass.detach().float().cpu() * share)
    axis.imshow(low, extent=(0, wide, tops[-1] + high, tops[-1]), interpolation="antialiased")
    label(axis, f"low-pass  {_size(pyramid.lowpass)}", 0, tops[-1])
    return figure


def _check(pyramid: object) -> None:
    if not isinstance(pyramid, SteerablePyramid) or not isinstance(pyramid.highpass, Tensor):
        raise TypeError(f"pyramid must be a SteerablePyramid of tensors, got {shorten(pyramid)}")
    if pyramid.highpass.ndim != 3 or pyramid.channel_axis not in (None, 0, -3):
        raise ValueError(f"pyramid must be of one image (c, h, w), got shape {tuple(pyramid.highpass.shape)}")
    if pyramid.orientations > MOST:
        raise ValueError(f"at most {MOST} orientations fit on a sheet, got {pyramid.orientations}; draw fewer")


def _size(level: Tensor) -> str:
    return f"{level.shape[-2]}x{level.shape[-1]}"


def _head(axis: "Axes", angle: float, left: float) -> None:
    """The angle in degrees, after a line at that angle, counter-clockwise, on a sheet whose y runs down."""
    across, up = 0.12 * math.cos(angle), 0.12 * math.sin(angle)
    x, y = left + 0.14, HEAD / 2 - 0.02
    axis.plot([x - across, x + across], [y + up, y - up], color=INK, linewidth=1.6, solid_capstyle="round")
    axis.text(left + 0.32, y, f"{round(math.degrees(angle) % 180, 1):g}°", va="center", fontsize=9, color=INK)
