"""A model whose visual tokens leave between layers inside a `with` block."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import Module

from ..._check import one_of, shorten
from ...allocation.contracts.dropper import Dropper
from ..budgets import SHARES
from ..held import Held, tokens_of_prompts
from ..host import Host
from ..stock.attention_tap import tapped
from ..stock.decoder import backend_of, layers_of, uncompiled, windows_of
from ..stock.encode import with_features
from ..stock.inputs import REDUCED, check_inputs, has_images
from ..stock.patched import by_names, prompt_by_name
from .first_pass import FirstPass
from .groups import Group, groups_of, with_schedules
from .later_pass import LaterPass
from .prompt import Prompt

MASKABLE = ("sdpa", "eager")


@contextmanager
def dropping(
    host: Host, dropper: Dropper, held: Held, share: str = "image", at_most: bool = False
) -> Iterator["Session"]:
    """Within the block, the layers are ready to let visual tokens go between them, as `dropper` says.

    The calls themselves are those of the session: `Session.forward` and `Session.generate` wrap the model's own.
    Tokens keep their positions. The logits of `forward` are at the columns of the whole prompt; those of tokens that
    have left mean nothing. Each layer's cache holds the tokens that the layer saw.

    Args:
        host: The model, and its processor where SmolVLM or Idefics3 need it to tell which tiles make up an image.
        dropper: A dropper.
        held: Has the budget: the mean number of visual tokens over the layers, of each image or prompt as `share` says;
            None for the dropper's own schedule; a list has one for each image; a pair has it second.
        share: "image": every image has its schedule; "prompt": the images of a prompt have one together.
        at_most: Whether an image that has fewer tokens than its budget keeps all.

    Yields:
        The session.

    Raises:
        NotImplementedError: a language model or an attention backend that is not served.
        ValueError: from the calls within: a budget out of reach, a static cache, chunked prefill, videos.
    """
    session = Session(host, dropper, held, share, at_most)
    with ExitStack() as stack:
        for number, layer in enumerate(session.layers):
            before, after = session.hooks(number)
            stack.callback(layer.register_forward_pre_hook(before, with_kwargs=True).remove)
            stack.callback(layer.register_forward_hook(after).remove)
        yield session


def check_served(host: Host) -> None:
    """Refuses model types of which `verify` has found that their layers cannot be given fewer tokens from outside.

    Raises:
        NotImplementedError: one whose record says so.
    """
    if reason := host.family.layers:
        raise NotImplementedError(f"layers of {host.model.config.model_type} {reason}")


class _Call(threading.local):
    """What a thread is doing: the pass that is being run, and where the prompt ends."""

    now: FirstPass | LaterPass | None = None
    end: int | None = None


class Session:
    """What is known between the calls of one block: caches that hold fewer tokens, and what each thread is doing."""

    def __init__(self, host: Host, dropper: Dropper, held: Held, share: str, at_most: bool) -> None:
        """Checks that the model can be served."""
        one_of(share, "share", SHARES)
        self.host, self.model, self.dropper, self.held, self.share = host, host.model, dropper, held, share
        check_served(host)
        self.layers = layers_of(host.model)
        self.windows = windows_of(self.layers)
        backend = backend_of(host.model)
        if backend not in MASKABLE:
            raise NotImplementedError(f"the attention backend must be {' or '.join(MASKABLE)} here, got {backend}")
        self.additive = backend == "eager"
        self.composed, self.at_most = False, at_most
        self.prompts: WeakKeyDictionary[Any, Prompt] = WeakKeyDictionary()
        self.call = _Call()

    def hooks(self, layer: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Returns the hooks before and after a decoder layer."""

        def before(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if (now := self.call.now) is None:
                return None
            given = by_names(module.forward)(*args, **kwargs)
            if layer == 0 and isinstance(now, FirstPass):
                self._remember(given.get("past_key_values"), now.prompt)
            call = now.before(layer, given.pop("hidden_states"), given)
            return None if call is None else ((call[0],), call[1])

        def after(module: Module, args: tuple[Any, ...], output: Any) -> Any:
            if (now := self.call.now) is None:
                return None
            if isinstance(output, tuple):
                return (now.after(layer, output[0]), *output[1:])
            return now.after(layer, output)

        return before, after

    def alone(self, budget: Any) -> Any:
        """The dropper's budget where one value was given: that value, unless another method has been given it."""
        return None if self.composed else budget

    def note(self, given: dict[str, Any], whole: Sequence[Group], left: Sequence[Group]) -> None:
        """Takes down which tokens reach the last layer, and how many each layer saw."""
        layers = []
        for row, (text, _) in enumerate(tokens_of_prompts(self.model, given)):
            counts = [group.counts for group in whole if group.row == row]
            layers.append([text, *map(sum, zip(*counts, strict=True))])
        if self.composed:  # what came before the layers has said which tokens it kept
            self.held.note(self.model, self.held.plans, self.held.kept, layers)
            return
        kept = [torch.searchsorted(group.columns, last.columns) for group, last in zip(whole, left, strict=True)]
        self.held.note(self.model, [], kept, layers)

    def _remember(self, cache: Any, prompt: Prompt) -> None:
        if cache is not None:
            _check_cache(cache)
            self.prompts[cache] = prompt

    def forward(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `forward` with a pass begun before it and ended after it."""
        named = by_names(stock)

        @functools.wraps(stock)
        def forward(*args: Any, **kwargs: Any) -> Any:
            given = named(*args, **kwargs)
            unchecked = self.call.end is None and not given.get(REDUCED) and given.get("inputs_embeds") is None
            if has_images(given) or unchecked:
                check_inputs(self.model, given)
            if has_images(given):
                given = with_features(self.model, given)
            with ExitStack() as stack:
                stack.callback(setattr, self.call, "now", None)
                now = self.call.now = self._pass(given)
                stack.enter_context(uncompiled(self.model))
                if isinstance(now, FirstPass) and now.listeners():
                    stack.enter_context(tapped(now.listeners()))
                whole = list(now.prompt.groups) if isinstance(now, FirstPass) else []
                out = stock(**given)
                if isinstance(now, FirstPass):
                    self.note(given, whole, now.prompt.groups)
                return out

        return torch.compiler.disable(forward)  # type: ignore[no-any-return,no-untyped-call]

    def _pass(self, given: dict[str, Any]) -> FirstPass | LaterPass | None:
        """What this call is: the first of a prompt with images, one that goes on from it, or none of ours."""
        cache, ids = given.get("past_key_values"), given.get("input_ids")
        if cache is not None:
            _check_cache(cache)
        past = 0 if cache is None else cache.get_seq_length()
        visual = None if ids is None else ids == self.host.image_token
        if past and cache in self.prompts:
            new = (given["inputs_embeds"] if ids is None else ids).shape[1]
            prompt = self.prompts[cache]
            shown = _shown(given.get("attention_mask"), (len(prompt.shown), past + new), prompt.shown.device)
            shown[:, : prompt.shown.shape[1]] &= prompt.shown
            return LaterPass(prompt, cache, past, shown, self.windows, self.additive)
        if ids is None and not past:
            raise ValueError(
                "dropping needs input_ids to find the images, got only inputs_embeds; pass the prompt's ids"
            )
        if ids is None or visual is None or not bool(visual.any()):
            return None
        if self.model.training and any(getattr(part, "gradient_checkpointing", False) for part in self.model.modules()):
            raise ValueError("dropping cannot run layers twice, got gradient checkpointing; disable it for these calls")
        if not given.get(REDUCED):  # a model may well write a placeholder of its own
            return None
        if past:
            raise ValueError(
                "the images must come with the whole prompt in one call, got a part of it; leave out prefill_chunk_size"
            )
        groups = groups_of(self.host, ids, given[REDUCED], self.share)
        budget = self.held.budget
        own = budget[1] if isinstance(budget, tuple) else self.alone(budget)
        groups = with_schedules(groups, self.dropper, own, len(self.layers), self.at_most)
        shown = _shown(given.get("attention_mask"), tuple(visual.shape), visual.device)
        end = visual.shape[1] if self.call.end is None else self.call.end
        prompt = Prompt(groups, visual, shown, end, [None] * len(self.layers))
        return FirstPass(prompt, self.dropper, self.layers)

    def generate(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `generate`, which remembers where the prompt ends."""
        named = prompt_by_name(stock)

        @functools.wraps(stock)
        def generate(*args: Any, **kwargs: Any) -> Any:
            given = named(*args, **kwargs)
            check_inputs(self.model, given, reduced=True)
            config = given.get("generation_config") or self.model.generation_config
            if given.get("prefill_chunk_size") or getattr(config, "prefill_chunk_size", None):
                raise ValueError("dropping needs the prompt in one piece, got prefill_chunk_size; leave it out")
            ids = given.get("input_ids")
            self.call.end = None if ids is None else ids.shape[1]
            try:
                return stock(**given)
            finally:
                self.call.end = None

        return generate


def _check_cache(cache: Any) -> None:
    if getattr(cache, "is_compileable", False):
        raise ValueError(
            f"dropping needs a cache that grows, got {type(cache).__name__} of a fixed size; "
            "leave out cache_implementation"
        )


def _shown(mask: Any, shape: tuple[int, ...], device: torch.device) -> Tensor:
    if isinstance(mask, Tensor) and mask.ndim == 2 and tuple(mask.shape) == shape:
        return mask.bool().clone()
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=device)
    got = getattr(mask, "shape", mask)
    raise ValueError(f"attention_mask must be {shape}, an entry for each token so far, got {shorten(got)}")
