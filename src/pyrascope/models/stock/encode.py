"""What a model's tower makes of the images in a call: one list of feature rows, in the order of the placeholders."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from .inputs import PIXEL_INPUTS, REDUCED
from .protocols import Model
from .support import transformers


@dataclass(frozen=True)
class Encoded:
    """The features of all images of a batch.

    Attributes:
        rows: Features (n, d) as the language model takes them.
        items: Number of rows of each item that the tower returned; their sum is n.
        listed: True if the tower returned a list, False if one tensor (items, rows, d).
        deepstack: Further features (n, d) that go into deeper layers (Qwen3-VL), one tensor a layer; mostly none.
        output: The class of the tower's output, in which the model wants them back.
        field: The name under which it holds them.
    """

    rows: Tensor
    items: tuple[int, ...]
    listed: bool
    deepstack: tuple[Tensor, ...]
    output: type
    field: str = "pooler_output"

    def take(self, kept: Sequence[Tensor], features: Sequence[Tensor]) -> dict[str, Any]:
        """Returns `mm_encoder_outputs` for what is kept of each image.

        Args:
            kept: Row numbers of each image, int64.
            features: Their features (B, d), the same number of rows.
        """
        payload: dict[str, Any] = {self.field: list(features)}
        if not self.listed:  # one image an entry where the counts allow it: beam search groups entries by image
            same = len({len(rows) for rows in features}) == 1
            payload[self.field] = torch.stack(list(features)) if same else torch.cat(list(features))[None]
        if self.deepstack:
            payload["deepstack_features"] = [[layer[rows] for rows in kept] for layer in self.deepstack]
        plain = all(one.default is not MISSING for one in fields(self.output))
        # a class with fields that must be given, as timm's, cannot be cut in parts by generate
        output = self.output if plain else transformers().modeling_outputs.BaseModelOutputWithPooling
        return {"image": output(**payload)}

    def regrouped(self, items: Sequence[int]) -> "Encoded":
        """Returns the same rows as items of other sizes, such as one an image instead of one a tile."""
        return replace(self, items=tuple(items))

    def replaced(self, numbers: Sequence[int], other: "Encoded") -> "Encoded":
        """Returns this with the items of these numbers taken from `other`, in order."""

        def mixed(mine: Tensor, theirs: Tensor) -> Tensor:
            parts = list(torch.split(mine, list(self.items)))
            for number, part in zip(numbers, torch.split(theirs, list(other.items)), strict=True):
                parts[number] = part
            return torch.cat(parts)

        items = dict(enumerate(self.items)) | dict(zip(numbers, other.items, strict=True))
        deepstack = tuple(mixed(*layers) for layers in zip(self.deepstack, other.deepstack, strict=True))
        return replace(self, rows=mixed(self.rows, other.rows), items=tuple(items.values()), deepstack=deepstack)


def tower_arguments(model: Model) -> list[str]:
    """The names of the inputs that the model's tower takes: pixels, and what describes them."""
    names = inspect.signature(model.base_model.get_image_features).parameters
    return [name for name in names if name not in ("kwargs", "input_ids", "attention_mask", "return_dict")]


def encode(model: Model, inputs: Mapping[str, Any]) -> Encoded:
    """Runs the tower on the images of `inputs`, once.

    Raises:
        TypeError: the tower's output is of a form that is not known here.
        ValueError: pixels without what describes them.
    """
    _check_described(model, inputs)
    given = {name: inputs[name] for name in tower_arguments(model) if inputs.get(name) is not None}
    found = model.base_model.get_image_features(**given, return_dict=True)
    pooled = pooled_of(found)
    deepstack = getattr(found, "deepstack_features", None) or ()
    if pooled is None or not all(isinstance(rows, Tensor) for layer in (pooled, *deepstack) for rows in layer):
        name = type(model).__name__
        raise TypeError(f"the tower must return pooled features, one tensor an image, got another form from {name}")
    return Encoded(
        rows=_flat(pooled),
        items=tuple(rows.numel() // rows.shape[-1] for rows in pooled),
        listed=not isinstance(pooled, Tensor),
        deepstack=tuple(_flat(layer) for layer in deepstack),
        output=type(found),
        field=field_of(found),
    )


def _check_described(model: Model, inputs: Mapping[str, Any]) -> None:
    """Refuses pixels without the sizes or grids that the tower reads them by."""
    names = inspect.signature(model.base_model.get_image_features).parameters
    needed = [n for n, one in names.items() if n == "image_grid_thw" or (one.default is one.empty and one.kind < 2)]
    missing = [name for name in needed if inputs.get(name) is None]
    if missing:
        raise ValueError(
            f"the images of {model.config.model_type} must come with {', '.join(needed)}, got no {', '.join(missing)}; "
            "pass all that the model's processor returns"
        )


def with_features(model: Model, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the inputs with the tower's output in place of the pixels: what the model computes is the same."""
    encoded = encode(model, inputs)
    items = list(encoded.items)
    rows = torch.split(torch.arange(len(encoded.rows), device=encoded.rows.device), items)
    out = {name: value for name, value in inputs.items() if name not in PIXEL_INPUTS}
    out[REDUCED] = encoded.take(rows, torch.split(encoded.rows, items))
    return out


def field_of(output: Any) -> str:
    """The name under which a tower's output holds the features: of some, the language model takes the last state."""
    return "last_hidden_state" if getattr(output, "pooler_output", None) is None else "pooler_output"


def pooled_of(output: Any) -> Any:
    """The features that a tower returned: one tensor an item, or one of all items; None where there are none."""
    return getattr(output, field_of(output), None)


def _flat(features: Sequence[Tensor] | Tensor) -> Tensor:
    """(n, d), from one tensor an item, or from one tensor that is flat already."""
    if isinstance(features, Tensor) and features.ndim == 2:
        return features
    return torch.cat([rows.reshape(-1, rows.shape[-1]) for rows in features])
