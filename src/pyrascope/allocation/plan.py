"""The plan: which box of an image each visual token shows. Everything else makes, reads, draws or compares plans."""

import json
import math
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._check import shorten, whole_number
from .._files import open_to_read, write_whole
from . import cover
from .export.crops import Crop, fixed_crops, grid_crops

FORMAT, VERSION = "pyrascope.plan", 1
MAX_CELL = 4096
MAX_LEVEL = 32.0
MAX_SIDE = 2**24
"""Greatest height and width of an image: float32 coordinates are exact up to here."""


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """The boxes of all tokens of one image, in reading order of their top left corners.

    Coordinates are (y, x) in source pixels, boxes half-open, clipped to the image. Arrays are read-only.

    Attributes:
        boxes: float64 (n, 4): y0, x0, y1, x1.
        levels: float32 (n, 2): log2(box side / cell) along y and x before clipping; 0 is native resolution, 1 is
            half, negative is magnified.
        scores: float64 (n,): what the method thought of each token; its docstring says what.
        image_size: Height and width of the image in pixels.
        cell: Side of a token's patch in pixels.
        method: The method, as a string that rebuilds it.

    Raises:
        ValueError, TypeError: a field does not fit the others (each in one sentence).

    Example:
        >>> plan = Plan([[0, 0, 32, 16], [0, 16, 32, 32]], [[1, 0], [1, 0]], [0.5, 0.5], (32, 32), 16, "by hand")
        >>> plan
        Plan(2 tokens for 32x32 px, cell 16, levels 0..1, partition, by hand)
        >>> plan.coverage
        1.0
    """

    boxes: NDArray[np.float64]
    levels: NDArray[np.float32]
    scores: NDArray[np.float64]
    image_size: tuple[int, int]
    cell: int
    method: str

    def __post_init__(self) -> None:
        boxes = _numbers(self.boxes, "boxes", np.float64, 4)
        levels = _numbers(self.levels, "levels", np.float32, 2, limit=MAX_LEVEL)
        scores = _numbers(self.scores, "scores", np.float64, None)
        if not len(boxes) == len(levels) == len(scores) > 0:
            raise ValueError(
                f"a plan needs as many boxes, levels and scores, at least one each, got {len(boxes)}, {len(levels)} "
                f"and {len(scores)}"
            )
        if not isinstance(self.image_size, list | tuple) or len(self.image_size) != 2:
            raise TypeError(f"image_size must be (height, width), got {shorten(self.image_size)}")
        height, width = (whole_number(side, "image_size", 1, MAX_SIDE) for side in self.image_size)
        if not isinstance(self.method, str):
            raise TypeError(f"method must be a string, got {shorten(self.method)}")
        y0, x0, y1, x1 = boxes.T
        bad = (y0 < 0) | (x0 < 0) | (y1 > height) | (x1 > width) | (y0 >= y1) | (x0 >= x1)
        if bad.any():
            worst = int(bad.argmax())
            raise ValueError(
                f"boxes must be y0 < y1, x0 < x1 within the {height}x{width} image, got {boxes[worst].tolist()} "
                f"(box {worst})"
            )
        set_field = object.__setattr__  # the dataclass is frozen; this is its constructor
        for name, value in (("boxes", boxes), ("levels", levels), ("scores", scores)):
            set_field(self, name, value)
        set_field(self, "image_size", (height, width))
        set_field(self, "cell", whole_number(self.cell, "cell", 1, MAX_CELL))

    @property
    def tokens(self) -> int:
        """Number of tokens."""
        return len(self.boxes)

    @cached_property
    def coverage(self) -> float:
        """Share of the image's area that lies in at least one box, 0 to 1."""
        return cover.covered_area(self.boxes) / (self.image_size[0] * self.image_size[1])

    @cached_property
    def is_partition(self) -> bool:
        """Whether the boxes cover each place of the image exactly once."""
        return cover.is_partition(self.boxes, self.image_size)

    def by_level(self) -> dict[tuple[float, float], NDArray[np.int64]]:
        """Indices of the tokens at each level pair (ly, lx), fine to coarse."""
        pairs, group = np.unique(self.levels, axis=0, return_inverse=True)
        found = {(float(ly), float(lx)): np.flatnonzero(group == k) for k, (ly, lx) in enumerate(pairs)}
        return dict(sorted(found.items(), key=lambda item: (sum(item[0]), item[0])))

    def crops(
        self,
        patch: int | None = None,
        min_pixels: int = 1,
        max_pixels: int | None = None,
        *,
        tokens_per_crop: int | None = None,
        size: int | tuple[int, int] | None = None,
    ) -> list[Crop]:
        """Returns the plan as ordinary images for models that take no plans: a thumbnail, then crops of what is finer.

        The number of tokens that a stock processor makes of these images is exactly `tokens`. Where they look follows
        the plan: of those tried, they are the views that deliver most of its tokens for each place. `pyrascope.cut`
        makes them. Tokens of a language model that mark each image's beginning and end are not counted.

        Args:
            patch: Side in pixels of what becomes one token of a processor that keeps the resolution (28 for Qwen2-VL
                and Qwen2.5-VL, 32 for Qwen3-VL); None: the plan's cell, which is the best cell for the plan.
            min_pixels: Fewest pixels of an image that this processor does not enlarge.
            max_pixels: Most pixels of an image that it does not shrink; None for no limit.
            tokens_per_crop: Tokens of each image, for a processor that always makes as many: 576 for LLaVA-1.5, 64 for
                SmolVLM without image splitting, 256 for Gemma3. The plan must have a multiple of it.
            size: Side, or height and width, of the images that this processor takes as they are (336, 512, 896).

        Raises:
            TypeError, ValueError: numbers out of range, or a number of tokens that such images cannot have; the message
                names those that they can.

        Example:
            >>> plan = Plan([[0, 0, 64, 64], [0, 64, 32, 96], [0, 96, 32, 128], [32, 64, 64, 96], [32, 96, 64, 128]],
            ...             [[1, 1]] + [[0, 0]] * 4, [0] * 5, (64, 128), 32, "by hand")
            >>> for crop in plan.crops():
            ...     print(crop)
            Crop(box=(0, 0, 64, 128), size=(32, 32), tokens=1)
            Crop(box=(0, 64, 64, 128), size=(64, 64), tokens=4)
        """
        if tokens_per_crop is None and size is None:
            return grid_crops(
                self.boxes, self.image_size, self.cell if patch is None else patch, min_pixels, max_pixels
            )
        if tokens_per_crop is None or size is None or patch is not None:
            given = f"patch={patch}, tokens_per_crop={tokens_per_crop}, size={size}"
            raise ValueError(f"crops need either patch, or tokens_per_crop and size, got {given}")
        return fixed_crops(self.boxes, self.image_size, tokens_per_crop, size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plan):
            return NotImplemented
        return (self.image_size, self.cell, self.method) == (
            other.image_size,
            other.cell,
            other.method,
        ) and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in ("boxes", "levels", "scores"))

    def __hash__(self) -> int:
        return hash((self.image_size, self.cell, self.method, self.boxes.tobytes()))

    def __repr__(self) -> str:
        height, width = self.image_size
        low, high = (f"{level:.3g}" for level in (self.levels.min(), self.levels.max()))
        kind = "partition" if self.is_partition else f"covers {self.coverage:.0%}"
        tokens = "1 token" if self.tokens == 1 else f"{self.tokens} tokens"
        levels = f"level {low}" if low == high else f"levels {low}..{high}"
        method = " ".join(self.method.split())
        return f"Plan({tokens} for {height}x{width} px, cell {self.cell}, {levels}, {kind}, {method})"

    def __reduce__(self) -> tuple[type["Plan"], tuple[object, ...]]:
        return Plan, (self.boxes, self.levels, self.scores, self.image_size, self.cell, self.method)

    def to_json(self) -> str:
        """Returns the plan as JSON with a format name and a version; `from_json` gives an equal plan back."""
        fields = {
            "format": FORMAT,
            "version": VERSION,
            "image_size": self.image_size,
            "cell": self.cell,
            "method": self.method,
            "tokens": self.tokens,
            "boxes": self.boxes.tolist(),
            "levels": self.levels.astype(float).tolist(),
            "scores": self.scores.tolist(),
        }
        return json.dumps(fields, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Plan":
        """Returns the plan that `to_json` wrote.

        Raises:
            ValueError: the text is not JSON, not of this format or version, or names a plan that cannot be.
        """
        data = _parsed(text)
        if isinstance(data, list) and data:
            raise ValueError(f"a plan must be one JSON object, got a list of {len(data)}; read it with Plan.load_all")
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f'a plan must be a JSON object with "format": "{FORMAT}", got {shorten(data, 40)}')
        if data.get("version") != VERSION or isinstance(data["version"], bool):
            raise ValueError(
                f"plan version must be {VERSION}, got {shorten(data.get('version'))}; load it with the pyrascope that "
                "wrote it"
            )
        fields = ("boxes", "levels", "scores", "image_size", "cell", "method")
        missing = [name for name in (*fields, "tokens") if name not in data]
        if missing:
            has = shorten(sorted(data))
            raise ValueError(f"a plan must have the field {missing[0]!r}, got {has}; the file may be cut off")
        try:
            plan = cls(**{name: data[name] for name in fields})
        except TypeError as error:
            raise ValueError(str(error)) from None
        if plan.tokens != data["tokens"] or isinstance(data["tokens"], bool):
            raise ValueError(
                f"a plan must have as many boxes as tokens, got {plan.tokens} for {shorten(data['tokens'])}"
            )
        return plan

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the plan as JSON; the file appears whole or not at all."""
        with write_whole(path) as part:
            part.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Plan":
        """Reads a plan that `save` wrote; ValueError names the file and what is wrong with it."""
        try:
            with open_to_read(path, "plan file") as file:
                return cls.from_json(file.read())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def load_all(cls, path: str | os.PathLike[str]) -> list["Plan"]:
        """Reads the plans of several images that `pyrascope plan --json` wrote; of a file of one plan, that one.

        Raises:
            OSError, ValueError: as `load`; the message names the file, and the number of the plan from 0.
        """
        try:
            with open_to_read(path, "plan file") as file:
                text = file.read()
            data = _parsed(text)
            if not isinstance(data, list):
                return [cls.from_json(text)]
            return [_numbered(cls, number, one) for number, one in enumerate(data)]
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a plan must be JSON text, got {shorten(text, 40)}: {error}") from None


def _numbered(kind: type[Plan], number: int, data: Any) -> Plan:
    try:
        return kind.from_json(json.dumps(data))
    except ValueError as error:
        raise ValueError(f"plan {number}: {error}") from None


def plan_of_boxes(
    boxes: NDArray[np.float64],
    levels: ArrayLike,
    scores: ArrayLike,
    size: tuple[int, int],
    cell: int,
    method: str,
) -> Plan:
    """Returns the plan of boxes that may reach over the border: clipped to the image, in reading order.

    Args:
        boxes: (n, 4) y0, x0, y1, x1, each with a place inside the image.
        levels: (n, 2) as in `Plan`; they belong to the boxes before clipping.
        scores: (n,) as in `Plan`.
        size: Height and width of the image.
        cell: Side of a patch.
        method: As in `Plan`.

    Example:
        >>> plan_of_boxes(np.array([[16.0, 0, 32, 16], [0, 0, 16, 16]]), [[0, 0]] * 2, [0, 0], (20, 16), 16, "m").boxes
        array([[ 0.,  0., 16., 16.],
               [16.,  0., 20., 16.]])
    """
    clipped = np.clip(boxes, 0, np.array(size * 2, dtype=np.float64))
    order = np.lexsort((clipped[:, 3], clipped[:, 2], clipped[:, 1], clipped[:, 0]))
    return Plan(clipped[order], np.asarray(levels)[order], np.asarray(scores)[order], size, cell, method)


def _numbers(
    values: ArrayLike, name: str, dtype: type, columns: int | None, limit: float = sys.float_info.max
) -> NDArray[Any]:
    """Returns a read-only copy of `values` as (n, columns), or (n,) where columns is None; all within +-limit."""
    expected = f"{name} must be finite numbers of shape " + ("(n,)" if columns is None else f"(n, {columns})")
    if limit < sys.float_info.max:
        expected += f", from {-limit:g} to {limit:g}"
    try:
        array = np.array(values)
        if array.dtype.kind not in "iuf" or (not isinstance(values, np.ndarray) and _has_bool(values)):
            raise TypeError
        array = array.astype(np.float64) + 0.0  # no negative zeros: equal plans have equal bytes
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise ValueError(f"{expected}, got {shorten(values)}") from None
    if array.shape[1:] != (() if columns is None else (columns,)) or array.ndim == 0:
        raise ValueError(f"{expected}, got shape {array.shape}")
    inside = np.abs(array) <= limit
    if not inside.all():
        raise ValueError(f"{expected}, got {array[~inside][0]}")
    array = array.astype(dtype, order="C")
    array.setflags(write=False)
    return array


def _has_bool(values: object) -> bool:
    """Whether nested lists hold a boolean, which NumPy would take for a number."""
    return any(isinstance(value, bool) for value in np.array(values, dtype=object).flat)


def grid_of(image_size: tuple[int, int], cell: int) -> tuple[int, int]:
    """Returns rows and columns of cells that an image of (height, width) needs.

    Example:
        >>> grid_of((33, 48), 16)
        (3, 3)
    """
    return math.ceil(image_size[0] / cell), math.ceil(image_size[1] / cell)
