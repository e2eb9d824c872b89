"""`pyrascope cost`: published figures, configs, and what it refuses."""

import json

import pytest


def test_cost_says_what_pyramid_drop_publishes(run, tmp_path):
    drops = ["--drop", "8:288", "--drop", "16:144", "--drop", "24:72"]
    code, out, _ = run("cost", "-b", "128", *drops, "--json", str(tmp_path / "cost.json"))
    assert code == 0
    assert "3.82 T" in out
    assert "1.78 T" in out
    rows = json.loads((tmp_path / "cost.json").read_text())
    assert [row["mean_tokens"] for row in rows] == [576, 128, 270]


def test_cost_reads_a_config(run, tmp_path):
    config = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    (tmp_path / "config.json").write_text(json.dumps({"text_config": config}))
    code, _, _ = run("cost", "--tokens", "4", "--config", str(tmp_path / "config.json"), "--json", str(tmp_path / "o"))
    assert code == 0
    # two layers of 4 tokens: 4 d^2 for q, k, v, o and 3 d m for the MLP a token, 2 n^2 d for attention
    assert json.loads((tmp_path / "o").read_text())[0]["flops"] == 2 * (4 * (4 * 64 + 3 * 8 * 16) + 2 * 16 * 8)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["--model", "llava"], "--model must be one of"),
        (["--drop", "8"], "--drop must be LAYER:COUNT"),
        (["--drop", "40:3"], "layer of a drop"),
        (["--multiply-add", "3"], "multiply_add"),
        (["--config", "none.json"], "none.json"),
        (["--drop", "8:288", "--drop", "8:100"], "--drop must name each layer once, got layer 8 twice"),
        (["--config", "none.json"], "--config must be a readable file, got 'none.json'"),
    ],
)
def test_bad_options_of_cost(run, words, wrong):
    code, _, err = run("cost", *words)
    assert code == 2
    assert wrong in err
    assert err.count("\n") == 1
