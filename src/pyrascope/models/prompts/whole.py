"""What user code sees while a prompt with fewer visual tokens is generated from: the prompt that was given."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def show_whole_prompt(inputs: dict[str, Any], prompt: Tensor) -> None:
    """Wraps what `generate` calls back with token ids, so that these begin with the prompt that was given.

    Args:
        inputs: Of `generate` for the shorter prompt; criteria, processors, `prefix_allowed_tokens_fn` and the streamer
            in it are replaced.
        prompt: Token ids (b, s) of the whole prompt.
    """
    length = inputs["input_ids"].shape[1]

    def whole(ids: Tensor) -> Tensor:
        """Token ids (n, t) of the shorter prompt and what follows, with the whole prompt in front instead."""
        front = prompt.to(ids.device).repeat_interleave(len(ids) // len(prompt), 0)
        return torch.cat([front, ids[:, length:]], 1)

    for name in ("stopping_criteria", "logits_processor"):
        if inputs.get(name):
            inputs[name] = _of_class(inputs[name], [_seeing(each, whole) for each in inputs[name]])
    allowed = inputs.get("prefix_allowed_tokens_fn")
    if allowed is not None:
        inputs["prefix_allowed_tokens_fn"] = lambda row, ids: allowed(
            row, torch.cat([prompt[row].to(ids.device), ids[length:]])
        )
    if inputs.get("streamer") is not None:
        inputs["streamer"] = _Streamer(inputs["streamer"], prompt)


def _of_class(given: Any, items: Sequence[Any]) -> Any:
    """The items in a list of the class that was given, such as StoppingCriteriaList."""
    return type(given)(items)


def _seeing(called: Callable[..., Any], whole: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def call(ids: Tensor, *args: Any, **kwargs: Any) -> Any:
        return called(whole(ids), *args, **kwargs)

    return call


class _Streamer:
    """A streamer that is shown the whole prompt first."""

    def __init__(self, streamer: Any, prompt: Tensor) -> None:
        """The prompt is still to come."""
        self._streamer: Any = streamer
        self._prompt: Tensor | None = prompt

    def put(self, value: Tensor) -> None:
        """Passes tokens on; the first are those of the prompt."""
        if self._prompt is not None:
            value, self._prompt = self._prompt.cpu(), None
        self._streamer.put(value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._streamer, name)
