"""The checks of the layers site: all tokens into the language model, fewer through it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from ....allocation.contracts.dropper import AHEAD, Dropper, Kept, Stage
from ....allocation.contracts.site import LAYERS, Site
from ....methods.droppers import PyramidDrop, Scheduled
from ...attach import attach
from ...stock.attention_tap import tapped
from ...stock.decoder import layers_of
from ...stock.patched import by_names
from ...stock.placeholders import placeholder_runs
from ...stock.protocols import Model, Processor
from .check import Check, Finding, Make, close, generated

DROPPER = PyramidDrop()


@dataclass(eq=False)
class Recorded:
    """`DROPPER`, and what it kept: which of its image's tokens, for each image and layer.

    Attributes:
        alive: By the number of the image: {layer: indices of its tokens that go on}.
    """

    alive: list[dict[int, Tensor]] = field(default_factory=list)
    site: ClassVar[Site] = LAYERS
    looks: ClassVar[str] = AHEAD

    def schedule(self, tokens: int, layers: int, budget: int | None = None) -> list[int]:
        """As `DROPPER`; each image asks once a prompt."""
        self.alive.append({0: torch.arange(tokens)})
        return DROPPER.schedule(tokens, layers, budget)

    def keep(self, stage: Stage, count: int) -> Kept:
        """As `DROPPER`; images come in order at each stage, those that lose nothing are left out."""
        kept = DROPPER.keep(stage, count)
        n = len(stage.visual)
        mine = next(one for one in self.alive if stage.layer not in one and len(one[max(one)]) == n)
        mine[stage.layer] = mine[max(mine)][kept.kept.cpu()]
        return kept


def _attached(model: Model, processor: Processor | None, dropper: Dropper = DROPPER) -> Any:
    return attach(model, dropper, processor=processor)


def _full_logits(model: Model, processor: Processor | None, make: Make) -> Finding:
    inputs = make((0, 1))
    with _attached(model, processor, Scheduled({1: 1.0})):
        ours = model(**inputs).logits
    return close(ours[:, -1], model(**inputs).logits[:, -1])


def _full_tokens(model: Model, processor: Processor | None, make: Make) -> Finding:
    inputs = make((0, 1))
    stock, tokens = generated(model, inputs)
    with _attached(model, processor, Scheduled({1: 1.0})):
        ours, same = generated(model, inputs)
    good, detail = close(ours, stock)
    return good and torch.equal(tokens, same), detail


def _counts(model: Model, processor: Processor | None, make: Make) -> Finding:
    layers, found, wanted = layers_of(model), [], []
    for row in (0, 1):
        inputs, lengths = make((row,)), [0] * len(layers)

        def listen(layer: int, lengths: list[int] = lengths) -> Any:
            return lambda query, key, mask, factor: lengths.__setitem__(layer, key.shape[2])

        recorded = Recorded()
        with _attached(model, processor, recorded), tapped({one.self_attn: listen(i) for i, one in enumerate(layers)}):
            model(**inputs)
        schedules = [DROPPER.schedule(len(one[0]), len(layers)) for one in recorded.alive]
        text = int(inputs["attention_mask"].sum()) - sum(counts[0] for counts in schedules)
        found.append([length - text for length in lengths])
        wanted.append([sum(column) for column in zip(*schedules, strict=True)])
    return found == wanted and found[0][-1] < found[0][0], f"{found} visual tokens in the layers for {wanted}"


def _masking(model: Model, processor: Processor | None, make: Make) -> Finding:
    inputs, recorded = make((0, 1)), Recorded()
    with _attached(model, processor, recorded):
        ours, tokens = generated(model, inputs)
    with _masked(model, inputs["input_ids"], recorded):
        stock, same = generated(model, inputs, use_cache=False)
    good, detail = close(ours, stock)
    return good and torch.equal(tokens, same), detail


@contextmanager
def _masked(model: Model, ids: Tensor, recorded: Recorded) -> Iterator[None]:
    """The stock model with all its tokens, where no other token sees those that have left."""
    columns = [
        torch.tensor([(run.row, column) for column in run.columns])
        for run in placeholder_runs(ids, model.config.image_token_id)
    ]
    places = torch.cat(columns)
    gone = torch.zeros(len(layers_of(model)), *ids.shape, dtype=torch.bool)
    for one in recorded.alive:
        mine, places = places[: len(one[0])], places[len(one[0]) :]
        for layer in range(len(gone)):
            left = one[max(at for at in one if at <= layer)]
            hidden = torch.ones(len(mine), dtype=torch.bool).scatter(0, left, False)
            gone[layer, mine[hidden, 0], mine[hidden, 1]] = True

    def hook(layer: int) -> Any:
        def before(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            given = by_names(module.forward)(*args, **kwargs)
            hidden, mask = given.pop("hidden_states"), given.get("attention_mask")
            s = hidden.shape[1]
            if mask is None:
                mask = torch.ones(s, s, dtype=torch.bool, device=hidden.device).tril()[None, None]
            out = torch.nn.functional.pad(gone[layer], (0, s - ids.shape[1])).to(hidden.device)[:, None, None]
            out = out & ~torch.eye(s, dtype=torch.bool, device=hidden.device)
            shut = False if mask.dtype == torch.bool else torch.finfo(mask.dtype).min
            return (hidden,), {**given, "attention_mask": mask.expand(len(ids), -1, -1, -1).masked_fill(out, shut)}

        return before

    with ExitStack() as stack:
        for i, layer in enumerate(layers_of(model)):
            stack.callback(layer.register_forward_pre_hook(hook(i), with_kwargs=True).remove)
        yield


def _batch(model: Model, processor: Processor | None, make: Make) -> Finding:
    with _attached(model, processor):
        together, _ = generated(model, make((0, 1)))
        alone = [generated(model, make((row,)))[0] for row in (0, 1)]
    return close(together, torch.cat(alone))


def _cache(model: Model, processor: Processor | None, make: Make) -> Finding:
    with _attached(model, processor):
        cached, _ = generated(model, make((0, 1)))
        whole, _ = generated(model, make((0, 1)), use_cache=False)
    return close(cached, whole)


def _text(model: Model, processor: Processor | None, make: Make) -> Finding:
    prompt = {"input_ids": torch.tensor([[3, 4, 5]], device=model.device)}
    prompt["attention_mask"] = torch.ones_like(prompt["input_ids"])
    stock, _ = generated(model, prompt)
    with _attached(model, processor):
        ours, _ = generated(model, prompt)
    return torch.equal(stock, ours), "bit for bit"


def _restored(model: Model, processor: Processor | None, make: Make) -> Finding:
    inputs = make((0, 1))
    names, hooks, stock = set(vars(model)), _hooks(model), model(**inputs).logits
    with _attached(model, processor):
        model.generate(**dict(inputs), max_new_tokens=1)
    same = set(vars(model)) == names and _hooks(model) == hooks
    return same and torch.equal(model(**inputs).logits, stock), "bit for bit"


def _hooks(model: Model) -> list[int]:
    return [number for one in layers_of(model) for number in (*one._forward_pre_hooks, *one._forward_hooks)]


CHECKS: dict[str, Check] = {
    "full share: logits": _full_logits,
    "full share: tokens": _full_tokens,
    "as scheduled": _counts,
    "dropping equals masking": _masking,
    "batch equals rows": _batch,
    "cached equals uncached": _cache,
    "text passes through": _text,
    "restored": _restored,
}
