"""A stage of training: what its batches are, what it lowers, and how fast."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..forward import features_of, reply_to
from ..heads import COLUMNS, Heads
from .crops import crops
from .losses import dense_losses, place_loss, reconstruction_loss, spot_loss
from .quizzes import SHARES, layouts, quiz
from .targets import IGNORED

Batch = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: "read", "answer" or another.
        steps: How many.
        batch: Makes batch `step`, with nothing but a generator seeded by it.
        loss: Returns the loss and what is logged.
        rates: Peak rates by group: "tower" and "decoder" (Muon on matrices), "rest" (AdamW).
        warm: Steps to the peak.
        decay: Share of the steps, at the end, over which the rates fall linearly to 3 %.
    """

    name: str
    steps: int
    batch: Callable[[np.random.Generator, int], Batch]
    loss: Callable[[Any, Heads, Batch], tuple[Tensor, dict[str, float]]]
    rates: Mapping[str, float]
    warm: int = 100
    decay: float = 0.5

    def rate(self, step: int) -> float:
        """Returns the factor of all rates at a step."""
        left = (self.steps - step) / max(1, self.decay * self.steps)
        return min(1.0, (step + 1) / self.warm) * max(0.03, min(1.0, left))


HIDDEN = 0.3
"""Share of a crop's tokens that reconstruction hides."""
WEIGHTS = {"answer": 1.0, "dense": 1.0, "spot": 0.3, "look": 0.3, "mention": 0.3, "attended": 0.6, "place": 0.6,
           "both": 0.3, "aimed": 0.3, "reconstruction": 0.1}  # fmt: skip
"""Of the parts of the loss: the answers; what each token shows, and where it is; where the last word looks; where that
is which a word names, by its state, by an attention head, and as row, column and size; the latter of both things, by
the last word; where what is read lies, by the attention of the words that say it; hidden pixels."""


def read_batch(random: np.random.Generator, step: int) -> Batch:
    """Crops: in large type for the first 500 steps."""
    patches, centers, wanted = crops(random, 48, step < 500)
    return {"patches": patches, "centers": centers, "wanted": wanted}


def masked_batch(random: np.random.Generator, step: int) -> Batch:
    """The same, with some tokens hidden."""
    batch = read_batch(random, step)
    hidden = torch.from_numpy(random.random(batch["patches"].shape[:2]) < HIDDEN)
    return batch | {"hidden": hidden, "wanted": batch["wanted"].masked_fill(hidden[..., None], IGNORED)}


def read_loss(model: Any, heads: Heads, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """The dense targets; where tokens are hidden, also what pictures the tower gives back."""
    hidden, patches = batch.get("hidden"), batch["patches"]
    features = features_of(
        model, patches if hidden is None else patches.masked_fill(hidden[..., None], 0), batch["centers"]
    )
    loss, right = dense_losses(heads, features, batch["wanted"])
    loss = loss + WEIGHTS["spot"] * spot_loss(heads, features, batch["centers"])
    seen = {"loss": float(loss.detach()), **dict(zip(COLUMNS, right, strict=True))}
    if hidden is None:
        return loss, seen
    given_back = reconstruction_loss(heads, features, patches)
    return loss + WEIGHTS["reconstruction"] * given_back, seen | {"reconstruction": float(given_back.detach())}


def quiz_batch(
    shares: Mapping[str, float], most: int, families: Mapping[str, float]
) -> Callable[[np.random.Generator, int], Batch]:
    """Batches of these kinds, with questions of these families."""
    names, weights = list(shares), np.array(list(shares.values()))

    def batch(random: np.random.Generator, step: int) -> Batch:
        name = names[random.choice(len(names), p=weights / weights.sum())]
        return read_batch(random, 10**6) if name == "crops" else quiz(random, layouts(step)[name], most, families)

    return batch


def answer_loss(model: Any, heads: Heads, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Answers, dense targets and the look; dense targets alone where nothing is asked."""
    if "text" not in batch:
        loss, seen = read_loss(model, heads, batch)
        return loss, {f"crops {name}": seen[name] for name in ("loss", "character", "corner")}
    features = features_of(model, batch["patches"], batch["centers"])
    reply = reply_to(model, features, batch["centers"], batch["text"])
    labels, meant = batch["labels"], batch["meant"].flatten(0, 2)
    look = heads.look(reply.states, reply.shown, batch["last"]).float().flatten(0, 1)
    words = _at(reply.middle, batch["named"])
    named = heads.mentioned(words, reply.shown).float().flatten(0, 1)
    attention = _at(reply.attended, batch["named"]).float().flatten(0, 1)
    dense, right = dense_losses(heads, features, batch["wanted"])
    place, placed = place_loss(heads.place(words), batch["spots"])
    both, both_placed = place_loss(heads.both(_at(reply.late, batch["last"][..., None])), batch["spots"])
    saying = batch["last"][..., None] + torch.arange(2)
    aimed = _at(reply.aimed, saying).float().flatten(0, 1)
    own = features.shape[1] + torch.arange(labels.shape[1])[:, None] * labels.shape[2] + saying
    aims = F.pad(batch["read"][..., :-1], (0, labels[0].numel())).scatter_(3, own[..., None], batch["read"][..., -1:])
    losses = {
        "answer": F.cross_entropy(reply.logits.float().flatten(0, 2), labels.flatten(), ignore_index=IGNORED),
        "dense": dense,
        "spot": spot_loss(heads, features, batch["centers"]),
        "look": _pointed(look, batch["look"].flatten(0, 1)),
        "mention": _pointed(named, meant),
        "attended": _pointed(attention, F.pad(meant[:, :-1], (0, attention.shape[1] - meant.shape[1] + 1))),
        "place": place,
        "both": both,
        "aimed": _pointed(aimed, aims.flatten(0, 2)),
    }
    exact = ((reply.logits.detach().argmax(-1) == labels) | (labels == IGNORED)).all(-1)
    seen = {name: float(loss.detach()) for name, loss in losses.items()} | _shares_right(batch["families"], exact)
    seen |= {name: right[COLUMNS[name]] for name in ("character", "corner")}
    seen |= {"placed": placed, "both placed": both_placed}
    loss = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
    return loss, {f"{batch['layout']}: {name}": value for name, value in seen.items()}


def _shares_right(families: Sequence[Sequence[str]], exact: Tensor) -> dict[str, float]:
    """The share of exact answers (b, q) in each family; apart, of numbers asked first, which most layouts show."""
    marks: dict[str, list[bool]] = {}
    for names, row in zip(families, exact.tolist(), strict=True):
        for i, (family, mark) in enumerate(zip(names, row, strict=True)):
            marks.setdefault("number first" if i == 0 and family == "number" else family, []).append(mark)
    return {name: sum(values) / len(values) for name, values in marks.items()}


def _at(states: Tensor, places: Tensor) -> Tensor:
    """The states (b, q, l, d) at places (b, q, k), as (b, q * k, d)."""
    return torch.take_along_dim(states, places[..., None], 2).flatten(1, 2)


def _pointed(scores: Tensor, aim: Tensor) -> Tensor:
    """The mean cross entropy of scores (m, n) to shares that sum to 1; rows without any do not count."""
    asked = aim.sum(-1) > 0
    return -(aim * scores.log_softmax(-1)).sum(-1)[asked].mean() if bool(asked.any()) else scores.sum() * 0


def questions(
    name: str, steps: int, shares: Mapping[str, float], most: int, rates: Mapping[str, float], decay: float = 0.5,
    families: Mapping[str, float] = SHARES,
) -> Stage:  # fmt: skip
    """A stage of questions in these layouts."""
    return Stage(name, steps, quiz_batch(shares, most, families), answer_loss, rates, warm=50, decay=decay)
