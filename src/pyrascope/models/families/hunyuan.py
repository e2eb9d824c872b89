"""HunYuan-VL: M-RoPE without a row of plain positions."""

from dataclasses import dataclass
from typing import ClassVar

from .family import Family


@dataclass(frozen=True)
class HunYuan(Family):
    """Nothing else is particular."""

    plain_row: ClassVar[bool] = False
