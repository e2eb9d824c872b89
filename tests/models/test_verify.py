import json
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.cli.main import main
from pyrascope.methods.reducers import DivPrune, Random
from pyrascope.models import attach, prepare, verify, verify_type
from pyrascope.models.stock import encode
from pyrascope.models.stock.placeholders import placeholder_runs
from pyrascope.models.verify.small.tiny import IMAGE, build
from pyrascope.models.verify.verify import _made
from tiny_models import tiny_processor


def results(report):
    return {row.check: row.result for row in report.rows if row.site == "features"}


def test_a_fault_is_found(monkeypatch):
    assert set(results(verify_type("llava")).values()) == {"pass"}
    take = encode.Encoded.take

    def shifted(self, kept, features):
        return take(self, kept, [rows.roll(1, 0) for rows in features])

    monkeypatch.setattr(encode.Encoded, "take", shifted)
    report = verify_type("llava")
    assert not report.ok
    assert results(report)["full budget: logits"] == results(report)["full budget: tokens"] == "fail"
    assert "fail (largest difference" in str(report)


def test_command(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["verify", "qwen3_vl", "smolvlm", "--json", str(tmp_path / "rows.json")])
    assert left.value.code == 0
    found = json.loads((tmp_path / "rows.json").read_text())
    assert {row["family"] for row in found["rows"]} == {"qwen3_vl", "smolvlm"}
    assert "full budget: logits" in capsys.readouterr().out
    with pytest.raises(SystemExit) as left:
        main(["verify", "no_such_model"])
    assert left.value.code == 2
    assert "qwen2_5_vl" in capsys.readouterr().err


def test_with_a_real_processor():
    processor = tiny_processor()
    model = build("llava")
    report = verify(model, processor)
    assert report.ok, str(report)
    images = [[torch.rand(3, 90, 70)], [torch.rand(3, 64, 64), torch.rand(3, 30, 99)]]
    text = ["<image> what is here", "<image> to <image> be seen"]
    inputs, found = prepare(model, processor, images, text, method=DivPrune(), budget=7)
    assert [len(one.kept) for one in found] == [7, 7, 7]
    assert (inputs["input_ids"] == IMAGE).sum(1).tolist() == [7, 14]
    out = model.generate(**inputs, max_new_tokens=2, do_sample=False)
    with attach(model, DivPrune(), budget=7, processor=processor):
        full = processor(images=images, text=text, return_tensors="pt", padding=True)
        assert torch.equal(model.generate(**full, max_new_tokens=2, do_sample=False)[:, -2:], out[:, -2:])
    same, none = prepare(model, processor, None, "what is here", method=Random(), budget=7)
    assert none == []
    assert "mm_encoder_outputs" not in same


def test_a_model_that_cannot_is_refused_by_name():
    import transformers

    tiny = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny))
    report = verify(model, SimpleNamespace())
    assert report.ok
    assert report.rows[0].result.startswith("refused: model must take encoded image features, got LlamaForCausalLM")


def test_images_of_a_prompt_do_not_adjoin_and_the_processor_stays_as_it_was():
    processor, model = tiny_processor(), build("llava")
    processor.tokenizer.padding_side = "right"
    made = _made(model, processor, (0, 1))
    assert [run.row for run in placeholder_runs(made["input_ids"], IMAGE)] == [0, 1, 1]
    assert processor.tokenizer.padding_side == "right"


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"needs float32 weights, got torch\.bfloat16"):
        verify(build("llava").bfloat16(), tiny_processor())
    with pytest.raises(TypeError, match="processor must be that of the model, got None"):
        verify(build("llava"), None)
