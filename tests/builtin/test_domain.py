"""What speaks against a picture being one of the built-in model's scenes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("transformers")

from pyrascope.builtin.domain import doubts, even_share, stranger
from pyrascope.world.grounds import PHOTOGRAPHS, TEXTURES, ground
from pyrascope.world.scenes import sample
from pyrascope.world.vocabulary import COLORS

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "data" / "kodim23.png"
ASKED = "is there a red star?"


def test_scenes_are_not_doubted():
    for number in range(26):
        assert stranger(sample(321, number).image) is None, number


def test_photographs_are_by_their_size_and_by_what_they_show():
    with Image.open(PHOTOGRAPH) as opened:
        photograph = opened.convert("RGB")
    assert "512x512 px, this picture has 768x512" in stranger(photograph)
    for x in (0, 128, 256):
        assert "this picture shows none" in stranger(photograph.crop((x, 0, x + 512, 512)))
    for i in range(len(PHOTOGRAPHS)):
        assert "this picture shows none" in stranger(ground(TEXTURES + i))


@pytest.mark.parametrize("value", [0, 17, 235, 255])
def test_an_empty_page_is_doubted(value):
    assert "shows none" in stranger(np.full((512, 512, 3), value, np.uint8))


def test_forms_of_one_picture_are_judged_alike():
    image = sample(321, 0).image
    forms = (image, Image.fromarray(image), torch.from_numpy(image).permute(2, 0, 1), np.moveaxis(image, -1, 0))
    assert [stranger(form) for form in forms] == [None] * 4
    assert "shows none" in stranger(Image.fromarray(image).convert("L"))


@pytest.mark.parametrize("side", [1, 2, 3])
def test_even_share_by_brute_force(side):
    random = np.random.default_rng(side)
    palette = np.array([(205, 40, 40), (235, 234, 235), (128, 10, 128), (235, 235, 235)])
    image = palette[random.integers(0, 4, (5 * side, 7)) // 2]
    counts = {}
    for y in range(image.shape[0] - 1):
        for x in range(6):
            if (image[y : y + 2, x : x + 2] == image[y, x]).all():
                color = tuple(image[y, x])
                near = any(max(abs(np.subtract(color, one))) <= 40 for one in COLORS.values())
                if near and len(set(color)) > 1:
                    counts[color] = counts.get(color, 0) + 1
    assert even_share(image) == max(counts.values(), default=0) / ((image.shape[0] - 1) * 6)


def test_questions_of_no_known_form_are_doubted():
    image = sample(321, 0).image
    assert doubts(image, ASKED) == doubts(image, "is there a red star") == []
    assert ["no question of this form" in one for one in doubts(image, "is there a red star there?")] == [True]
    assert len(doubts(image[:100], "is red?")) == 2
    with pytest.raises(ValueError, match="words that the built-in model knows, got sky"):
        doubts(image, "where is the sky?")
