"""A handful of the classes of docs/models.md; the page itself is made by benchmarks/pages/models_page.py."""

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.methods.reducers import Random
from pyrascope.models import attach, verify_type
from pyrascope.models.stock.encode import encode
from pyrascope.models.verify.report import Report, Row
from pyrascope.models.verify.small.sweep import merged, small_config
from pyrascope.models.verify.small.tiny import IMAGE, TinyProcessor, build, prompts


@pytest.mark.parametrize("kind", ["fuyu", "gemma4", "glm4v", "lfm2_vl", "llama4", "minicpmv4_6"])
def test_one_class_of_each_way_to_take_images(kind):
    """Rows of patches, patches with places, grids, padded patches, tiles projected late, patches in one strip."""
    report = verify_type(kind)
    assert report.verdict(kind, "features") == "pass", str(report)


def test_a_default_configuration_is_cut_down():
    config = small_config("llava", {"text_config": {"num_hidden_layers": 2}})
    assert (config.text_config.hidden_size, config.text_config.num_hidden_layers) == (64, 2)
    assert (config.vision_config.image_size, config.image_token_id) == (64, IMAGE)
    assert sum(weight.numel() for weight in build("qwen3_5_moe").parameters()) < 1_000_000


def test_changes_win_part_by_part():
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merged(base, {"a": {"c": 4}}) == {"a": {"b": 1, "c": 4}, "d": 3}
    assert base["a"]["c"] == 2


def test_features_without_a_pooled_output_are_given_back_as_they_came():
    """Llama4 projects after the tower: what is reduced is the tower's last state."""
    model = build("llama4")
    inputs = prompts(model)
    encoded = encode(model, inputs)
    assert encoded.field == "last_hidden_state"
    back = encoded.take([torch.arange(3)], [encoded.rows[:3]])["image"]
    assert torch.equal(back.last_hidden_state[0], encoded.rows[:3])
    assert back.pooler_output is None


def test_what_cannot_be_served_is_refused_with_the_reason():
    assert "without pixel_values" in verify_type("blip-2").rows[0].result
    assert verify_type("mllama").rows[0].result.startswith("refused: model must take encoded image features")
    with pytest.raises(ValueError, match="got no_such_type"):
        verify_type("no_such_type")


def test_text_may_be_decoded_by_hand_but_not_a_reduced_prompt():
    model = build("llava")
    with torch.no_grad(), attach(model, Random(), 4, processor=TinyProcessor()):
        text = model(input_ids=torch.tensor([[3, 4, 5]]))
        model(input_ids=torch.tensor([[6]]), past_key_values=text.past_key_values)
        image = model(**prompts(model))
        with pytest.raises(ValueError, match="position_ids"):
            model(input_ids=torch.tensor([[6], [6]]), past_key_values=image.past_key_values)


def test_a_site_passes_if_a_check_does_and_none_fails():
    def rows(*results):
        return Report(tuple(Row("f", "s", str(i), result) for i, result in enumerate(results)))

    assert rows("pass", "refused: a").verdict("f", "s") == "pass"
    assert rows("refused: a", "refused: b").verdict("f", "s") == "refused: a"
    assert rows("pass", "fail").verdict("f", "s") == "fail"
