"""Other models whose towers are made like Qwen's: the same adapter, held against each of them."""

import inspect

import pytest
import torch

from pyrascope.models import tiny
from pyrascope.models.checks import CHECKS
from pyrascope.models.sites import PIXELS
from pyrascope.models.support import supported_types, takes_features
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
PADDLE = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64,
    "patch_size": 8,
}  # fmt: skip
QWEN25, QWEN3 = tiny._QWEN25, tiny._QWEN3
MODELS = {
    "cohere_compass": ("CohereCompass", QWEN3, {"rope_parameters": {"full_attention": ROPE}}),
    "glm46v": ("Glm46V", {**GLM, "model_type": "glm4v_vision"}, {"model_type": "glm4v_text"}),
    "glm4v": ("Glm4v", GLM, {}),
    "glm4v_moe": (
        "Glm4vMoe",
        GLM,
        {**MIXTURE, "rope_parameters": {**ROPE, "mrope_section": [1, 1, 2], "partial_rotary_factor": 0.5}},
    ),
    "glm_ocr": ("GlmOcr", GLM, {}),
    "paddleocr_vl": ("PaddleOCRVL", PADDLE, {}),
    "qwen2_5_omni_thinker": ("Qwen2_5OmniThinker", QWEN25, {}),
    "qwen3_5": ("Qwen3_5", QWEN3, LINEAR),
    "qwen3_5_moe": ("Qwen3_5Moe", QWEN3, {**LINEAR, **MIXTURE}),
    "qwen3_omni_moe_thinker": ("Qwen3OmniMoeThinker", QWEN3, MIXTURE),
    "qwen3_vl_moe": ("Qwen3VLMoe", QWEN3, MIXTURE),
}


@pytest.fixture(params=MODELS)
def model(request, monkeypatch):
    prefix, vision, text = MODELS[request.param]
    cls = getattr(transformers, f"{prefix}ForConditionalGeneration", None)
    if cls is None or not takes_features(cls):
        pytest.skip("this version of transformers does not have it, or not with encoded features")

    def config():
        made = tiny._qwen(dict(vision))
        made["text_config"].update(text)
        ends = {"image_start_token_id": tiny.START, "image_end_token_id": tiny.END}
        if "omni" in request.param:
            made["audio_config"] = AUDIO
        return {**made, **ends, "video_start_token_id": 96, "video_end_token_id": 97}

    monkeypatch.setitem(tiny.RECIPES, request.param, tiny.Recipe(prefix, config, "grid"))
    made = tiny.build(request.param)
    made.generation_config.suppress_tokens = [tiny.IMAGE, tiny.VIDEO]  # what random weights may say
    with torch.no_grad():
        yield made
    supported_types.cache_clear()


def prompts(model, rows=(0, 1)):
    """The prompts of Qwen's layout; PaddleOCR's has the patches in reading order, and one frame of each."""
    if model.config.model_type != "paddleocr_vl":
        made = tiny.prompts(model, rows)
        if "mm_token_type_ids" not in inspect.signature(model.forward).parameters:
            del made["mm_token_type_ids"]
        return made
    with pytest.MonkeyPatch.context() as patch:
        plain = tiny._image

        def image(style, number):
            made = plain(style, number)
            return {**made, "pixel_values": made["pixel_values"].reshape(-1, 3, 2, 8, 8)[:, :, 0]}

        patch.setattr(tiny, "_image", image)
        return tiny.prompts(model, rows)


def test_all_are_tested():
    assert {*LIKE_QWEN, "paddleocr_vl"} == {*MODELS, "qwen2_vl", "qwen2_5_vl", "qwen3_vl"}


def test_they_pass_the_checks_of_the_pixels_site(model):
    found = {name: check(model, None, lambda rows: prompts(model, rows)) for name, check in CHECKS[PIXELS].items()}
    assert {name: detail for name, (good, detail) in found.items() if not good} == {}


def test_a_model_that_discards_positions_is_refused():
    exaone = getattr(transformers, "Exaone4_5_ForConditionalGeneration", None)
    if exaone is None:
        pytest.skip("not in this version of transformers")
    model = exaone.__new__(exaone)
    torch.nn.Module.__init__(model)
    model.config = transformers.Exaone4_5_Config()
    with pytest.raises(NotImplementedError, match="its generate discards position_ids"):
        tower_of(model)
