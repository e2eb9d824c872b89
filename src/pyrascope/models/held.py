"""What a block of `attach` says about its calls: attributes of the model that it yields."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from ..allocation.budgets.cost import Decoder, flops
from ..allocation.plan import Plan
from .stock.inputs import with_mask
from .stock.protocols import Model

NAMES = ("plans", "kept", "budget", "cost")


class Held:
    """The calls of one block, as attributes of its model."""

    def __init__(self, model: Any, budget: Any) -> None:
        """Nothing has been called yet."""
        self._model = model
        self._show([], [], None)
        vars(model)["budget"] = budget

    @property
    def budget(self) -> Any:
        """The budget of the next call: as it was given, or set on the model since."""
        return vars(self._model)["budget"]

    @property
    def plans(self) -> list[Plan]:
        """The plans of the last call."""
        plans: list[Plan] = vars(self._model)["plans"]
        return plans

    @property
    def kept(self) -> list[Tensor]:
        """Which of each image's stock tokens the last call left."""
        kept: list[Tensor] = vars(self._model)["kept"]
        return kept

    def note(
        self, model: Model, plans: Sequence[Plan], kept: Sequence[Tensor], layers: Sequence[Sequence[int]]
    ) -> None:
        """Takes down what a call has done.

        Args:
            model: The model that ran.
            plans: Of each image; none off the pixels site.
            kept: Which of each image's stock tokens are left, int64.
            layers: The number of text tokens of each prompt, followed by its visual tokens in each layer.
        """
        self._show(list(plans), list(kept), _cost(model, layers))

    def _show(self, plans: list[Plan], kept: list[Tensor], cost: int | None) -> None:
        vars(self._model).update(plans=plans, kept=kept, cost=cost)


@contextmanager
def held(model: Any, budget: Any) -> Iterator[Held]:
    """Within the block, the model has the attributes `plans`, `kept`, `budget` and `cost`; then what it had before."""
    before = {name: vars(model)[name] for name in NAMES if name in vars(model)}
    try:
        yield Held(model, budget)
    finally:
        for name in NAMES:
            vars(model).pop(name, None)
        vars(model).update(before)


def tokens_of_prompts(model: Model, inputs: dict[str, Any]) -> list[list[int]]:
    """Returns of each prompt its text tokens, then its visual ones, as they stand in the inputs."""
    full = with_mask(inputs)
    visual = (full["input_ids"] == model.config.image_token_id) & full["attention_mask"].bool()
    shown = full["attention_mask"].bool().sum(1)
    return [[int(all_) - int(seen), int(seen)] for all_, seen in zip(shown, visual.sum(1), strict=True)]


def _cost(model: Model, prompts: Sequence[Sequence[int]]) -> int | None:
    """Operations of the prefill, as `allocation.budgets.cost.flops` counts them; None for a decoder of another kind."""
    try:
        decoder = Decoder.from_config(model.config.to_dict())
    except (TypeError, ValueError):
        return None
    total = 0
    for text, *visual in prompts:
        counts = visual if len(visual) == decoder.layers else (visual or [0])[:1] * decoder.layers
        total += flops(decoder, counts, other=text)
    return total
