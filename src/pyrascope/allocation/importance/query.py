"""Importance for a question: how far the features of each cell agree with it, whatever model they come from."""

import math
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from ..._check import one_of, shorten
from ..contracts.allocator import Context, Scene
from .importance import normalised, on_cells

KINDS = ("cosine", "attention")


class TextEncoder(Protocol):
    """Turns a question into a query vector (d,), as the text tower of a CLIP-style model does."""

    def __call__(self, question: str) -> Tensor:
        """Returns the vector."""
        ...


class ImageEncoder(Protocol):
    """Turns an image (c, h, w) into features (rows, columns, d), as the image tower of a CLIP-style model does."""

    def __call__(self, image: Tensor) -> Tensor:
        """Returns the features."""
        ...


def encoded(scene: Scene, text: TextEncoder | None = None, image: ImageEncoder | None = None) -> Context:
    """Returns the scene's context with its query from `text` and its features from `image`, where these are given.

    Raises:
        ValueError: `text` is given, but the context has no question.
    """
    context = scene.context
    if text is not None:
        if context.question is None:
            raise ValueError("a text encoder needs context.question, got None; give the question in words")
        context = replace(context, query=text(context.question))
    return context if image is None else replace(context, features=image(scene.image))


def cosine_relevance(features: Tensor, query: Tensor) -> Tensor:
    """Returns the cosine of the angle between each cell's features and the query, float64 (rows, columns).

    Args:
        features: (rows, columns, d).
        query: (d,).

    Returns:
        Values in [-1, 1]; 0 where either has no length.

    Raises:
        ValueError: shapes that do not fit.

    Example:
        >>> features = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]])
        >>> cosine_relevance(features, torch.tensor([0.0, 1.0]))
        tensor([[0.0000, 1.0000, 0.7071]], dtype=torch.float64)
    """
    cells, asked = _fitting(features, query)
    return (_unit(cells) * _unit(asked)).sum(-1).clamp(-1, 1)


def cross_attention(features: Tensor, query: Tensor, temperature: float = 1.0) -> Tensor:
    """Returns softmax over all cells of features . query / (temperature sqrt(d)), float64 (rows, columns).

    Args:
        features: (rows, columns, d), the keys.
        query: (d,).
        temperature: Above 0: higher spreads the attention.

    Returns:
        Positive values that sum to 1.

    Example:
        >>> cross_attention(torch.tensor([[[0.0], [2.0]]]), torch.tensor([1.0]))
        tensor([[0.1192, 0.8808]], dtype=torch.float64)

    Source: Vaswani et al. 2017, "Attention Is All You Need", eq. 1.
    """
    found = logits(features, query, temperature)
    return found.flatten().softmax(0).reshape(found.shape)


def logits(features: Tensor, query: Tensor, temperature: float = 1.0) -> Tensor:
    """Returns features . query / (temperature sqrt(d)), float64 (rows, columns); see `cross_attention`."""
    cells, asked = _fitting(features, query)
    return (cells * asked).sum(-1) / (temperature * math.sqrt(cells.shape[-1]))


def relative_attention(question: Tensor, generic: Tensor, floor: float = 1e-3) -> Tensor:
    """Returns attention for a question over attention for a generic prompt, which takes out what always draws it.

    Args:
        question: Attention map (h', w') for the question, non-negative.
        generic: The same for a prompt such as "describe the image".
        floor: The least value of `generic` that is divided by, as a share of its mean.

    Returns:
        float64 (h', w'), non-negative; 1 everywhere where the two are the same.

    Source: "MLLMs Know Where to Look" (ICLR 2025), relative attention. Differs from the publication in the floor,
    which bounds the quotient where a generic prompt looks nowhere.
    """
    asked, always = question.detach().double(), generic.detach().double()
    if asked.shape != always.shape:
        raise ValueError(
            f"the two attention maps must have one shape, got {tuple(asked.shape)} and {tuple(always.shape)}; "
            "take both from the same layer and image"
        )
    least = floor * float(always.mean())
    return asked.clamp(min=least) / always.clamp(min=least) if least > 0 else asked


def has_query(context: Context) -> bool:
    """Returns whether a context says what is asked: an attention map, or a query and features."""
    return context.attention is not None or (context.query is not None and context.features is not None)


def query_map(scene: Scene, cell: int) -> Tensor:
    """Returns `Attention()` where the context has an attention map, else `Query()`."""
    found: Tensor = (Attention() if scene.context.attention is not None else Query())(scene, cell)
    return found


@dataclass(frozen=True)
class Query:
    """How far the features of a cell agree with the query vector, of any model that makes both.

    Attributes:
        kind: "cosine" counts how much nearer a cell is to the query than the least near one is; "attention" is the
            softmax over the cells of the (scaled) products.
        temperature: Of the softmax.
    """

    kind: Literal["cosine", "attention"] = "cosine"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        one_of(self.kind, "kind", KINDS)
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature must be a finite number above 0, got {shorten(self.temperature)}")

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`.

        Raises:
            ValueError: the context has no query or no features.
        """
        features, query = scene.context.features, scene.context.query
        if features is None or query is None:
            missing = "features" if features is None else "query"
            raise ValueError(f"Query needs context.query and context.features, got no {missing}; give both")
        if self.kind == "attention":
            values = cross_attention(features, query, self.temperature)
        else:
            cosine = cosine_relevance(features, query)
            values = cosine - cosine.min()
            values = values.where(values > 1e-9, 0.0)
        return normalised(on_cells(values, scene.size, cell).clamp(min=0))


@dataclass(frozen=True)
class Attention:
    """The attention map of the context, of any resolution: mean attention over each cell."""

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`.

        Raises:
            ValueError: the context has no attention map.
        """
        attention = scene.context.attention
        if attention is None:
            raise ValueError("Attention needs context.attention, got None; give the map")
        return normalised(on_cells(attention.detach(), scene.size, cell).clamp(min=0))


def _fitting(features: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    if features.ndim != 3 or query.ndim != 1 or features.shape[-1] != query.shape[0]:
        raise ValueError(
            "features must be (rows, columns, d) and query (d,) of the same d, got "
            f"{tuple(features.shape)} and {tuple(query.shape)}; take both from one model"
        )
    return features.detach().double(), query.detach().to(features.device, torch.float64)


def _unit(vectors: Tensor) -> Tensor:
    length = vectors.norm(dim=-1, keepdim=True)
    found: Tensor = vectors / length.where(length > 0, 1.0)
    return found
