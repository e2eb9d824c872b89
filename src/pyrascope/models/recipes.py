"""What the small sizes of `sweep` miss: one entry a model type, laid over its cut-down configuration."""

from typing import Any

from .tokens import IMAGE

_THETA = {"rope_type": "default", "rope_theta": 10000.0}
_SECTIONS = {"text_config": {"rope_parameters": {**_THETA, "mrope_section": [2, 3, 3]}}}
_HALF = {"text_config": {"rope_parameters": {**_THETA, "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 2]}}}
_NAVIT = {"image_token_id": IMAGE, "insert_layer_id": 0, "vision_config": {"insert_layer_id": 0}}
_TOKEN = {"image_token_index": IMAGE}
SWEEP: dict[str, dict[str, Any]] = {
    "aria": {"projector_patch_to_query_dict": {"64": 16}},
    "blip-2": _TOKEN,
    "cohere_compass": {
        "text_config": {"rope_parameters": {"full_attention": {**_THETA, "mrope_section": [2, 3, 3]}}},
    },
    "ernie4_5_vl_moe": {"text_config": {"rope_parameters": {**_THETA, "mrope_section": [3, 3, 2]}}},
    "glm46v": _SECTIONS,
    "glm4v": _SECTIONS,
    "glm4v_moe": _HALF,
    "glm_ocr": _SECTIONS,
    "glmga": _SECTIONS,
    "granite4_vision": {
        "downsample_rate": "2/4", "deepstack_layer_map": [[-2, 0]], "spatial_target_layers": [1, 2, 3, 4],
        "text_config": {"num_hidden_layers": 6},
    },
    "hunyuan_vl": {"text_config": {"head_dim": 16}},
    "instructblip": _TOKEN,
    "instructblipvideo": _TOKEN,
    "lfm3_vl": {"text_config": {"layer_types": ["conv", "full_attention", "conv"]}},
    "llama4": {
        "vision_config": {
            "intermediate_size": 128, "projector_input_dim": 64, "projector_output_dim": 64, "vision_output_dim": 64,
        },
    },
    "minicpm_ocr": _NAVIT,
    "minicpmv4_6": _NAVIT,
    "minicpmv4_7": _NAVIT,
    "mistral_large4": {"text_config": {"kv_source_layers": [0, 1, 2]}},
    "nemotron_h_omni": {"image_token_id": IMAGE},
    "qwen4_exp": {
        "text_config": {
            "indexer_n_heads": 2, "indexer_kv_heads": 2, "indexer_head_dim": 16, "indexer_budget": 64,
            "indexer_compress_ratio": 4,
        },
    },
}  # fmt: skip
