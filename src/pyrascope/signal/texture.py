"""Stacks of named channels, halved each in the way that suits what it means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._check import one_of, shorten, whole_number
from .arrays import Array, from_planes, to_planes
from .mipmap import halve, halving_taps

Kind = Literal["value", "label", "onehot", "distance", "embedding"]


def _numbers(array: Any, kind: Kind) -> Any:
    """Integers and booleans that count as what they are, not as fractions of their range; labels as float64."""
    if kind in ("onehot", "distance") and isinstance(array, Tensor | np.ndarray):
        if isinstance(array, Tensor):
            return array if array.is_floating_point() or array.is_complex() else array.float()
        return array.astype(np.float32) if array.dtype.kind in "biu" else array
    if kind != "label":
        return array
    if isinstance(array, Tensor) and not array.is_complex():
        return array.detach().double()
    if isinstance(array, np.ndarray) and array.dtype.kind in "biuf":
        return array.astype(np.float64)
    return array


def _check_labels(name: str, labels: Tensor, dtype: torch.dtype) -> None:
    """Refuses labels that are not whole, or that `dtype` would round."""
    limit = 2 / torch.finfo(dtype).eps
    wrong = ~((labels == labels.round()) & (labels.abs() < limit))
    if wrong.any():
        raise ValueError(
            f"labels {name!r} must be whole numbers below {limit:.0f} in size to fit the stack's {dtype}, got "
            f"{labels[wrong][0].item():g}; number them anew, or give the other channels in a wider type"
        )


def _mean(planes: Tensor, mean: Tensor) -> Tensor:
    return mean


def _distance(planes: Tensor, mean: Tensor) -> Tensor:
    return mean / (2 if max(planes.shape[-2:]) > 1 else 1)


def _embedding(planes: Tensor, mean: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(mean, dim=-3, keepdim=True)
    return mean / torch.where(length > 0, length, 1.0)


def _majority(planes: Tensor, mean: Tensor) -> Tensor:
    """The label of the greatest weight in `halve`, counted in whole numbers; the smallest of several."""
    planes = planes.detach()
    taps = [halving_taps(size) for size in planes.shape[-2:]]
    labels, weights = [], []
    for rows, above in taps[0]:
        for columns, left in taps[1]:
            labels.append(planes[..., rows, columns])
            weights.append((above[:, None] * left).to(planes.device))
    scores = torch.stack(
        [sum(((other == label) * weight for other, weight in zip(labels, weights, strict=True)), weights[0] * 0)
         for label in labels]
    )  # fmt: skip
    best = scores == scores.amax(0)
    return torch.where(best, torch.stack(labels), torch.inf).amin(0)


HALVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "value": _mean, "label": _majority, "onehot": _mean, "distance": _distance, "embedding": _embedding,
}  # fmt: skip
"""The next level of channels (k, h, w) of a kind, given their mean (k, h', w')."""


class ChannelGroup(NamedTuple):
    """Successive channels of a stack that are reduced together."""

    name: str
    channels: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class TextureStack(Generic[Array]):
    """Named channels of one image in one array, which are mip-mapped together, each by the rule of its kind.

    The kinds, and what a pixel of the next level is (weights as in `mipmap`; each level is made of the one before):

    * "value": the mean.
    * "label": the label of the greatest weight among the pixels, the smallest one of several: whole numbers stay
      whole numbers that occur below. It passes no gradient on.
    * "onehot": the mean: the fraction of each class.
    * "distance": the mean, divided by 2: the unit of a distance is the pixel of its own level.
    * "embedding": the mean, divided by its length over the channels of the group; zero stays zero. Level 0 is left
      as it is given.

    Attributes:
        data: Floating (c, h, w), all groups one after the other.
        groups: Name, number of channels and kind of each group.

    Example:
        >>> labels = torch.tensor([[7, 7, 1, 2], [7, 3, 2, 1]])
        >>> stack = TextureStack.from_channels({"id": (labels, "label"), "far": (labels * 1.0, "distance")})
        >>> coarse = stack.mipmap()[1]
        >>> coarse["id"], coarse["far"]
        (tensor([[[7., 1.]]]), tensor([[[3.0000, 0.7500]]]))

    Source:
        Williams 1983, "Pyramidal Parametrics", for the means.
    """

    data: Array
    groups: tuple[ChannelGroup, ...]

    def __post_init__(self) -> None:
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise ValueError(f"names must differ, got {shorten(names)}")
        for group in self.groups:
            one_of(group.kind, "kind", HALVES)
        count = sum(group.channels for group in self.groups)
        if self.data.ndim != 3 or self.data.shape[0] != count:
            raise ValueError(f"data must have shape (c, h, w) with c={count} as groups, got {tuple(self.data.shape)}")

    @classmethod
    def from_channels(cls, channels: Mapping[str, tuple[Array, Kind]]) -> "TextureStack[Array]":
        """Stacks named arrays (h, w) or (k, h, w), each given with its kind.

        Floats keep their widest type (float32 where there is none); uint8 and uint16 become fractions of 255 and
        65535, except as labels, one-hot classes and distances, which may be integers of any type or booleans and keep
        their numbers.

        Raises:
            TypeError: Arrays of both kinds, NumPy and torch, or of types that `reduce` refuses.
            ValueError: No channels, an unknown kind, unequal sizes, or labels that are not whole or too large for
                the float type of the stack.
        """
        if not channels:
            raise ValueError("channels must hold at least one, got none; give name: (array, kind)")
        planes: dict[str, Tensor] = {}
        for name, (array, kind) in channels.items():
            one_of(kind, "kind", HALVES)
            planes[name] = to_planes(_numbers(array, kind), None)
            if planes[name].ndim not in (2, 3):
                raise ValueError(f"{name!r} must have shape (h, w) or (k, h, w), got {tuple(array.shape)}")
        sizes = {tuple(plane.shape[-2:]) for plane in planes.values()}
        kinds = {isinstance(array, Tensor) for array, _ in channels.values()}
        if len(sizes) != 1:
            raise ValueError(f"channels must have one common size, got {shorten(sorted(sizes))}; resize them")
        if len(kinds) != 1:
            raise TypeError("channels must all be tensors or all be arrays, got both; convert them to one kind")
        dtype = torch.float32
        floats = [planes[name].dtype for name, (_, kind) in channels.items() if kind != "label"]
        for number, other in enumerate(floats):
            dtype = other if number == 0 else torch.promote_types(dtype, other)
        for name, (_, kind) in channels.items():
            if kind == "label":
                _check_labels(name, planes[name], dtype)
        stacked = [plane.to(dtype).reshape(-1, *plane.shape[-2:]) for plane in planes.values()]
        groups = zip(channels.items(), stacked, strict=True)
        like = next(iter(channels.values()))[0]
        return cls(
            from_planes(torch.cat(stacked), like, None),
            tuple(ChannelGroup(name, len(plane), kind) for (name, (_, kind)), plane in groups),
        )

    def __getitem__(self, name: str) -> Array:
        """The channels (k, h, w) of a group, a view of `data`."""
        start = 0
        for group in self.groups:
            if group.name == name:
                return self.data[start : start + group.channels]
            start += group.channels
        raise KeyError(f"no channels named {shorten(name)}; there are {', '.join(group.name for group in self.groups)}")

    def mipmap(
        self, levels: int | None = None, mean: Callable[[Tensor], Tensor] = halve
    ) -> list["TextureStack[Array]"]:
        """Returns the stack and its successive halves, fine to coarse, with the sizes of `mipmap`.

        Args:
            levels: How many, this one counted, at least 1; None: down to 1x1. Further levels repeat 1x1.
            mean: What makes the means of the next level, (c, h, w) to (c, max(1, h // 2), max(1, w // 2)), of all
                channels at once, before each kind has its rule; `signal.gl.OpenGL.halve` leaves it to OpenGL.

        Raises:
            TypeError: `levels` is not an integer.
            ValueError: `levels` is below 1.
        """
        planes: Tensor = to_planes(self.data, None)
        largest = max(planes.shape[-2:]).bit_length()
        chain: list[TextureStack[Array]] = [self]
        for _ in range((largest if levels is None else whole_number(levels, "levels", 1)) - 1):
            planes = self._halved(planes, mean(planes))
            chain.append(TextureStack(from_planes(planes, self.data, None), self.groups))
        return chain

    def _halved(self, planes: Tensor, mean: Tensor) -> Tensor:
        """The next level of `planes` (c, h, w), group by group, from their `mean`."""
        sizes = [group.channels for group in self.groups]
        parts = zip(self.groups, torch.split(planes, sizes), torch.split(mean, sizes), strict=True)
        return torch.cat([HALVES[group.kind](fine, coarse) for group, fine, coarse in parts])
