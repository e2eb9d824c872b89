"""One reading of a picture: what a processor sees, what plans lie on and what `gather` reads is the same picture."""

import warnings

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("transformers")

import pyrascope as ps
from pictures import noise
from pyrascope.models.pixels.site import canvases_of
from pyrascope.models.pixels.sources import normalisation_of, placed, readable
from pyrascope.models.stock.inputs import with_mask
from tiny_models import model_of, tiny_processor

ASK = "<image> what"


def stored(orientation, path):
    """A grey photograph of 60x84 px, all of its detail at the top left as it is stored."""
    pixels = np.full((60, 84, 3), 128, np.uint8)
    pixels[:20, :28] = (noise(20, 28, 3).numpy() * 255).astype(np.uint8)
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=tags)
    return pixels


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_path_is_upright_and_a_pil_image_is_stored(tmp_path, orientation):
    path = tmp_path / "photo.png"
    pixels = stored(orientation, path)
    upright = np.rot90(pixels, {1: 0, 3: 2, 6: 3}[orientation])
    np.testing.assert_array_equal(np.asarray(readable(path)), upright)
    np.testing.assert_array_equal(np.asarray(readable([[str(path)]])[0][0]), upright)
    with Image.open(path) as photo, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert readable(photo) is readable([photo])[0] is photo
    assert ["ImageOps.exif_transpose" in str(one.message) for one in said] == ([] if orientation == 1 else [True])


def test_what_is_no_picture_stays():
    array, tensor = np.zeros((2, 3, 3)), torch.zeros(3, 2, 2)
    for one in (array, tensor, None, "https://example.org/a.png", "data:image/png;base64,AAAA", "a\0b"):
        assert readable(one) is one


@pytest.mark.filterwarnings("ignore:PIL image .* has EXIF orientation")
@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("kind", ["path", "PIL"])
def test_gather_and_weights_find_what_prepare_planned(tmp_path, orientation, kind):
    path = tmp_path / "photo.png"
    stored(orientation, path)
    photo = str(path) if kind == "path" else Image.open(path)
    method, (model, processor) = ps.methods.RateDistortion(), (model_of("llava"), tiny_processor())
    plan = ps.prepare(model, processor, [photo], ASK, method=method, budget=20)[1][0]
    finest = plan.levels.sum(1).argsort()[:4]
    assert max(float(token.std()) for token in ps.gather(photo, plan)[finest]) > 0.02
    weight = ps.importance_map(photo, ps.importance.Saliency())
    place = (np.array(np.unravel_index(weight.argmax(), weight.shape)) + 0.5) / weight.shape
    y0, x0, y1, x1 = plan.boxes[finest[0]] / np.tile(plan.image_size, 2)
    assert np.abs(place - [(y0 + y1) / 2, (x0 + x1) / 2]).max() < 0.4, "both on the same side of the picture"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white_to_the_processor(mode):
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((200, 20, 20, 255), (0, 0, 32, 64))
    image = image.convert(mode)
    model, processor = model_of("llava"), tiny_processor()
    method = ps.reducers.DivPrune()
    found = ps.prepare(model, processor, [image], ASK, method=method, budget=5)[1][0]
    white = Image.new("RGB", (64, 64), "white")
    white.paste(image.convert("RGB").crop((0, 0, 32, 64)), (0, 0))
    plain = ps.prepare(model, processor, [white], ASK, method=method, budget=5)[1][0]
    torch.testing.assert_close(found.features, plain.features, rtol=0, atol=0)
    with ps.attach(model, ps.methods.TwoLevels(), 5, processor=processor):
        seen, bare = (processor(images=one, text=ASK, return_tensors="pt")["pixel_values"] for one in (image, white))
    torch.testing.assert_close(seen, bare, rtol=0, atol=0)


@pytest.mark.parametrize("height", [1, 2, 3, 4])
def test_a_picture_of_few_rows_has_its_own_colours(height):
    pixels = np.zeros((height, 90, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.linspace(0, 255, 90), 255
    image, model, processor = Image.fromarray(pixels), model_of("llava"), tiny_processor()
    inputs = with_mask(dict(processor(images=image, text=ASK, return_tensors="pt")))
    seen, normal = canvases_of(model, inputs, processor)[1], normalisation_of(processor)
    fine = normal.shown(placed(seen, [image], processor, "source", normal)[0].pixels)
    coarse = torch.nn.functional.interpolate(fine[None], seen[0].pixels.shape[-2:], mode="area")[0]
    assert float((coarse - normal.shown(seen[0].pixels)).abs().mean()) < 0.02
