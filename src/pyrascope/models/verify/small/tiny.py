"""Every supported family, small and with random weights, and prompts for it: what `verify` and the tests run on."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...stock.support import image_text_types, transformers
from .noise import batched, one_image, placeholders, style_of
from .recipes import FASTVIT, SWEEP
from .sweep import small_config
from .tokens import BREAK, END, GLOBAL, IMAGE, PAD, START, VIDEO

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

TEXT = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "head_dim": 16,
    "num_key_value_heads": 2, "vocab_size": 100, "pad_token_id": PAD, "bos_token_id": 1, "eos_token_id": 99,
}  # fmt: skip
VIT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": 64, "patch_size": 8,
}  # fmt: skip
QWEN = {
    "depth": 2, "num_heads": 2, "patch_size": 8, "spatial_merge_size": 2, "temporal_patch_size": 2,
}  # fmt: skip
CLIP, SIGLIP = {**VIT, "model_type": "clip_vision_model"}, {**VIT, "model_type": "siglip_vision_model"}
PINPOINTS = [[64, 64], [64, 128], [128, 64], [128, 128]]


def _text(kind: str, **more: Any) -> dict[str, Any]:
    return {**TEXT, "model_type": kind, **more}


def _qwen(vision: dict[str, Any], **rope: Any) -> dict[str, Any]:
    turn = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3], **rope}
    text = {**TEXT, "rope_parameters": turn}
    ids = {"video_token_id": VIDEO, "vision_start_token_id": START, "vision_end_token_id": END}
    return {"vision_config": {**QWEN, **vision}, "text_config": text, "image_token_id": IMAGE, **ids}


@dataclass(frozen=True)
class Recipe:
    """A family: the prefix of its classes, its configuration, and how it takes images."""

    prefix: str
    config: Callable[[], dict[str, Any]]
    images: str = "plain"


def _vision(tower: dict[str, Any], text: dict[str, Any], **more: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"vision_config": dict(tower), "text_config": dict(text), "image_token_id": IMAGE, **more}


_ONEVISION = {"video_token_id": VIDEO, "vision_feature_select_strategy": "full", "vision_feature_layer": -1}
_INTERN = {**VIT, "model_type": "internvl_vision", "image_size": [64, 64], "patch_size": [8, 8]}
_QWEN2 = {"embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2}
_QWEN25 = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "out_hidden_size": 64,
    "window_size": 32,
    "fullatt_block_indexes": [1],
}
_QWEN3 = {
    "hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 64, "num_position_embeddings": 64,
    "deepstack_visual_indexes": [0, 1],
}  # fmt: skip
_BOUNDS = {"boi_token_index": START, "eoi_token_index": END}
RECIPES = {
    "fast_vlm": Recipe("FastVlm", _vision({**FASTVIT, "model_type": "timm_wrapper"}, _text("qwen2"))),
    "gemma3": Recipe(
        "Gemma3", _vision(SIGLIP, _text("gemma3_text", sliding_window=16), mm_tokens_per_image=16, **_BOUNDS)
    ),
    "internvl": Recipe("InternVL", _vision(_INTERN, _text("qwen2"), downsample_ratio=0.5)),
    "llava": Recipe("Llava", _vision(CLIP, _text("llama"))),
    "llava_next": Recipe("LlavaNext", _vision(CLIP, _text("llama"), image_grid_pinpoints=PINPOINTS), "anyres"),
    "llava_onevision": Recipe(
        "LlavaOnevision", _vision(SIGLIP, _text("qwen2"), image_grid_pinpoints=PINPOINTS, **_ONEVISION), "anyres"
    ),
    "mistral3": Recipe(
        "Mistral3", _vision({**VIT, "model_type": "pixtral", "head_dim": 16}, _text("mistral"), spatial_merge_size=2),
        "sized",
    ),
    "paligemma": Recipe("PaliGemma", _vision({**SIGLIP, "projection_dim": 64}, _text("gemma"), projection_dim=64)),
    "qwen2_5_vl": Recipe("Qwen2_5_VL", lambda: _qwen(_QWEN25), "grid"),
    "qwen2_vl": Recipe("Qwen2VL", lambda: _qwen(_QWEN2), "grid"),
    "qwen3_vl": Recipe("Qwen3VL", lambda: _qwen(_QWEN3, mrope_interleaved=True), "grid"),
    "smolvlm": Recipe("SmolVLM", _vision(VIT, _text("llama"), scale_factor=2), "tiles"),
}  # fmt: skip
"""The families that are tested here."""


def build(kind: str, seed: int = 0) -> Any:
    """Returns a model of type `kind` with random weights, spread so that no two logits are tied.

    Any image-text class of transformers can be asked for; those without a recipe here are cut down from their default.
    """
    module = transformers()
    if kind in RECIPES:
        name, config = RECIPES[kind].prefix, RECIPES[kind].config()
        name, made = f"{name}ForConditionalGeneration", getattr(module, f"{name}Config")(**config)
    else:
        name, made = image_text_types()[kind], small_config(kind, SWEEP.get(kind, {}))
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


def prompts(model: Any, rows: Sequence[int] = (0, 1)) -> dict[str, Any]:
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
