"""Any image-text class of transformers made small: its default configuration with well-known sizes cut down."""

import copy
from collections.abc import Mapping
from typing import Any

from ...families.parts.tokens import END, IMAGE, PAD, START, VIDEO
from ...stock.support import transformers

LAYERS = 3
TEXT = {
    "vocab_size": 100, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": LAYERS, "head_dim": 16,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 1024, "sliding_window": 16,
    "pad_token_id": PAD, "bos_token_id": 1, "eos_token_id": 99, "ffn_dim": 96, "word_embed_proj_dim": 64,
    "moe_intermediate_size": 32, "num_experts_per_tok": 2, "n_routed_experts": 4, "n_group": 1, "topk_group": 1,
    "num_local_experts": 4, "num_experts": 4, "moe_num_experts": 4, "shared_expert_intermediate_size": 32,
    "shared_experts_intermediate_size": 32, "moe_shared_expert_intermediate_size": 32, "share_expert_dim": 32,
    "shared_intermediate_size": 32, "dense_intermediate_size": 96, "intermediate_size_mlp": 96,
    "kv_lora_rank": 16, "q_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "qk_head_dim": 16,
    "v_head_dim": 16, "index_head_dim": 16, "index_n_heads": 2, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_head_dim": 16, "linear_num_heads": 4,
    "query_pre_attn_scalar": 16, "max_window_layers": 1, "num_kv_shared_layers": 0, "first_k_dense_replace": 1,
    "vocab_size_per_layer_input": 100, "hidden_size_per_layer_input": 16, "num_nextn_predict_layers": 0,
    "rotary_dim": 16, "unpadded_vocab_size": 100,
}  # fmt: skip
VISION = {
    "hidden_size": 32, "embed_dim": 32, "intermediate_size": 48, "num_hidden_layers": 2, "depth": 2, "n_layers": 2,
    "num_attention_heads": 2, "num_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "image_size": 64,
    "patch_size": 8, "out_hidden_size": 64, "text_hidden_size": 64, "projection_dim": 64, "projector_output_dim": 64,
    "num_position_embeddings": 64, "window_size": 32, "mlp_ratio": 2, "mlp_dim": 48, "fullatt_block_indexes": [1],
    "deepstack_visual_indexes": [0, 1], "global_attn_indexes": [1], "output_channels": 32, "num_patches": 64,
    "adapter_in_dim": 32, "adapter_out_dim": 64, "num_local_experts": 4, "num_experts_per_tok": 2,
    "moe_intermediate_size": 32, "max_position_embeddings": 1024, "num_pos_feats": 16,
}  # fmt: skip
AUDIO = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "d_model": 32,
    "num_key_value_heads": 2, "head_dim": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 48,
    "output_dim": 64, "out_hidden_size": 64, "text_hidden_size": 64, "conf_num_hidden_layers": 1,
    "conf_num_attention_heads": 2, "downsample_hidden_size": 32, "adapter_out_dim": 64, "adapter_input_size": 32,
}  # fmt: skip
QFORMER = {
    "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "encoder_hidden_size": 32,
}  # fmt: skip
TOP = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 100, "image_size": 64, "patch_size": 8, "projection_dim": 64,
    "projector_hidden_size": 64, "mm_tokens_per_image": 16, "num_query_tokens": 16, "image_seq_length": 64,
    "image_grid_pinpoints": [[64, 64], [64, 128], [128, 64], [128, 128]], "alignment_intermediate_size": 96,
    "out_hidden_size": 64, "projection_hidden_size": 32, "merged_hidden_size": 128, "vision_hidden_size": 32,
    "pad_token_id": PAD, "bos_token_id": 1, "eos_token_id": 99,
}  # fmt: skip
ROLES: dict[str, dict[str, Any]] = {
    "text_config": TEXT, "vision_config": VISION, "sam_config": VISION, "high_res_vision_config": VISION,
    "encoder_config": VISION, "perceiver_config": {"hidden_size": 64}, "vq_config": {}, "qformer_config": QFORMER,
    "audio_config": AUDIO, "adapter_config": {**VISION, "vision_feature_layer": [-1, -2]},
}  # fmt: skip
"""The small sizes, by the role that a part of a configuration has."""


def small_config(kind: str, changes: Mapping[str, Any]) -> Any:
    """Returns the default configuration of a model type, cut down.

    Args:
        kind: The model type.
        changes: What the family needs besides, as nested dictionaries; they win over the small sizes.
    """
    cls = transformers().models.auto.configuration_auto.CONFIG_MAPPING[kind]
    small = merged(_shrunk(cls().to_dict(), TOP), changes)
    small.pop("transformers_version", None)
    return cls.from_dict(small)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `base` with `changes` laid over it, dictionary by dictionary."""
    out = dict(base)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(out.get(name), Mapping)
        out[name] = merged(out[name], value) if both else copy.deepcopy(value)
    return out


def _shrunk(config: Mapping[str, Any], sizes: Mapping[str, Any]) -> dict[str, Any]:
    layers = config.get("num_hidden_layers") or config.get("depth") or 0
    kept = sizes.get("num_hidden_layers", LAYERS)
    out: dict[str, Any] = {}
    for number, (name, value) in enumerate(config.items()):
        if name in ROLES and isinstance(value, Mapping):
            out[name] = _shrunk(value, ROLES[name])
        elif name in sizes and value not in (None, 0):  # 0 says that there is none
            out[name] = _sized(name, value, sizes, config)
        elif isinstance(value, list) and len(value) == layers > kept:
            out[name] = [value[i * (layers - 1) // max(kept - 1, 1)] for i in range(kept)]
        elif name == "per_layer_config":
            continue
        elif name == "rope_parameters":
            out[name] = _rope(value)
        else:
            out[name] = _token(name, value, number)
    return out


def _sized(name: str, value: Any, sizes: Mapping[str, Any], config: Mapping[str, Any]) -> Any:
    """The small size in the form that the default has: a list of it, or a float."""
    size = copy.deepcopy(sizes[name])
    if name == "num_key_value_heads" and value == config.get("num_attention_heads"):
        size = sizes["num_attention_heads"]  # some classes want as many
    if isinstance(value, list) and not isinstance(size, list):
        return [size] * len(value)
    return float(size) if isinstance(value, float) else size


def _rope(value: Any) -> Any:
    """Sections of M-RoPE that fit the small heads."""
    if not isinstance(value, Mapping):
        return value
    out = {name: _rope(part) for name, part in value.items()}
    if "mrope_section" in out:
        out["mrope_section"] = [2, 3, 3][: len(out["mrope_section"])] + [0] * (len(out["mrope_section"]) - 3)
        if "partial_rotary_factor" in out:
            out["partial_rotary_factor"] = 1.0
    return out


def _token(name: str, value: Any, number: int) -> Any:
    """An id within the small vocabulary."""
    if not isinstance(value, int) or isinstance(value, bool) or not name.endswith(("_id", "_index")) or value < 0:
        return value
    known = {
        "image_token_id": IMAGE, "image_token_index": IMAGE, "video_token_id": VIDEO, "video_token_index": VIDEO,
        "pad_token_id": PAD, "bos_token_id": 1, "eos_token_id": 99,
    }  # fmt: skip
    if name in known:
        return known[name]
    if "token" not in name and not name.startswith(("im_", "image_")):
        return value
    ends = {START: ("start", "boi"), END: ("end", "eoi")}
    mine = [
        token
        for token, words in ends.items()
        if any(word in name for word in words) and name[:5] not in ("audio", "video")
    ]
    return mine[0] if mine else 30 + number % 40
