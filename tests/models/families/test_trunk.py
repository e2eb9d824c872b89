"""Packed patches against the stock towers, and the position tables against the stock embeddings."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from pyrascope.models.families.parts.tower import Cells
from pyrascope.models.families.parts.trunk import bucket, centres, encode_cells, sampled, trunk_of
from tiny_models import model_of
from tolerances import near

TOWERS = {
    "llava": "vision_tower",
    "llava_onevision": "vision_tower",
    "smolvlm": "vision_model",
    "internvl": "vision_tower",
}


@pytest.fixture(params=TOWERS)
def tower(request):
    with torch.no_grad():
        yield getattr(model_of(request.param).base_model, TOWERS[request.param])


def noise(number=0, side=64):
    return torch.randn(3, side, side, generator=torch.Generator().manual_seed(number))


def cells_of(image, cell):
    rows, columns = image.shape[1] // cell, image.shape[2] // cell
    patches = image.reshape(3, rows, cell, columns, cell).permute(1, 3, 0, 2, 4).reshape(-1, 3, cell, cell)
    corner = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).double()
    return Cells(patches, torch.cat([corner, corner + 1], 1), (rows, columns))


def part(cells, index):
    return Cells(cells.patches[index], cells.boxes[index], cells.grid)


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("layer", [-1, -2, 0])
def test_all_cells_are_the_stock_tower(tower, k, layer):
    image = noise()
    stock = tower(image[None], output_hidden_states=True).hidden_states[layer][0]
    stock = stock[-64:].reshape(8, 8, -1)
    blocks = stock.reshape(8 // k, k, 8 // k, k, -1).permute(0, 2, 1, 3, 4).reshape((8 // k) ** 2, k * k, -1)
    (found,) = encode_cells(trunk_of(tower), [cells_of(image, 8 * k)], [layer])
    near(found, blocks, "transform")


def test_the_norm_is_that_of_the_last_hidden_state(tower):
    image = noise()
    found = encode_cells(trunk_of(tower), [cells_of(image, 8)], norm=True)[0][:, 0]
    stock = tower(image[None]).last_hidden_state[0, -64:]
    if hasattr(tower, "pre_layrnorm"):  # CLIP norms its class token alone
        stock = tower.post_layernorm(stock)
    near(found, stock, "transform")


def test_the_order_of_cells_does_not_matter(tower):
    cells = cells_of(noise(), 16)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    first, second = encode_cells(trunk_of(tower), [cells, part(cells, order)])
    near(second, first[order], "transform")


def test_images_do_not_mix_whatever_their_counts(tower):
    trunk = trunk_of(tower)
    images = [part(cells_of(noise(number), 16), slice(0, count)) for number, count in enumerate((5, 16, 1, 5, 9))]
    together = encode_cells(trunk, images)
    for mine, image in zip(together, images, strict=True):
        near(mine, encode_cells(trunk, [image])[0], "transform")
        assert len(mine) == len(image.patches)


@given(rows=st.integers(1, 8), columns=st.integers(1, 8))
def test_grids_below_the_table_take_the_entries_that_stock_takes(rows, columns):
    tower = model_of("smolvlm").base_model.vision_model
    with torch.no_grad():
        stock = tower.embeddings(torch.zeros(1, 3, rows * 8, columns * 8), torch.ones(1, rows, columns).bool())[0]
        stock = stock - tower.embeddings.patch_embedding.bias
        cells = Cells(torch.zeros(rows * columns, 3, 8, 8), boxes_of(rows, columns), (rows, columns))
        found = bucket(trunk_of(tower).table, centres(cells, 1), (rows, columns))
    near(found, stock, "transform")


def boxes_of(rows, columns):
    corner = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).double()
    return torch.cat([corner, corner + 1], 1)


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_table_is_sampled_as_interpolation_does(rows, columns, seed):
    table = torch.randn(5, 7, 2, generator=torch.Generator().manual_seed(seed))
    cells = Cells(torch.zeros(rows * columns, 3, 1, 1), boxes_of(rows, columns), (rows, columns))
    found = sampled(table, centres(cells, 1), (rows, columns)).reshape(rows, columns, 2)
    plane = table.permute(2, 0, 1)[None]
    wanted = torch.nn.functional.interpolate(plane, (rows, columns), mode="bilinear", align_corners=False)
    near(found, wanted[0].permute(1, 2, 0), "transform")


def test_patches_of_a_coarse_cell_spread_over_its_box():
    cells = Cells(torch.zeros(1, 3, 2, 2), torch.tensor([[2.0, 4, 4, 8]], dtype=torch.float64), (8, 8))
    assert centres(cells, 2).tolist() == [[5, 10], [5, 14], [7, 10], [7, 14]]


def test_another_tower_is_refused_by_name():
    with pytest.raises(NotImplementedError, match=r"CLIP, SigLIP.*got Linear"):
        trunk_of(torch.nn.Linear(1, 1))
