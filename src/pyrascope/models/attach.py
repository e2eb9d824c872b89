"""A model that spends exactly B visual tokens an image inside a `with` block, and is itself again after it."""

import copy
import functools
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import Tensor

from ..allocation.contracts.allocator import Allocator
from ..allocation.contracts.dropper import Dropper
from ..allocation.contracts.reducer import Reducer
from ..methods.composed import Composed
from .fewer import smaller_inputs
from .held import held
from .host import Host
from .layers import dropping
from .options import GRID, ORIGINAL, PixelOptions, check_options
from .pixels.planning import DEFAULT
from .prompts.whole import show_whole_prompt
from .sites import LAYERS, site_of
from .stock.encode import pooled_of
from .stock.inputs import REDUCED, check_inputs, has_images
from .stock.patched import Wrap, by_names, patched, prompt_by_name
from .stock.protocols import Model
from .stock.support import transformers

IGNORED = -100
"""The label of a token whose loss does not count."""
Caches = weakref.WeakSet
"""Caches of prompts with fewer visual tokens."""


@contextmanager
def attach(  # noqa: PLR0913 (options by name)
    model: Any,
    method: Allocator | Reducer | Dropper | Composed = DEFAULT,
    budget: Any = None,
    *,
    processor: Any = None,
    share: str = "image",
    positions: str = ORIGINAL,
    at_most: bool = False,
    finest: str | int = GRID,
    sized: float | None = None,
    weights: Sequence[Tensor | None] | None = None,
) -> Iterator[Any]:
    """Within the block, `model.generate` and `model(...)` run with exactly `budget` visual tokens an image.

    Nothing but this instance changes, and it is as before afterwards, also after an error (where a method listens to
    attention, a backend of ours stays in transformers' registry; no model names it outside a block). `generate`
    returns the prompt as it was given before the new tokens; the logits of `forward` are those of the shorter prompt.
    Calls without images pass through.

    With a method of the pixels site the given processor remembers the images of its latest 64 calls until the block
    ends, so that plans know the source: its size, and its pixels where `finest` asks for them. It finds them again by
    the token ids and pixels that it made of them. Where it does not, plans are made on the pixels that arrive, and a
    warning says so once.

    Args:
        model: A model of transformers that takes encoded features; also inside a PEFT adapter of its layers.
        method: An allocator (`pyrascope.methods`, pixels site), a reducer (`pyrascope.reducers`, features site), a
            dropper (`pyrascope.droppers`), which lets tokens go between layers, or two of them by `pyrascope.compose`.
            Where none is given, `TwoLevels()`: told nothing about where to look, a frozen encoder kept as much of it as
            of a plain resize, and of other plans less (docs/experiments.md, "what a frozen encoder tolerates").
        budget: Tokens of each image, or a list, one number an image; a float in (0, 1] is a ratio of the stock count,
            rounded half up, at least 1 (so 1 is one token and 1.0 all). For a dropper the mean number of visual tokens
            over the layers, met up to less than one, or None for its own schedule. Of two methods it is that of the
            first; a pair sets both.
        processor: The model's processor. Plans need it to know the source images and how values are normalised; SmolVLM
            and Idefics3 need it at every site, to tell which tiles make up an image.
        share: "image": every image has the budget; "prompt": the images of a prompt share it.
        positions: "original": tokens keep their places in the prompt; "compact": positions that nothing uses any more
            close up. Not for a dropper, which keeps the positions.
        at_most: Whether an image that has fewer tokens than its budget keeps what it has, instead of an error.
        finest: Of an allocator alone: its finest level, "grid" (the model's own), "source" (as fine as the image is, at
            most 3 octaves) or a number of octaves from 0 to 3.
        sized: Of an allocator alone: share, 0 to 1, of log(area) that makes coarse tokens count for more in the tower's
            attention; None: 0.5 where the tower takes it. See `pyrascope.models.PixelOptions`.
        weights: Of an allocator alone: how much the places of each image matter, one map (h', w') or None an image.

    Yields:
        The model, as it was given, with four attributes more until the block ends: `plans`, the plans of the last call
        (none off the pixels site); `kept`, which of each image's stock tokens were left, int64, one tensor an image;
        `budget`, which may be set between calls; `cost`, the operations of the last call's prefill (None where the
        decoder is of another kind; see `pyrascope cost`).

    Raises:
        ImportError: transformers is missing or too old.
        TypeError: the model cannot be served, `method` is not a method, or an option means nothing at its site.
        NotImplementedError: the tower cannot take plans, the tower does not give what a reducer needs, or the language
            model or its attention backend is not served by droppers.
        ValueError: at once, a model that is attached already, or a processor of another model; from the calls within, a
            budget out of range, videos, or placeholders that do not match the images.
    """
    host = Host.of(model, processor)
    inner, thinned = host.model, Caches[Any]()
    site = site_of(method)
    options = PixelOptions(share, positions, at_most, finest, sized, weights)
    check_options(site_of(method.first) if isinstance(method, Composed) else site, options)
    with ExitStack() as stack:
        calls = stack.enter_context(held(model, budget))
        wraps: list[tuple[Wrap, Wrap]] = []  # of `forward` and of `generate`, those nearest to the model first
        if site == LAYERS:
            dropper = method.dropper if isinstance(method, Composed) else cast(Dropper, method)
            session = stack.enter_context(dropping(host, dropper, calls, share, at_most))
            session.composed = isinstance(method, Composed)
            wraps.append((session.forward, session.generate))
        if site != LAYERS or isinstance(method, Composed):
            first = method.first if isinstance(method, Composed) else method
            smaller = stack.enter_context(smaller_inputs(host, first, calls, options))
            wraps.append(
                (
                    lambda stock: _forward(stock, inner, smaller, thinned),
                    lambda stock: _generate(stock, inner, smaller, thinned),
                )
            )
        stack.enter_context(patched(inner, _all(wraps, 0), _all(wraps, 1)))
        yield model


def _all(wraps: Sequence[tuple[Wrap, Wrap]], which: int) -> Wrap:
    """All wraps of one function, one around the other."""

    def wrap(stock: Callable[..., Any]) -> Callable[..., Any]:
        for pair in wraps:
            stock = pair[which](stock)
        return stock

    return wrap


def _forward(
    stock: Callable[..., Any], model: Model, smaller: Callable[..., Any], thinned: "Caches[Any]"
) -> Callable[..., Any]:
    # torch.compile may trace the stock model alone
    named, smaller = by_names(stock), torch.compiler.disable(smaller)  # type: ignore[no-untyped-call]

    @functools.wraps(stock)
    def forward(*args: Any, **kwargs: Any) -> Any:
        given = named(*args, **kwargs)
        if has_images(given) or given.get(REDUCED):
            out = stock(**_counted(given, smaller(given))) if has_images(given) else stock(*args, **kwargs)
            caches = (getattr(out, "past_key_values", None), given.get("past_key_values"))
            thinned.update(cache for cache in caches if cache is not None)
            return out
        if given.get("inputs_embeds") is None:
            check_inputs(model, given)
        if given.get("past_key_values") in thinned and given.get("position_ids") is None:
            _refuse_decoding()
        return stock(*args, **kwargs)

    return torch.compiler.disable(forward, recursive=False)  # type: ignore[no-any-return,no-untyped-call]


def _refuse_decoding() -> None:
    """Refuses to go on from a cache without positions, since the kept tokens may stand apart."""
    raise ValueError(
        "decoding by hand after a reduced prompt needs position_ids, got none; pass the last position + 1, "
        "or use model.generate"
    )


def _generate(
    stock: Callable[..., Any], model: Model, smaller: Callable[..., Any], thinned: "Caches[Any]"
) -> Callable[..., Any]:
    named = prompt_by_name(stock)

    @functools.wraps(stock)
    def generate(*args: Any, **kwargs: Any) -> Any:
        given = named(*args, **kwargs)
        check_inputs(model, given)
        if not has_images(given):
            if given.get("past_key_values") in thinned:
                raise ValueError(
                    "a cache holds fewer visual tokens than the prompt has, so that no other call can go on from it; "
                    "give the whole conversation, with its images and without past_key_values"
                )
            return stock(**given)
        prompt, short = given["input_ids"], smaller(given)
        _refuse_beams(model, short)
        _refuse_chunks(model, short)
        length = short["input_ids"].shape[1]
        _count_from(model, short, prompt.shape[1] - length)
        show_whole_prompt(short, prompt)
        out = stock(**short)
        ids = out if isinstance(out, Tensor) else out.sequences
        full = prompt.repeat_interleave(len(ids) // len(prompt), 0)
        ids = torch.cat([full, ids[:, length:]], 1)
        if isinstance(out, Tensor):
            return ids
        out.sequences = ids
        return out

    return generate


def _counted(full: dict[str, Any], short: dict[str, Any]) -> dict[str, Any]:
    """The inputs with labels that left with their tokens taken off the number that a trainer divides the loss by."""
    total, labels = short.get("num_items_in_batch"), full.get("labels")
    if total is None or labels is None:
        return short
    given, left = int((labels != IGNORED).sum()), int((short["labels"] != IGNORED).sum())
    if given == left:
        return short
    if int(total) != given:
        warnings.warn(
            "labels of image tokens leave with their tokens, and the loss is divided by a number that counts them in "
            "other batches too, so their share in this batch is taken off; mask the labels of image tokens with -100",
            stacklevel=3,
        )
    return {**short, "num_items_in_batch": total * left / max(given, 1)}


LIMITS = (("max_length", "max_new_tokens"), ("min_length", "min_new_tokens"))
"""Limits of `generate` that count the prompt, each with the one that does not and that goes before it."""


def _count_from(model: Model, inputs: dict[str, Any], fewer: int) -> None:
    """Takes what a prompt is shorter off the limits that count it: of the call, its config or the model's own."""
    config, own = copy.deepcopy(inputs.get("generation_config")), model.generation_config
    if config is not None:
        inputs["generation_config"] = config
    for name, new in LIMITS:
        if isinstance(inputs.get(name), int):
            inputs[name] = max(inputs[name] - fewer, 0)
            continue
        given = next((one for one in (getattr(config, name, None), getattr(own, name, None)) if one is not None), None)
        counts = all(one is None for one in (inputs.get(new), getattr(config, new, None), getattr(own, new, None)))
        if not counts or not isinstance(given, int) or (name == "max_length" and given <= fewer):
            continue  # a default maximum below the prompt counts new tokens
        if config is None:
            inputs[name] = max(given - fewer, 0)
        else:
            setattr(config, name, max(given - fewer, 0))


def _refuse_chunks(model: Model, inputs: dict[str, Any]) -> None:
    """Refuses to fill the cache in parts where an image's tokens look at one another, also at later ones."""
    config = inputs.get("generation_config") or model.generation_config
    size = inputs.get("prefill_chunk_size") or getattr(config, "prefill_chunk_size", None)
    if size is not None and "token_type_ids" in inputs:
        raise ValueError(
            f"{type(model).__name__} needs a prompt in one piece, since an image's tokens also look at later ones, got "
            f"prefill_chunk_size={size}; leave it out"
        )
    version = transformers().__version__
    if size is not None and tuple(int(part) for part in version.split(".")[:2]) < (5, 23):  # features lost, or wrong
        raise ValueError(
            f"prompts with images in parts need transformers >= 5.23, got {version} and prefill_chunk_size={size}; "
            "leave it out"
        )


def _refuse_beams(model: Model, inputs: dict[str, Any]) -> None:
    """Refuses what transformers would group wrongly: unequal counts in one tensor, for several beams or samples."""
    config = inputs.get("generation_config") or model.generation_config
    copies = max(
        (inputs.get(name) or getattr(config, name, None) or 1) for name in ("num_beams", "num_return_sequences")
    )
    pooled = pooled_of(inputs[REDUCED]["image"])
    if copies > 1 and len(inputs["input_ids"]) > 1 and isinstance(pooled, Tensor) and len(pooled) == 1:
        raise ValueError(
            f"{type(model).__name__} with several beams needs as many tokens in each image of a batch, got unequal "
            "counts; give one budget to all images or one prompt at a time"
        )
