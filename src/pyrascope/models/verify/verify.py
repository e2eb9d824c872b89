"""Does a model with reduced inputs compute what it should? Compared with the model itself, not with expectations."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ..host import check_class, check_model, supported_types
from ..sites import SITES
from ..stock.inputs import check_processor
from ..stock.protocols import Model, Processor
from ..stock.support import image_text_types, transformers
from .checks import CHECKS, Check, Make
from .report import FAIL, PASS, REFUSED, Report, Row
from .small.needed import check_packages
from .small.tiny import TinyProcessor, build, prompts


def verify(model: Any, processor: Any) -> Report:
    """Runs the model on three images of noise, in full and reduced, and reports what agrees.

    The checks of the pixels and features sites: at the full budget, logits equal stock to 1e-5 and generated tokens are
    equal; at a smaller one, the sequence has exactly B visual tokens, a batch equals each row alone, and cached
    decoding equals uncached; text passes through; the model is restored. At the pixels site tokens stand where their
    boxes are. Those of the layers site: with all tokens kept, logits and generated tokens equal stock; each layer sees
    as many visual tokens as `PyramidDrop` schedules, and dropping them equals masking them in the full model, in the
    prompt and while decoding; then as above. What an architecture does not allow is reported as refused, with the
    reason.

    Args:
        model: A model of transformers; its weights must be float32 or wider, since the tolerance is.
        processor: Its processor, for prompts with images.

    Returns:
        The report. A model that cannot be served at all gives one refused row a site.

    Raises:
        TypeError, ValueError: no processor of this model, or weights of half precision.
    """
    dtype = getattr(model, "dtype", torch.float32)
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"verify compares to 1e-5 and needs float32 weights, got {dtype}; load with dtype='float32'")
    if hasattr(getattr(model, "config", None), "image_token_id"):
        check_processor(model, processor, called=True)
    return Report(
        tuple(_rows(str(model.config.model_type), model, processor, lambda rows: _made(model, processor, rows)))
    )


def verify_type(kind: str) -> Report:
    """As `verify`, for a model type that is built small with random weights: any that transformers has for images.

    A type whose package is not installed (timm for FastVLM) is refused.

    Raises:
        ValueError: a type that is not known here.
        ImportError: transformers is missing or too old.
    """
    types = image_text_types()
    if kind not in types:
        tested = ", ".join(supported_types())
        raise ValueError(f"model type must be one that transformers has for images and text, as {tested}, got {kind}")
    try:
        check_packages(kind)
        check_class(getattr(transformers(), types[kind]), kind)
    except (TypeError, ImportError) as error:
        return _refused(kind, str(error))
    try:
        model = build(kind)
        with torch.no_grad():
            model(**prompts(model))
    except ERRORS as error:
        return _refused(kind, f"no small model with a prompt can be made of it here ({type(error).__name__}: {error})")
    return Report(tuple(_rows(kind, model, cast(Processor, TinyProcessor()), lambda rows: prompts(model, rows))))


ERRORS = (ValueError, TypeError, RuntimeError, IndexError, KeyError, AttributeError)
"""What a model raises that is given what it cannot use."""


def _refused(kind: str, reason: str) -> Report:
    return Report(tuple(Row(kind, site, "all", f"{REFUSED}{' '.join(reason.split())}") for site in SITES))


@torch.no_grad()
def _rows(family: str, model: Model, processor: Processor | None, make: Make) -> list[Row]:
    try:
        model = check_model(model)
    except TypeError as error:
        return list(_refused(family, str(error)).rows)
    rows = []
    for site in SITES:
        if site not in CHECKS:
            rows.append(Row(family, site, "all", f"{REFUSED}this site is not served yet"))
        rows += [
            Row(family, site, name, *_result(check, model, processor, make))
            for name, check in CHECKS.get(site, {}).items()
        ]
    return rows


def _result(check: Check, model: Model, processor: Processor | None, make: Make) -> tuple[str, str]:
    try:
        good, detail = check(model, processor, make)
    except NotImplementedError as error:  # what the model's architecture does not allow
        return f"{REFUSED}{error}", ""
    except ERRORS as error:
        good, detail = False, " ".join(f"{type(error).__name__}: {error}".split())
    return PASS if good else FAIL, detail


def _made(model: Model, processor: Processor, rows: Sequence[int]) -> dict[str, Any]:
    """Prompts with images of noise by a real processor."""
    from PIL import Image

    random = np.random.default_rng(0)
    sizes = ((240, 320), (200, 200), (320, 240))
    pictures = [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]
    mine = {0: pictures[:1], 1: pictures[1:]}
    token = getattr(processor, "boi_token", None) or processor.image_token
    shown = [" and ".join([token] * len(mine[row])) for row in rows]  # some models take adjoining images for one
    text = [f"{images} what is {'here' if row else 'to be seen here'}" for images, row in zip(shown, rows, strict=True)]
    side, processor.tokenizer.padding_side = processor.tokenizer.padding_side, "left"
    try:
        made = processor(images=[mine[row] for row in rows], text=text, return_tensors="pt", padding=True)
    finally:
        processor.tokenizer.padding_side = side
    return {name: value.to(model.device) if isinstance(value, Tensor) else value for name, value in made.items()}
