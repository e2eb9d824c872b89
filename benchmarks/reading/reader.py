"""The real reader of the benchmarks: PP-OCRv4 as rapidocr-onnxruntime ships it, on one thread, each picture once."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from words import Text, box_of

Pixels = NDArray[np.uint8]
PACKAGES = ("rapidocr-onnxruntime", "onnxruntime", "opencv-python-headless")


class Reader:
    """Reads pictures; `cache` (a file) keeps what was read, so that no picture is read twice.

    Attributes:
        smallest: The reader enlarges pictures whose shorter side has fewer pixels (its own default is 736).
    """

    def __init__(self, cache: Path | None = None, smallest: int = 736) -> None:
        from rapidocr_onnxruntime import RapidOCR

        self.smallest = smallest
        self._engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1, det_limit_side_len=smallest)
        self._store = sqlite3.connect(cache or ":memory:", timeout=60)
        self._store.execute("create table if not exists seen (picture text primary key, outcome text)")

    def lines(self, pixels: Pixels) -> list[Text]:
        """Returns the lines of text in an RGB picture (h, w, 3)."""

        def read() -> list[Any]:
            found, _ = self._engine(np.ascontiguousarray(pixels[:, :, ::-1]))
            return [[text, box_of(np.ravel(corners).tolist())] for corners, text, _ in found or []]

        return [Text(text, tuple(box)) for text, box in self._once("lines", pixels, read)]

    def boxes(self, pixels: Pixels) -> NDArray[np.float64]:
        """Returns the boxes (n, 4) x0 y0 x1 y1 where the reader's detector sees text; nothing is recognised."""

        def detect() -> list[Any]:
            found, _ = self._engine.text_det(np.ascontiguousarray(pixels[:, :, ::-1]))
            return [box_of(np.ravel(corners).tolist()) for corners in ([] if found is None else found)]

        return np.array(self._once("boxes", pixels, detect), dtype=np.float64).reshape(-1, 4)

    def _once(self, task: str, pixels: Pixels, make: Callable[[], list[Any]]) -> list[Any]:
        shape = f"{task} {self.smallest} {pixels.shape}".encode()
        picture = hashlib.sha256(shape + np.ascontiguousarray(pixels).tobytes()).hexdigest()
        row = self._store.execute("select outcome from seen where picture = ?", (picture,)).fetchone()
        if row is None:
            row = (json.dumps(make()),)
            self._store.execute("insert or replace into seen values (?, ?)", (picture, row[0]))
            self._store.commit()
        outcome: list[Any] = json.loads(row[0])
        return outcome


def pixels_of(image: Tensor) -> Pixels:
    """Returns an image (c, h, w) in [0, 1] as RGB bytes (h, w, 3), as a reader takes them."""
    array = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return np.broadcast_to(array, (*array.shape[:2], 3))


def enlarged(pixels: Pixels, times: int) -> Pixels:
    """Returns a picture `times` as large, bicubic."""
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(pixels).resize((width * times, height * times), Image.Resampling.BICUBIC))
