"""Models of the size of real ones with random weights, and a prompt with one image for each."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from PIL import Image

TEXT_TOKENS = 32
WORDS = [f"word{i}" for i in range(TEXT_TOKENS)]


@dataclass(frozen=True)
class Case:
    """A model, its processor where there is one, the inputs of one prompt, and the visual tokens in them."""

    model: Any
    processor: Any
    inputs: dict[str, Any]
    tokens: int


def smolvlm_256m(seed: int = 0) -> Case:
    """The sizes of SmolVLM-256M; an image of 2048x2048 px becomes 16 tiles and a global view, 17 x 64 tokens."""
    transformers: Any = import_module("transformers")
    vision = {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "image_size": 512, "patch_size": 16,
    }  # fmt: skip
    text = {
        "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49280, "max_position_embeddings": 8192,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    processor = _smolvlm_processor()
    token = processor.tokenizer.convert_tokens_to_ids("<image>")
    config = transformers.SmolVLMConfig(vision_config=vision, text_config=text, scale_factor=4, image_token_id=token)
    torch.manual_seed(seed)
    model = transformers.SmolVLMForConditionalGeneration(config).eval()
    inputs = dict(processor(images=[[noise(2048)]], text=[" ".join(["<image>", *WORDS])], return_tensors="pt"))
    return _case(model, processor, inputs, token)


def qwen25_3b_cut(seed: int = 0, layers: int = 4, depth: int = 4) -> Case:
    """The widths of Qwen2.5-VL-3B, cut to a few layers; an image of 896x896 px, 32x32 tokens."""
    transformers: Any = import_module("transformers")
    vision = {
        "depth": depth, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 2048,
        "patch_size": 14, "window_size": 112, "fullatt_block_indexes": [depth - 1],
    }  # fmt: skip
    text = {
        "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": layers, "num_attention_heads": 16,
        "num_key_value_heads": 2, "vocab_size": 1000, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    }  # fmt: skip
    ids = {"image_token_id": 900, "video_token_id": 901, "vision_start_token_id": 902, "vision_end_token_id": 903}
    torch.manual_seed(seed)
    config = transformers.Qwen2_5_VLConfig(vision_config=vision, text_config=text, **ids)
    model = transformers.Qwen2_5_VLForConditionalGeneration(config).eval()
    row = [902, *[900] * 1024, 903, *range(5, 5 + TEXT_TOKENS)]
    prompt = torch.tensor([row])
    still = torch.randn(4096, 3, 1, 14 * 14).expand(-1, -1, 2, -1).flatten(1)  # one frame, shown twice
    images = {"pixel_values": still, "image_grid_thw": torch.tensor([[1, 64, 64]])}
    kinds = (prompt == 900).int()
    inputs = {"input_ids": prompt, "attention_mask": torch.ones_like(prompt), "mm_token_type_ids": kinds, **images}
    return _case(model, None, inputs, 900)


def _case(model: Any, processor: Any, inputs: dict[str, Any], token: int) -> Case:
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    return Case(model, processor, inputs, int((inputs["input_ids"] == token).sum()))


def noise(side: int) -> Image.Image:
    """A picture without structure, so that a plan finds work everywhere."""
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _smolvlm_processor() -> Any:
    """Idefics3's processor, which SmolVLM shares its layout with, over a vocabulary of a few words."""
    transformers: Any = import_module("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    special = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    special += [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<unk>", "<end>", *WORDS, *special])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", additional_special_tokens=special
    )
    images = transformers.Idefics3ImageProcessor(size={"longest_edge": 2048}, max_image_size={"longest_edge": 512})
    return transformers.Idefics3Processor(images, tokenizer, image_seq_len=64)
