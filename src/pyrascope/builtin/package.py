"""The built-in model as a folder that transformers loads offline: weights, configurations, tokenizer, processor."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from .._files import write_whole
from ..learning.training.checkpoint import fill
from ..models.stock.load import load as load_model
from ..models.stock.support import transformers
from ..world.vocabulary import EOS, IDS, IMAGE, PAD, UNKNOWN
from .architecture import CELL, GRID
from .folder import default_model, with_weights
from .heads import Heads

LOOK_FILE = "look.safetensors"
"""Beside the model's weights: the heads that hang on it in training, `dense` on every token and the look."""


def processor() -> Any:
    """Returns the processor: pictures of 512 px as they are (others resized), questions word by word."""
    module = transformers()
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    inner = Tokenizer(models.WordLevel(dict(IDS), unk_token=UNKNOWN))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"\?"), "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    inner.decoder = decoders.Sequence(
        [
            decoders.Replace(Regex("^"), " "),
            decoders.Fuse(),
            decoders.Replace(Regex(r"(?<=\d) (?=\d)| (?=\?)|^ "), ""),
        ]
    )
    tokenizer = module.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token=PAD, eos_token=EOS, unk_token=UNKNOWN, padding_side="left",
        additional_special_tokens=[IMAGE], model_max_length=2048, extra_special_tokens={"image_token": IMAGE},
    )  # fmt: skip
    images = module.SiglipImageProcessor(
        size={"height": CELL * GRID, "width": CELL * GRID}, resample=3, do_rescale=True, do_normalize=True,
        image_mean=[0.5] * 3, image_std=[0.25] * 3, do_convert_rgb=True,
    )  # fmt: skip
    return module.LlavaProcessor(
        images, tokenizer, patch_size=CELL, vision_feature_select_strategy="full", image_token=IMAGE,
        num_additional_image_tokens=0,
    )  # fmt: skip


def export(model: Any, heads: Any, folder: Path) -> None:
    """Writes the model (half precision), its heads and its processor to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    precision = model.dtype
    model.to(torch.float16).save_pretrained(folder)
    model.to(precision)
    processor().save_pretrained(folder)
    with write_whole(folder / LOOK_FILE) as part:
        save_file({name: value.half().contiguous() for name, value in heads.state_dict().items()}, part)


def load(folder: Path | None = None) -> tuple[Any, Any]:
    """Returns the model (float32, in evaluation mode) and its processor; by default those that ship with the package.

    Nothing is fetched, and nothing but safetensors and JSON is read.

    Raises:
        FileNotFoundError: the weights are not there.
    """
    return load_model(default_model() if folder is None else with_weights(folder))


def load_heads(folder: Path | None = None) -> Heads:
    """Returns the heads that lie beside the weights, by default those that ship, in evaluation mode.

    Raises:
        FileNotFoundError: the weights are not there.
        ValueError: they are of another version.
    """
    path = (default_model() if folder is None else folder) / LOOK_FILE
    tensors = load_file(path)
    heads = Heads(tensors["norm.weight"].numel(), pixels="pixels.weight" in tensors)
    fill(heads, {name: value.float() for name, value in tensors.items()}, path)
    return heads.eval()
