"""What the small sizes of `sweep` miss: one entry a model type, laid over its cut-down configuration."""

from typing import Any

from .tokens import IMAGE, START

FASTVIT: dict[str, Any] = {
    "architecture": "fastvit_mci3", "hidden_size": 64,
    "model_args": {
        "layers": [1] * 5, "embed_dims": [16, 16, 16, 32, 32], "downsamples": [False, False, False, True, True],
        "inference_mode": True,
    },
}  # fmt: skip
"""A tower of convolutions by timm."""
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
    "ernie4_5_vl_moe": {"text_config": {"moe_k": 2, "rope_parameters": {**_THETA, "mrope_section": [3, 3, 2]}}},
    "glm46v": _SECTIONS,
    "glm4v": _SECTIONS,
    "glm4v_moe": _HALF,
    "glm5_next": {"text_config": {"layer_types": ["linear_attention", "indexed_attention", "linear_attention"]}},
    "glm_ocr": _SECTIONS,
    "glmga": _SECTIONS,
    "granite4_vision": {
        "downsample_rate": "2/4", "deepstack_layer_map": [[-2, 0]], "spatial_target_layers": [1, 2, 3, 4],
        "text_config": {"num_hidden_layers": 6},
        "vision_config": {"hidden_size": 64},
        "qformer_config": {"hidden_size": 64, "encoder_hidden_size": 64},
    },
    "hunyuan_vl": {"text_config": {"head_dim": 16, **_SECTIONS["text_config"]}},
    "instructblip": _TOKEN,
    "instructblipvideo": _TOKEN,
    "gemma3n": {  # a tower of few layers: its own has 84 blocks, which round a batch and a row 1e-5 apart
        "vision_soft_tokens_per_image": 16, "text_config": {"intermediate_size": 96}, "vision_config": FASTVIT,
    },
    "gemma4": {
        "vision_config": {
            "model_type": "gemma4_vision", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "patch_size": 8,
        },
    },
    "gemma4_unified": {
        "text_config": {"num_hidden_layers": 2, "layer_types": ["sliding_attention", "full_attention"]},
        "vision_config": {
            "model_type": "gemma4_unified_vision", "patch_size": 8, "pooling_kernel_size": 1, "mm_embed_dim": 64,
            "output_proj_dims": 64,
        },
    },
    "kimi_k25": {"text_config": {"head_dim": 8}},
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
            "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 16, "indexer_budget": 64,
            "indexer_compress_ratio": 4,
        },
    },
    "deepseek_ocr2": {
        "text_config": {"mlp_layer_types": ["dense", "sparse", "sparse"], "num_experts_per_tok": 2},
        "vision_config": {"sam_config": {"downsample_channels": [32, 32]}},
    },
    "muse_glimmer": {"out_hidden_size": 128},
    "muse_spark": {"out_hidden_size": 128},
    "paddleocr_vl": _SECTIONS,
    "perception_lm": {
        "vision_config": {
            "architecture": "vit_pe_lang_large_patch14_448",
            "model_args": {
                "img_size": [64, 64], "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "global_pool": "",
                "ref_feat_shape": [8, 8],
            },
        },
    },
    "qwen2_5_omni_thinker": {"vision_start_token_id": START, **_SECTIONS},
    "qwen3_omni_moe_thinker": {"vision_start_token_id": START},
    "step3p7": {"text_config": {"sliding_window": 16}},
    "unlimited_ocr": {"vision_config": {"sam_config": {"downsample_channels": [32, 32]}}},
    "vipllava": {"vision_feature_layer": [-1, -2], "vision_feature_layers": [-1, -2]},
}  # fmt: skip
