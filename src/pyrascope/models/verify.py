"""Does a model with reduced inputs compute what it should? Compared with the model itself, not with expectations."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..allocation.reducer import FeatureContext, Reduction
from ..methods.reducers import Random
from .attach import attach
from .prepare import reduce_inputs
from .report import FAIL, PASS, REFUSED, Report, Row
from .support import check_model, supported_types
from .tiny import TinyProcessor, build, prompts

TOLERANCE = 1e-5
NEW_TOKENS = 4
SITE = "features"
Make = Callable[[Sequence[int]], dict[str, Any]]
"""Makes the inputs of the named prompts: 0 has one image, 1 has two."""
Check = tuple[bool, str]


def verify(model: Any, processor: Any) -> Report:
    """Runs the model on three images of noise, in full and reduced, and reports what agrees.

    The checks of the features site: at the full budget, logits equal stock to 1e-5 and generated tokens are equal; at
    a smaller one, the sequence has exactly B visual tokens, a batch equals each row alone, and cached decoding equals
    uncached; text passes through; the model is restored. Other sites are reported as refused.

    Args:
        model: A model of transformers; its weights should be float32, since the tolerance is.
        processor: Its processor, for prompts with images.

    Returns:
        The report. A model that cannot be served at all gives one refused row.
    """
    return Report(
        tuple(_rows(str(model.config.model_type), model, processor, lambda rows: _made(model, processor, rows)))
    )


def verify_type(kind: str) -> Report:
    """As `verify`, for a model type that is built small with random weights.

    Raises:
        ValueError: a type that is not known here.
        ImportError: transformers is missing or too old.
    """
    if kind not in supported_types():
        raise ValueError(f"model type must be one of {', '.join(supported_types())}, got {kind}")
    model = build(kind)
    return Report(tuple(_rows(kind, model, TinyProcessor(), lambda rows: prompts(model, rows))))


@torch.no_grad()
def _rows(family: str, model: Any, processor: Any, make: Make) -> list[Row]:
    later = [Row(family, site, "all", f"{REFUSED}this site is not served yet") for site in ("pixels", "layers")]
    try:
        check_model(model)
    except TypeError as error:
        return [Row(family, SITE, "all", f"{REFUSED}{error}"), *later]
    checks: dict[str, Callable[[Any, Any, Make], Check]] = {
        "full budget: logits": _full_logits,
        "full budget: tokens": _full_tokens,
        "exactly B": _exact,
        "batch equals rows": _batch,
        "cached equals uncached": _cache,
        "text passes through": _text,
        "restored": _restored,
    }
    rows = []
    for name, check in checks.items():
        try:
            good, detail = check(model, processor, make)
        except (ValueError, TypeError, RuntimeError, IndexError, KeyError, AttributeError) as error:
            good, detail = False, " ".join(f"{type(error).__name__}: {error}".split())
        rows.append(Row(family, SITE, name, PASS if good else FAIL, detail))
    return rows + later


def _reduced(model: Any, processor: Any, inputs: dict[str, Any], budget: Any) -> dict[str, Any]:
    return reduce_inputs(model, inputs, Random(), budget, processor=processor)[0]


def _counts(model: Any, processor: Any, inputs: dict[str, Any]) -> list[int]:
    """Visual tokens of each image in full."""
    found: list[int] = []

    def count(features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
        found.append(len(features))
        return Random()(features, budget, context)

    reduce_inputs(model, inputs, count, 1, processor=processor)
    return found


def _generated(model: Any, inputs: dict[str, Any], **more: Any) -> tuple[Tensor, Tensor]:
    """Logits of each step (b, steps, vocabulary) and the new tokens (b, steps)."""
    out = model.generate(
        **dict(inputs),
        max_new_tokens=NEW_TOKENS,
        min_new_tokens=NEW_TOKENS,
        do_sample=False,
        return_dict_in_generate=True,
        output_logits=True,
        **more,
    )
    return torch.stack(out.logits, 1), out.sequences[:, -NEW_TOKENS:]


def _close(first: Tensor, second: Tensor) -> Check:
    worst = float((first.double() - second.double()).abs().max())
    return worst <= TOLERANCE, f"largest difference {worst:.1e}"


def _full_logits(model: Any, processor: Any, make: Make) -> Check:
    inputs = make((0, 1))
    small = _reduced(model, processor, inputs, _counts(model, processor, inputs))
    return _close(model(**small).logits[:, -1], model(**inputs).logits[:, -1])


def _full_tokens(model: Any, processor: Any, make: Make) -> Check:
    inputs = make((0, 1))
    stock, tokens = _generated(model, inputs)
    ours, same = _generated(model, _reduced(model, processor, inputs, _counts(model, processor, inputs)))
    good, detail = _close(ours, stock)
    return good and torch.equal(tokens, same), detail


def _budget(model: Any, processor: Any, make: Make) -> list[int]:
    """A third of each image, the counts different where the images allow it."""
    return [max(count // (3 + i), 1) for i, count in enumerate(_counts(model, processor, make((0, 1))))]


def _exact(model: Any, processor: Any, make: Make) -> Check:
    budget = _budget(model, processor, make)
    small = _reduced(model, processor, make((0, 1)), budget)
    found = (small["input_ids"] == model.config.image_token_id).sum(1).tolist()
    wanted = [budget[0], sum(budget[1:])]
    return found == wanted, f"{found} visual tokens for {wanted}"


def _batch(model: Any, processor: Any, make: Make) -> Check:
    budget = _budget(model, processor, make)
    together, _ = _generated(model, _reduced(model, processor, make((0, 1)), budget))
    alone = [
        _generated(model, _reduced(model, processor, make((row,)), part))[0]
        for row, part in ((0, budget[:1]), (1, budget[1:]))
    ]
    return _close(together, torch.cat(alone))


def _cache(model: Any, processor: Any, make: Make) -> Check:
    budget = _budget(model, processor, make)
    cached, _ = _generated(model, _reduced(model, processor, make((0, 1)), budget))
    whole, _ = _generated(model, _reduced(model, processor, make((0, 1)), budget), use_cache=False)
    return _close(cached, whole)


def _text(model: Any, processor: Any, make: Make) -> Check:
    prompt = {"input_ids": torch.tensor([[3, 4, 5]], device=model.device)}
    prompt["attention_mask"] = torch.ones_like(prompt["input_ids"])
    stock, _ = _generated(model, prompt)
    with attach(model, Random(), 1, processor=processor):
        ours, _ = _generated(model, prompt)
    return torch.equal(stock, ours), "bit for bit"


def _restored(model: Any, processor: Any, make: Make) -> Check:
    inputs = make((0, 1))
    names, stock = set(vars(model)), model(**inputs).logits
    with attach(model, Random(), _budget(model, processor, make), processor=processor):
        model.generate(**dict(inputs), max_new_tokens=1)
    return set(vars(model)) == names and torch.equal(model(**inputs).logits, stock), "bit for bit"


def _made(model: Any, processor: Any, rows: Sequence[int]) -> dict[str, Any]:
    """Prompts with images of noise by a real processor."""
    from PIL import Image

    random = np.random.default_rng(0)
    sizes = ((240, 320), (200, 200), (320, 240))
    pictures = [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]
    mine = {0: pictures[:1], 1: pictures[1:]}
    token = getattr(processor, "boi_token", None) or processor.image_token
    text = [f"{token * len(mine[row])} what is {'here' if row else 'to be seen here'}" for row in rows]
    processor.tokenizer.padding_side = "left"
    made = processor(images=[mine[row] for row in rows], text=text, return_tensors="pt", padding=True)
    return {name: value.to(model.device) if isinstance(value, Tensor) else value for name, value in made.items()}
