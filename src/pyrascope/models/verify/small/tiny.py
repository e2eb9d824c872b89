"""A small model of any type with random weights, and prompts for it: what `verify` and the tests run on."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from ...families import FAMILIES
from ...families.parts.small import Recipe
from ...families.parts.tokens import BREAK, END, GLOBAL, IMAGE, PAD, START, VIDEO
from ...stock.protocols import Model
from ...stock.support import image_text_types, transformers
from .noise import batched, one_image, placeholders, style_of
from .sweep import small_config

__all__ = [
    "BREAK",
    "GLOBAL",
    "IMAGE",
    "PAD",
    "RECIPES",
    "START",
    "VIDEO",
    "Recipe",
    "TinyProcessor",
    "build",
    "prompts",
]

SMALL = {kind: small for family in FAMILIES for kind, small in family.small.items()}
RECIPES = {kind: small for kind, small in SMALL.items() if isinstance(small, Recipe)}
"""The model types on which all tests run."""
OVERLAYS = {kind: small for kind, small in SMALL.items() if not isinstance(small, Recipe)}
"""What the small sizes of `sweep` miss, laid over the cut-down default of a type."""


def build(kind: str, seed: int = 0) -> Any:
    """Returns a model of type `kind` with random weights, spread so that no two logits are tied.

    Any image-text class of transformers can be asked for; those without a recipe here are cut down from their default.
    """
    module = transformers()
    if kind in RECIPES:
        name, config = RECIPES[kind].prefix, RECIPES[kind].config()
        name, made = f"{name}ForConditionalGeneration", getattr(module, f"{name}Config")(**config)
    else:
        name, made = image_text_types()[kind], small_config(kind, OVERLAYS.get(kind, {}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(module, name)(made).eval()
        with torch.no_grad():
            for weight in model.parameters():
                if weight.ndim > 1:
                    weight.normal_(0, 0.08)
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = PAD
    if kind not in RECIPES:  # what no trained model says
        model.generation_config.suppress_tokens = [IMAGE, VIDEO, START, END]
    return model


class TinyProcessor:
    """What the adapters ask of a processor: the token before a global view."""

    global_image_token = "<global>"

    @property
    def tokenizer(self) -> "TinyProcessor":
        """Itself: it knows one token."""
        return self

    def convert_tokens_to_ids(self, token: str) -> int:
        """Returns the id of the one token."""
        return GLOBAL


def prompts(model: Model, rows: Sequence[int] = (0, 1)) -> dict[str, Any]:
    """Returns a left-padded batch of the named prompts: 0 has one image, 1 has two of other sizes."""
    recipe = RECIPES.get(model.config.model_type)
    style = recipe.images if recipe else style_of(model)
    texts, pixels = [], []
    for row in rows:
        text = [5, 6]
        for number in ((0,), (1, 2))[row]:
            made = one_image(model, style, number)
            pixels.append(made)
            text += [START, *placeholders(model, style, made), END, 7 + number]
        texts.append([*text, 12, 13, 14][: len(text) + 2 + row])
    longest = max(map(len, texts))
    ids = torch.tensor([[PAD] * (longest - len(text)) + text for text in texts])
    mask = torch.tensor([[0] * (longest - len(text)) + [1] * len(text) for text in texts])
    out: dict[str, Any] = {"input_ids": ids, "attention_mask": mask, **batched(style, pixels, rows)}
    takes = inspect.signature(model.forward).parameters
    if "mm_token_type_ids" in takes:
        out["mm_token_type_ids"] = (ids == IMAGE).int()
    if "token_type_ids" in takes:
        out["token_type_ids"] = (ids == IMAGE).long() * (model.config.model_type != "paligemma")
    return out
