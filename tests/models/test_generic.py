"""The same images with another question: equal to the prompt that had it from the start."""

from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("transformers")

from pyrascope.methods.reducers import Random
from pyrascope.models.features.site import reduce_inputs
from pyrascope.models.look.generic import asking
from pyrascope.models.stock.inputs import REDUCED
from pyrascope.models.verify.small.tiny import END, IMAGE, TinyProcessor, build, prompts
from tolerances import near

QUESTION = [13, 12, 11, 10, 9]


class Tokens:
    """A tokenizer of one question."""

    all_special_ids = (IMAGE, END)

    def __call__(self, text, add_special_tokens):
        assert text == " anything"
        assert not add_special_tokens
        return {"input_ids": QUESTION}


PROCESSOR = SimpleNamespace(tokenizer=Tokens(), image_token="<image>", chat_template=None)


def asked_from_the_start(inputs):
    """The same prompts, full, with the question after the end of the last image."""
    rows = []
    for mine, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True):
        end = int((mine == IMAGE).nonzero()[-1]) + 1
        end += int(end < len(mine) and mine[end] == END)
        rows.append(torch.cat([mine[:end][mask[:end].bool()], torch.tensor(QUESTION)]))
    longest = max(map(len, rows))
    ids = torch.stack([torch.nn.functional.pad(row, (longest - len(row), 0)) for row in rows])
    mask = torch.stack([(torch.arange(longest) >= longest - len(row)).long() for row in rows])
    out = {**inputs, "input_ids": ids, "attention_mask": mask}
    for name in ("mm_token_type_ids", "token_type_ids"):
        if name in inputs:
            out[name] = (ids == IMAGE).to(inputs[name]) * inputs[name].amax()
    return out


@pytest.mark.parametrize("kind", ["llava", "gemma3", "paligemma", "qwen2_vl", "qwen3_vl"])
def test_equals_the_prompt_that_had_the_question_from_the_start(kind):
    model = build(kind)
    inputs = prompts(model)
    small, _ = reduce_inputs(model, inputs, Random(), 3, processor=TinyProcessor())
    found = asking(small, PROCESSOR, IMAGE, "anything")
    wanted, _ = reduce_inputs(model, asked_from_the_start(inputs), Random(), 3, processor=TinyProcessor())
    for name, value in wanted.items():
        if name != REDUCED:
            shown = wanted["attention_mask"].bool()
            near(found[name][..., shown], value[..., shown], "same")
    assert set(found) == set(wanted)
    with torch.no_grad():
        near(model(**found).logits[:, -1], model(**wanted).logits[:, -1])


def test_a_prompt_without_an_image_is_refused():
    inputs = {
        "input_ids": torch.tensor([[5, 6]]),
        "attention_mask": torch.ones(1, 2),
        "position_ids": torch.zeros(1, 2),
    }
    with pytest.raises(ValueError, match="every prompt must have an image to look at, got none in prompt 0"):
        asking({**inputs, REDUCED: {}}, PROCESSOR, IMAGE, "anything")
