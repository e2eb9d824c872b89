"""Other models whose towers are made like Qwen's: the same adapter, held against each of them."""

import pytest
import torch

import pyrascope as ps
from pyrascope.models import tiny
from pyrascope.models.pixels import plan_inputs
from pyrascope.models.support import supported_types
from pyrascope.models.towers import LIKE_QWEN, tower_of

transformers = pytest.importorskip("transformers")

ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
GLM = {
    "hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 64, "image_size": 64, "patch_size": 8,
    "depth": 2, "num_heads": 2,
}  # fmt: skip
MIXTURE = {
    "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_routed_experts": 4,
    "n_shared_experts": 1, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "decoder_sparse_step": 1,
}  # fmt: skip
LINEAR = {
    "layer_types": ["linear_attention", "full_attention", "full_attention"], "linear_num_key_heads": 2,
    "linear_num_value_heads": 2, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "shared_expert_intermediate_size": 32,
}  # fmt: skip
AUDIO = {
    "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16, "output_dim": 64,
    "downsample_hidden_size": 16, "num_mel_bins": 16,
}  # fmt: skip
QWEN25, QWEN3 = tiny._QWEN25, tiny._QWEN3
MODELS = {
    "cohere_compass": ("CohereCompass", QWEN3, {"rope_parameters": {"full_attention": ROPE}}),
    "exaone4_5": ("Exaone4_5_", {**QWEN25, "num_key_value_heads": 1}, {"model_type": "exaone4"}),
    "glm46v": ("Glm46V", {**GLM, "model_type": "glm4v_vision"}, {"model_type": "glm4v_text"}),
    "glm4v": ("Glm4v", GLM, {}),
    "glm4v_moe": (
        "Glm4vMoe",
        GLM,
        {**MIXTURE, "rope_parameters": {**ROPE, "mrope_section": [1, 1, 2], "partial_rotary_factor": 0.5}},
    ),
    "glm_ocr": ("GlmOcr", GLM, {}),
    "qwen2_5_omni_thinker": ("Qwen2_5OmniThinker", QWEN25, {}),
    "qwen3_5": ("Qwen3_5", QWEN3, LINEAR),
    "qwen3_5_moe": ("Qwen3_5Moe", QWEN3, {**LINEAR, **MIXTURE}),
    "qwen3_omni_moe_thinker": ("Qwen3OmniMoeThinker", QWEN3, MIXTURE),
    "qwen3_vl_moe": ("Qwen3VLMoe", QWEN3, MIXTURE),
}


@pytest.fixture(params=MODELS)
def model(request, monkeypatch):
    prefix, vision, text = MODELS[request.param]
    if not hasattr(transformers, f"{prefix}ForConditionalGeneration"):
        pytest.skip("not in this version of transformers")

    def config():
        made = tiny._qwen(dict(vision))
        made["text_config"].update(text)
        ends = {"image_start_token_id": tiny.START, "image_end_token_id": tiny.END}
        if "omni" in request.param:
            made["audio_config"] = AUDIO
        return {**made, **ends, "video_start_token_id": 96, "video_end_token_id": 97}

    monkeypatch.setitem(tiny.RECIPES, request.param, tiny.Recipe(prefix, config, "grid"))
    with torch.no_grad():
        yield tiny.build(request.param)
    supported_types.cache_clear()


def test_all_are_tested():
    assert set(LIKE_QWEN) == {*MODELS, "qwen2_vl", "qwen2_5_vl", "qwen3_vl"}


def test_full_equals_stock_and_less_is_exact_alone_as_in_a_batch(model):
    inputs = tiny.prompts(model)
    full, _ = plan_inputs(model, inputs, ps.methods.RateDistortion(), tower_of(model).items(model, inputs))
    torch.testing.assert_close(model(**full).logits, model(**inputs).logits, atol=1e-5, rtol=0)
    small, plans = plan_inputs(model, inputs, ps.methods.RateDistortion(), [7, 3, 4])
    assert [plan.tokens for plan in plans] == [7, 3, 4]
    assert (small["input_ids"] == tiny.IMAGE).sum(1).tolist() == [7, 7]
    together = model(**small).logits[:, -1]
    for row, budget in ((0, [7]), (1, [3, 4])):
        alone, _ = plan_inputs(model, tiny.prompts(model, (row,)), ps.methods.RateDistortion(), budget)
        torch.testing.assert_close(model(**alone).logits[:, -1], together[row : row + 1], atol=1e-5, rtol=0)
