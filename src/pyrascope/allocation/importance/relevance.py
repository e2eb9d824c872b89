"""Relevance realisation: four ways of knowing as four maps, mixed by a few learnt weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from ..contracts.allocator import Scene
from .combine import checked_maps, checked_weights, mixture
from .frequency import Information
from .importance import ImportanceMap, grid_of_ones
from .learned import Learned, fit_weights
from .query import has_query, query_map
from .saliency import Saliency

WAYS = ("propositional", "perspectival", "participatory", "procedural")


@dataclass(frozen=True)
class Coupling:
    """How query and content meet: the query or attention map where the context has one, else all ones."""

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`."""
        return query_map(scene, cell) if has_query(scene.context) else grid_of_ones(scene.size, cell)


@dataclass(frozen=True)
class RelevanceRealization:
    """What is relevant, by four ways of knowing, each a map that can be measured and switched off.

    * propositional (knowing that): how much information there is, in bits.
    * perspectival (knowing what it is like from here): what stands out.
    * participatory (knowing by taking part): how query and content meet; all ones without a query.
    * procedural (knowing how): a mixture with weights that outcomes have taught.

    An ablation is one line: `replace(relevance, perspectival=None)`.

    Attributes:
        propositional: A map, or None to leave it out.
        perspectival: A map, or None to leave it out.
        participatory: A map, or None to leave it out.
        procedural: A map, or None to leave it out.
        weights: Of the four, in this order, not negative; `fitted` learns them.
        floor: Weight of a map of all ones.

    Source: the four ways of knowing are those of Vervaeke (2019), "Awakening from the Meaning Crisis"; that each is
    one of these maps is a choice of this library.
    """

    propositional: ImportanceMap | None = field(default_factory=Information)
    perspectival: ImportanceMap | None = field(default_factory=Saliency)
    participatory: ImportanceMap | None = field(default_factory=Coupling)
    procedural: ImportanceMap | None = field(default_factory=Learned)
    weights: tuple[float, float, float, float] = (0.25, 0.25, 0.25, 0.25)
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self._maps:
            checked_maps(self._maps)
        checked_weights(self.weights, len(WAYS), self.floor)

    def __call__(self, scene: Scene, cell: int) -> Tensor:
        """Returns the map, see `ImportanceMap`; all ones where all ways are left out."""
        return mixture(self._maps, self._weights, self.floor, scene, cell)

    @property
    def ways(self) -> dict[str, ImportanceMap]:
        """The ways that are not left out, by name."""
        named = {name: getattr(self, name) for name in WAYS}
        return {name: one for name, one in named.items() if one is not None}

    @property
    def _maps(self) -> tuple[ImportanceMap, ...]:
        return tuple(self.ways.values())

    @property
    def _weights(self) -> tuple[float, ...]:
        return tuple(weight for name, weight in zip(WAYS, self.weights, strict=True) if name in self.ways)


def fitted(
    relevance: RelevanceRealization, outcomes: Sequence[tuple[Scene, Tensor]], cell: int = 16
) -> RelevanceRealization:
    """Returns `relevance` with the weights and the floor that predict outcomes best, see `fit_weights`.

    Args:
        relevance: The ways that it leaves out get the weight 0.
        outcomes: Pairs of a scene and what came out in each of its cells of `cell` px, (rows, columns).
        cell: Side of a cell in pixels.

    Raises:
        ValueError: no outcomes or no ways.
    """
    ways = relevance.ways
    samples = [([one(scene, cell) for one in ways.values()], outcome) for scene, outcome in outcomes]
    found, floor = fit_weights(samples)
    weights = dict(zip(ways, found, strict=True))
    first, second, third, fourth = (weights.get(name, 0.0) for name in WAYS)
    return replace(relevance, weights=(first, second, third, fourth), floor=floor)
