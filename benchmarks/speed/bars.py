"""What the pyramids must reach, as ratios within one run, and whether they do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from timing import Outcome

Found = Mapping[tuple[str, str], Outcome]
"""By task and size."""


@dataclass(frozen=True)
class Bar:
    """A greatest allowed ratio and the one that was measured; None where one of the two did not run."""

    what: str
    greatest: float
    measured: float | None

    @property
    def verdict(self) -> str:
        """One word."""
        return "not run" if self.measured is None else "met" if self.measured <= self.greatest else "missed"


def bars(found: Found, memory: float | None) -> Iterator[Bar]:
    """The bars whose tasks were run, in the order of the project's list."""
    for (task, size), outcome in found.items():
        for who, whom, greatest in _wanted(task, size):
            ours, theirs = outcome.times.get(who), outcome.times.get(whom)
            ratio = None if ours is None or theirs is None else ours / theirs
            yield Bar(f"{task} {size}: {who} / {whom}", greatest, ratio)
    yield Bar("Laplacian build 4096x4096: extra memory / pyramid", 1.2, memory)


def _wanted(task: str, size: str) -> list[tuple[str, str, float]]:
    """(who, compared with whom, greatest ratio)."""
    both = ("ours", "ours (NumPy)")
    if task == "Gaussian":
        opencv = 1.4 if size.count("x") == 3 else 1.1
        return [(who, *bar) for who in both for bar in (("OpenCV", opencv), ("kornia", 1 / 25))]
    if task == "Gaussian of uint8":
        return [(who, "OpenCV", 1.3) for who in both]
    if task in ("Laplacian", "reconstruct") and size == "4096x4096":
        return [(who, "OpenCV", 0.7) for who in both]
    if task == "Laplacian loss":
        return [("ours", "plain L1", 3.0)]
    if task == "steerable" and size in ("512x512 4x4", "1024x1024 8x4"):
        return [("ours", "FFTs alone", 1.5), ("ours", "plenoptic", 1 / 2.5)]
    if task == "steerable reconstruct" and size == "512x512 4x4":
        return [("ours", "plenoptic", 0.5)]
    return []
