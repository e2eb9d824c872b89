"""What a canvas shows of its source, for the processors of transformers: every pixel of a ramp in its place."""

import importlib

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from PIL import Image

from pyrascope.allocation.plan import Plan
from pyrascope.models.families.adapter import adapter_of
from pyrascope.models.families.anyres import PINPOINTS
from pyrascope.models.pixels.sources import normalisation_of, placed
from pyrascope.models.stock.placeholders import Run
from pyrascope.models.verify.small.tiny import IMAGE
from tiny_models import model_of
from tolerances import near, room

SQUARE = {"height": 64, "width": 64}
EDGE, PLAIN = {"size": {"shortest_edge": 64}, "crop_size": SQUARE}, {"size": SQUARE}
PROCESSORS = {
    "centre cut out": ("llava", "clip", "CLIP", {"size": {"shortest_edge": 72}, "crop_size": SQUARE}),
    "centre, squeezed": ("llava", "clip", "CLIP", {"size": {"height": 80, "width": 64}, "crop_size": SQUARE}),
    "padded": ("llava", "llava", "Llava", {**EDGE, "do_pad": True}),
    "squeezed": ("paligemma", "siglip", "Siglip", PLAIN),
    "gemma": ("gemma3", "gemma3", "Gemma3", PLAIN),
    "tiles": ("smolvlm", "smolvlm", "SmolVLM", {"size": {"longest_edge": 256}, "max_image_size": {"longest_edge": 64}}),
    "thumbnail last": ("internvl", "got_ocr2", "GotOcr2", {**PLAIN, "crop_to_patches": True, "max_patches": 6}),
    "any resolution": ("llava_next", "llava_next", "LlavaNext", {**EDGE, "image_grid_pinpoints": PINPOINTS}),
    "one vision": (
        "llava_onevision",
        "llava_onevision",
        "LlavaOnevision",
        {**PLAIN, "image_grid_pinpoints": PINPOINTS},
    ),
}
SIZES = [(90, 70), (64, 64), (130, 200), (50, 120), (255, 81)]


def processor_of(name):
    kind, family, prefix, options = PROCESSORS[name]
    module = importlib.import_module(f"transformers.models.{family}.image_processing_pil_{family}")
    found = getattr(module, f"{prefix}ImageProcessorPil")(**options)
    return model_of(kind), found


def ramp(height, width):
    """Red goes down from 0 to 1, green to the right; blue is 1."""
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    shown = np.stack(np.broadcast_arrays(y[:, None], x, 1.0), -1)
    return Image.fromarray((shown * 255).round().astype(np.uint8))


def canvas_of(model, made, picture, processor, finest):
    tower = adapter_of(model)
    inputs = {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}
    ids = torch.full((1, sum(tower.items(model, inputs))), IMAGE)
    views = [[Run(0, 0, ids.shape[1])]]
    normal = normalisation_of(processor)
    (canvas,) = placed(tower.canvases(model, inputs, views), [picture], processor, finest, normal)
    return canvas, normal.shown(canvas.pixels)


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("finest", ["grid", 1, "source"])
def test_every_pixel_shows_its_place(name, size, finest):
    model, processor = processor_of(name)
    picture = ramp(*size)
    made = processor(images=[picture], return_tensors="pt")
    canvas, shown = canvas_of(model, made, picture, processor, finest)
    cell = canvas.cell
    assert shown.shape[1:] == (canvas.grid[0] * cell * canvas.scale, canvas.grid[1] * cell * canvas.scale)
    y0, x0, y1, x1 = canvas.region
    inside = []
    for axis, low, high in ((0, y0, y1), (1, x0, x1)):
        count = shown.shape[axis + 1]
        step = (high - low) / count
        place = low + (torch.arange(count) + 0.5) * step
        margin = max(3 * step, 3)
        inside.append((place > margin) & (place < size[axis] - margin))
        line = shown[axis].movedim(axis, 0)[inside[-1]]
        other = ((x0, x1), (y0, y1))[axis]
        across = other[0] + (torch.arange(line.shape[1]) + 0.5) * (other[1] - other[0]) / line.shape[1]
        line = line[:, (across > 3) & (across < size[1 - axis] - 3)]
        wanted = (place / size[axis])[inside[-1], None].expand_as(line).float()
        torch.testing.assert_close(line, wanted, atol=0.02, rtol=0)
    assert all(bool(one.any()) for one in inside)


@pytest.mark.parametrize("name", PROCESSORS)
def test_source_is_as_fine_as_needed_and_no_finer(name):
    model, processor = processor_of(name)
    for size in SIZES:
        picture = ramp(*size)
        canvas, _ = canvas_of(model, processor(images=[picture], return_tensors="pt"), picture, processor, "source")
        y0, x0, y1, x1 = canvas.region
        steps = ((y1 - y0) / canvas.pixels.shape[1], (x1 - x0) / canvas.pixels.shape[2])
        assert max(steps) <= 1 + room()
        assert canvas.scale == 1 or max(steps) > 0.5


def test_plans_in_the_source_cover_what_is_seen():
    model, processor = processor_of("centre cut out")
    picture = ramp(90, 70)
    canvas, _ = canvas_of(model, processor(images=[picture], return_tensors="pt"), picture, processor, "grid")
    whole = Plan([[0, 0, 64, 64]], [[3, 3]], [0.0], (64, 64), 8, "by hand")
    found = canvas.in_source(whole)
    side = 64 * 70 / 72  # of the centre square in source pixels
    near(found.boxes, [[45 - side / 2, 35 - side / 2, 45 + side / 2, 35 + side / 2]])
    near(found.cell * 2.0**found.levels, np.full_like(found.levels, side), dtype=torch.float32)
    assert found.image_size == (90, 70)


def test_a_box_of_padding_leaves_a_sliver():
    model, processor = processor_of("padded")
    picture = ramp(30, 120)
    canvas, _ = canvas_of(model, processor(images=[picture], return_tensors="pt"), picture, processor, "grid")
    column = Plan([[y, 0, y + 8, 8] for y in (0, 24, 56)], [[0, 0]] * 3, [0.0] * 3, (64, 64), 8, "by hand")
    found = canvas.in_source(column).boxes
    assert ((found[:, 2] - found[:, 0] > 0) & (found[:, 2] <= 30)).all()
    assert (found[[0, 2], 2] - found[[0, 2], 0] < 0.01).all()
    near(found[1], [0, 0, 15, 15])
