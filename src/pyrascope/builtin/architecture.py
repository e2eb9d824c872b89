"""The built-in model's shape: a LLaVA of transformers in miniature, SigLIP tower and Llama decoder."""

import math
from typing import Any

import torch
from torch import Tensor

from ..models.stock.support import transformers
from ..world.vocabulary import EOS, IDS, IMAGE, PAD, UNKNOWN, WORDS

CELL, GRID = 16, 32
"""Side of a token's patch in pixels, and of the full grid in cells."""
WIDTH, ENCODER, DECODER = 192, 4, 4
"""Width of both parts, and their depths."""


def configuration(width: int = WIDTH, encoder: int = ENCODER, decoder: int = DECODER) -> Any:
    """Returns the configuration of the architecture.

    Two entries are the package's own: `sized`, as coarse tokens counted like others in training, and
    `unknown_token_id`, by which prompts with words that the model does not know are refused.
    """
    vision = {
        "model_type": "siglip_vision_model", "hidden_size": width, "intermediate_size": 4 * width,
        "num_hidden_layers": encoder, "num_attention_heads": 4, "image_size": CELL * GRID, "patch_size": CELL,
        "vision_use_head": False,
    }  # fmt: skip
    text = {
        "model_type": "llama", "hidden_size": width, "intermediate_size": 8 * width // 3, "num_hidden_layers": decoder,
        "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": len(WORDS), "max_position_embeddings": 2048,
        "pad_token_id": IDS[PAD], "eos_token_id": IDS[EOS], "bos_token_id": None, "tie_word_embeddings": False,
        "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
    }  # fmt: skip
    return transformers().LlavaConfig(
        vision_config=vision, text_config=text, image_token_id=IDS[IMAGE], image_seq_length=GRID * GRID,
        vision_feature_layer=-1, vision_feature_select_strategy="full", tie_word_embeddings=False, sized=0.0,
        unknown_token_id=IDS[UNKNOWN],
    )  # fmt: skip


def fresh(seed: int = 0, **sizes: int) -> Any:
    """Returns a model with random weights whose table of positions starts as waves, from half a turn to the finest."""
    config = configuration(**sizes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers().LlavaForConditionalGeneration(config)
        with torch.no_grad():
            patch = model.model.vision_tower.embeddings.patch_embedding.weight
            patch.normal_(0, patch[0].numel() ** -0.5)
            model.model.vision_tower.embeddings.position_embedding.weight.copy_(waves(config.vision_config.hidden_size))
            model.model.language_model.embed_tokens.weight.normal_(0, 0.5)
    return model


def waves(width: int) -> Tensor:
    """Returns sines and cosines (1024, width) of the cell's row and column, with standard deviation about 2."""
    count = width // 4
    place = (torch.arange(GRID) + 0.5) / GRID
    turns = 0.5 * (GRID / 1.0) ** (torch.arange(count) / (count - 1))
    angle = 2 * math.pi * place[:, None] * turns
    line = torch.cat([angle.sin(), angle.cos()], 1) * 2.8
    rows, columns = line[:, None].expand(-1, GRID, -1), line[None].expand(GRID, -1, -1)
    return torch.cat([rows, columns], -1).reshape(GRID * GRID, -1)
