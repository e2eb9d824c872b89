"""Plain vision transformers (CLIP, SigLIP): patches from anywhere, each with the position of its centre."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from ..canvas import Canvas, raster
from ..encode import Encoded
from ..placeholders import Run
from ..support import transformers
from .tower import Cells


def patches_of(cells: Cells, patch: int) -> tuple[Tensor, Tensor]:
    """Cuts cells into the tower's patches.

    Args:
        cells: n cells of side k * patch.
        patch: Side of the tower's patch in pixels.

    Returns:
        Patches (n * k * k, c, patch, patch), those of a cell together and in reading order, and their centres
        (n * k * k, 2), float64, (y, x) in patches of the stock grid.
    """
    n, channels, side, _ = cells.patches.shape
    k = side // patch
    cut = cells.patches.reshape(n, channels, k, patch, k, patch).permute(0, 2, 4, 1, 3, 5)
    inside = (torch.arange(k, dtype=torch.float64) + 0.5) / k
    within = torch.cartesian_prod(inside, inside)  # (k * k, 2)
    corner, extent = cells.boxes[:, None, :2], (cells.boxes[:, 2:] - cells.boxes[:, :2])[:, None]
    return cut.reshape(-1, channels, patch, patch), ((corner + within * extent) * k).reshape(-1, 2)


def sampled(table: Tensor, centres: Tensor, grid: tuple[int, int]) -> Tensor:
    """Returns the position table (s * s, d) at `centres` (n, 2), (y, x) in patches of a grid that it spans: (n, d).

    Bilinear between the places of the table, which are the centres of s x s equal parts; beyond the outermost, the
    nearest. So a grid of s x s patches gets the table itself.
    """
    side = round(len(table) ** 0.5)
    plane = table.T.reshape(1, -1, side, side)
    share = centres / torch.tensor(grid, dtype=centres.dtype)
    where = (share.flip(-1) * 2 - 1)[None, None].to(table.device, torch.float32)
    found = functional.grid_sample(plane.float(), where, padding_mode="border", align_corners=False)
    return found[0, :, 0].T.to(table.dtype)


def embedded(tower: Any, cells: Cells) -> Tensor:
    """Returns the patches of the cells as the tower's layers take them: (n * k * k, d)."""
    inner = tower.embeddings
    convolution, table = inner.patch_embedding, inner.position_embedding.weight
    patch = convolution.kernel_size[0]
    patches, centres = patches_of(cells, patch)
    k = cells.patches.shape[-1] // patch
    flat = patches.flatten(1).to(convolution.weight)
    rows = functional.linear(flat, convolution.weight.flatten(1), convolution.bias)
    if hasattr(inner, "class_embedding"):
        table = table[1:]
    return rows + sampled(table, centres, (cells.grid[0] * k, cells.grid[1] * k))


def hidden_states(tower: Any, rows: Sequence[Tensor], layers: Sequence[int]) -> list[Tensor]:
    """Runs the tower's layers on rows of patches and returns the hidden states (images, longest, d) that are asked for.

    Args:
        tower: A CLIP or SigLIP tower.
        rows: Embedded patches of each image.
        layers: Which hidden states, as transformers counts them: 0 before the first layer, -1 after the last.
    """
    hidden = pad_sequence(list(rows), batch_first=True)
    lengths = torch.tensor([len(one) for one in rows], device=hidden.device)
    inner = tower.embeddings
    if hasattr(inner, "class_embedding"):
        first = inner.class_embedding + inner.position_embedding.weight[0]
        hidden = torch.cat([first.to(hidden).expand(len(hidden), 1, -1), hidden], 1)
        lengths = lengths + 1
    if hasattr(tower, "pre_layrnorm"):
        hidden = tower.pre_layrnorm(hidden)
    mask = None
    if len(set(lengths.tolist())) > 1:
        shown = torch.arange(hidden.shape[1], device=hidden.device) < lengths[:, None]
        masking = transformers().masking_utils
        mask = masking.create_bidirectional_mask(config=tower.config, inputs_embeds=hidden, attention_mask=shown)
    stack = tower.encoder.layers
    wanted = [layer % (len(stack) + 1) for layer in layers]
    states = [hidden]
    for layer in stack[: max(wanted)]:
        states.append(layer(states[-1], mask))
    skip = int(hasattr(inner, "class_embedding"))
    return [states[number][:, skip:] for number in wanted]


@dataclass(frozen=True)
class Llava:
    """LLaVA: one patch of a CLIP or SigLIP tower is one token."""

    def cell(self, model: Any) -> int:
        """Returns the side of a patch; see `Tower.cell`."""
        return int(model.config.vision_config.patch_size)

    def items(self, model: Any, inputs: Mapping[str, Any]) -> list[int]:
        """Returns the patches of each image; see `Tower.items`."""
        count, _, height, width = inputs["pixel_values"].shape
        return [(height // self.cell(model)) * (width // self.cell(model))] * count

    def canvases(self, model: Any, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[Canvas]:
        """Returns each image as it is; see `Tower.canvases`."""
        cell = self.cell(model)
        out = []
        for pixels in inputs["pixel_values"]:
            rows, columns = (side // cell for side in pixels.shape[-2:])
            shown = pixels[:, : rows * cell, : columns * cell]
            out.append(Canvas(shown, cell, (rows, columns), raster(rows, columns), rows * columns))
        return out

    def encode(self, model: Any, cells: Sequence[Cells]) -> Encoded:
        """Returns projected patches; see `Tower.encode`."""
        base, config = model.base_model, model.config
        layers = config.vision_feature_layer
        rows = [embedded(base.vision_tower, one) for one in cells]
        states = hidden_states(base.vision_tower, rows, [layers] if isinstance(layers, int) else layers)
        state = torch.cat(states, -1)
        flat = torch.cat([one[: len(mine)] for one, mine in zip(state, rows, strict=True)])
        output = transformers().modeling_outputs.BaseModelOutputWithPooling
        return Encoded(base.multi_modal_projector(flat), tuple(map(len, rows)), True, (), output)
