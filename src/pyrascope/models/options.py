"""What a user can say about fewer tokens beside method and budget, and at which site it means something."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from torch import Tensor

from .._check import one_of, shorten
from ..allocation.contracts.site import FEATURES, LAYERS, PIXELS, Site
from .budgets import SHARES

ORIGINAL, COMPACT = POSITIONS = ("original", "compact")
GRID, SOURCE = "grid", "source"
TAKEN: dict[Site, tuple[str, ...]] = {
    PIXELS: ("share", "positions", "at_most", "finest", "sized", "weights"),
    FEATURES: ("share", "positions", "at_most"),
    LAYERS: ("share", "at_most"),
}
"""The options that methods of each site take."""


@dataclass(frozen=True)
class PixelOptions:
    """How plans are made and placed.

    Attributes:
        share: "image": the budget is that of each image; "prompt": of all images of a prompt, planned together.
        positions: "original": every token has the position of the stock token whose cell holds its centre (under
            M-RoPE, its centre between them); "compact": positions that nothing uses any more close up.
        at_most: Whether an image that has fewer tokens than its budget keeps what it has, instead of an error.
        finest: Finest level of the plans: "grid", the stock grid; "source", as fine as the source images are, at most
            3 octaves; or a number of octaves from 0 to 3. All but the grid need the source images.
        sized: Share, 0 to 1, of log(area / mean area of the image's boxes) that is added to the attention logits of
            each box as a key in the tower, so that a coarse token counts as more than a fine one: with 1, as much as
            the fine ones that it stands for. 0 is stock; so is any share where all boxes are equal, as at the full
            budget. None: 0.5, which kept most features of a frozen encoder (docs/experiments.md, "what a frozen encoder
            tolerates"), where the tower's attention takes a bias: CLIP, SigLIP, Idefics3, SmolVLM and InternVL, with
            sdpa or eager attention; elsewhere 0, and more is refused. A model that was trained on plans says in its
            configuration, as `sized`, what None means for it.
        weights: How much the places of each image matter, as the `weight` of `pyrascope.plan`, (h', w') over what the
            tower sees of it; one (or None) for each image of the call, None for all the same.
    """

    share: str = "image"
    positions: str = ORIGINAL
    at_most: bool = False
    finest: str | int = GRID
    sized: float | None = None
    weights: Sequence[Tensor | None] | None = None

    def __post_init__(self) -> None:
        one_of(self.share, "share", SHARES)
        one_of(self.positions, "positions", POSITIONS)
        if self.sized is not None and (
            isinstance(self.sized, bool) or not isinstance(self.sized, int | float) or not 0 <= self.sized <= 1
        ):
            raise ValueError(f"sized must be a number from 0 to 1, or None, got {shorten(self.sized)}")


def check_options(site: Site, options: PixelOptions) -> None:
    """Refuses options that mean nothing at a site.

    Raises:
        TypeError: an option that methods of the site do not take has another value than its default.
    """
    default = PixelOptions()
    pairs = [(field.name, getattr(options, field.name), getattr(default, field.name)) for field in fields(options)]
    changed = [name for name, value, usual in pairs if isinstance(value, list | tuple) or value != usual]
    unknown = [name for name in changed if name not in TAKEN[site]]
    if unknown:
        raise TypeError(
            f"options of a method at the {site} site must be of {', '.join(TAKEN[site])}, got {', '.join(unknown)}; "
            "leave it out"
        )
