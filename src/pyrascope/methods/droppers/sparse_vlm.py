"""Text tokens that concern the image rate its tokens; the better ones of those dropped come back in clusters."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import torch
from torch import Tensor

from ..._check import one_of, whole_number
from ...allocation.budgets.selection import top_k
from ...allocation.contracts.dropper import BEHIND, Kept, Stage, exact, scheduled, share
from ...allocation.contracts.site import LAYERS, Site
from ...allocation.ties import ROUNDED, first_of_largest, margin_of, settled

TABLES = {192: (300, 200, 110), 128: (303, 110, 36), 64: (66, 30, 17)}
"""Published counts of 576 tokens, by the nominal number; their means over 32 layers are 191.0, 126.25 and 62.125."""
AFTER, DEPTH, TOKENS = (2, 6, 16), 32, 576


@dataclass(frozen=True)
class SparseVLM:
    """Keeps the tokens that the raters attend to most in the layer that has run, and recycles some of the others.

    Raters are the text tokens behind the image whose embedding's mean similarity to it is at least the average. Of the
    dropped tokens the best-rated share `recycle` is clustered (density peaks), one cluster for each 10 and one more;
    each leaves one token at the place of its centre, with the sum of its members' hidden states. Clusters count: a
    stage has exactly its number of tokens.

    Attributes:
        table: Which published table gives the counts, for other numbers of tokens and layers in proportion: 192, 128
            or 64. With a budget, the shape of the table nearest to it.
        recycle: Share of the dropped tokens in [0, 1]; 0 recycles none.
        neighbours: Of the density, >= 1.

    Source: Zhang et al. 2024, "SparseVLM: Visual Token Sparsification for Efficient Vision-Language Model Inference".
    Differs from the publication in counts by table and budget instead of the rank of the attention, in any number of
    images, and in that clusters stand among the kept tokens in the order of the image.
    """

    site: ClassVar[Site] = LAYERS
    table: int = 192
    recycle: float = 0.3
    neighbours: int = 5
    looks: ClassVar[str] = BEHIND

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            one_of(str(self.table), "table", [str(name) for name in TABLES])
        if self.recycle != 0:
            share(self.recycle, "recycle, if not 0,")
        whole_number(self.neighbours, "neighbours", 1)

    def schedule(self, tokens: int, layers: int, budget: int | None = None) -> list[int]:
        """Returns the visual tokens in each layer; see `Dropper.schedule`.

        Example:
            >>> [sum(SparseVLM(table).schedule(576, 32)) / 32 for table in (192, 128, 64)]
            [191.0, 126.25, 62.125]
        """
        table = self.table
        if budget is not None and tokens:
            nominal = whole_number(budget, "budget (mean over the layers)", 0, tokens) * TOKENS / tokens
            table = min(TABLES, key=lambda name: abs(name - nominal))
        stages: dict[int, Fraction] = {}
        for after, count in zip(AFTER, TABLES[table], strict=True):
            stages[max(round(Fraction(after * layers, DEPTH)), 1)] = Fraction(count, TOKENS)
        return scheduled(tokens, layers, [(at, part) for at, part in stages.items() if at < layers], budget)

    def keep(self, stage: Stage, count: int) -> Kept:
        """Returns the `count` tokens and clusters, in their order."""
        scores = stage.attention(_raters(stage)).mean(0)
        dropped = len(scores) - count
        recycled = int(exact(self.recycle) * dropped)
        clusters = min(recycled // 10 + 1, recycled, count - 1)
        order = top_k(scores, len(scores))
        best, pool = order[: count - clusters], order[count - clusters :][:recycled].sort().values
        if not clusters:
            return Kept(best.sort().values)
        states = stage.hidden[stage.visual]
        centres, label = density_peaks(states[pool].detach(), clusters, self.neighbours)
        sums = states.new_zeros(clusters, states.shape[1]).index_add(0, label, states[pool])
        kept, place = torch.cat([best, pool[centres]]).sort()
        return Kept(kept, torch.cat([states[best], sums])[place])


def _raters(stage: Stage) -> Tensor:
    """The text tokens that rate: see `SparseVLM`; the last one where no text follows the image."""
    text = stage.text[stage.text > stage.visual[-1]]
    if not len(text):
        return stage.last
    image, words = stage.embedded[stage.visual].float(), stage.embedded[text].float()
    likeness = (image @ words.T / words.shape[1] ** 0.5).softmax(-1).mean(0)
    return text[likeness >= likeness.mean() * (1 - ROUNDED)]  # all of them where all are alike


def density_peaks(points: Tensor, clusters: int, neighbours: int) -> tuple[Tensor, Tensor]:
    """Returns the centres of `clusters` clusters (indices), and the cluster of each point.

    A point's density is exp(-mean squared distance to its nearest `neighbours`, per dimension); centres are those of
    the largest density times distance to the nearest denser point (the densest: to the farthest). The others join the
    nearest centre.

    Args:
        points: (n, d), n >= 1.
        clusters: From 1 to n.
        neighbours: At most n - 1 are used.

    Example:
        >>> density_peaks(torch.tensor([[0.0], [0.1], [0.2], [5.0], [5.1]]), 2, 1)
        (tensor([0, 3]), tensor([0, 0, 0, 1, 1]))

    Source: Rodriguez and Laio 2014, "Clustering by fast search and find of density peaks"; the density of Du et al.
    2016, "Study on density peaks clustering based on k-nearest neighbors and principal component analysis".
    """
    values = points.double()
    squares = values.square().sum(1)
    squared = (squares[:, None] + squares - 2 * values @ values.T).clamp(min=0)
    # Distances that are equal on paper are made so: all that follows compares and adds them.
    squared = settled(squared, margin_of(points.dtype), size=float(squares.max()))
    squared = torch.where(squared <= margin_of(points.dtype) * squares.max(), 0.0, squared)
    distance = squared.sqrt() / values.shape[1] ** 0.5
    n = len(values)
    apart = distance.masked_fill(torch.eye(n, dtype=torch.bool, device=values.device), torch.inf)
    near = apart.topk(min(neighbours, n - 1), largest=False).values
    density = torch.exp(-near.square().mean(1)) if n > 1 else torch.ones_like(squares)
    rank = top_k(density, n).argsort()  # of equals the first counts as denser
    denser = rank[None, :] < rank[:, None]
    reach = torch.where(denser, distance, torch.inf).min(1).values
    reach = torch.where(rank == 0, distance.max(1).values, reach)
    centres = top_k(density * reach, clusters)
    label = first_of_largest(-distance[:, centres], 0.0)
    label[centres] = torch.arange(clusters, device=label.device)
    return centres, label
