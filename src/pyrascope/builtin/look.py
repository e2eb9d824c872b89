"""The built-in model's own first look: heads that were trained with it say where a question has to look."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..methods import CoarseToFine, Zoom
from ..models.look.first import ThroughModel
from ..models.prompts.images import image_runs
from ..models.stock.encode import with_features
from ..models.stock.inputs import REDUCED, check_inputs, has_images, with_mask
from ..models.stock.placeholders import columns_of
from .heads import Heads
from .package import LOOK_FILE, load_heads

SHARE = 67
"""Of the budget for the first look, in percent: 64 of 96 tokens, the cells of 64 pixels that training knows best."""


@dataclass(frozen=True, eq=False)
class TrainedLook(ThroughModel):
    """Where the heads that ship beside the built-in model's weights say that the answer is.

    The stock model runs on the coarse view; the state of the prompt's last token, and the visual tokens as the decoder
    receives them, go through two linear maps, and their inner products through a softmax.

    Attributes:
        heads: Trained together with the model that it is used with.

    Source: the coarse stage of "look, then zoom", supervised by the evidence of each question. Differs from
    `AttentionLook` in that it is trained for this, and so is of no use on other models.
    """

    heads: Heads

    @torch.no_grad()
    def maps(self, model: Any, inputs: Mapping[str, Any], processor: Any = None) -> list[Tensor]:
        """Returns the share of each visual token, summing to 1 for each image; see `Look.maps`.

        Raises:
            ValueError: the model has another width than the heads.
        """
        check_inputs(model, inputs, reduced=True)
        if not has_images(inputs) and not inputs.get(REDUCED):
            return []
        width, wanted = model.config.get_text_config().hidden_size, self.heads.query.in_features
        if width != wanted:
            raise ValueError(f"the look must be used with its own model, of width {wanted}, got one of width {width}")
        full = with_mask(inputs)
        given = with_features(model, full) if has_images(full) else full
        ids, mask = given["input_ids"], given["attention_mask"]
        states = model(**given, output_hidden_states=True, use_cache=False, logits_to_keep=1).hidden_states
        last = (torch.arange(mask.shape[1], device=mask.device) * mask.bool()).argmax(1)
        found = []
        for image in image_runs(model, ids, given[REDUCED], processor):
            row = image[0].row
            shown = states[0][row : row + 1, columns_of(image)]
            scores = self.heads.look(states[-1][row : row + 1, None], shown, last[row : row + 1, None])
            found.append(scores[0, 0].float().softmax(-1))
        return found


def trained_look(folder: Path) -> TrainedLook | None:
    """Returns the look that lies beside a model's weights; None where there is none."""
    return TrainedLook(load_heads(folder)) if (folder / LOOK_FILE).is_file() else None


def looking(method: Any, look: TrainedLook | None) -> Any:
    """Returns the method, with this look where it is a `CoarseToFine` that would look through the model untrained."""
    if look is not None and isinstance(method, CoarseToFine) and method.detector is None:
        return replace(method, detector=look)
    return method


def two_looks(detector: Any = None) -> CoarseToFine:
    """Returns the method of two looks as the built-in model is trained for them."""
    return CoarseToFine(method=Zoom(), share=SHARE, detector=detector)


def default_method(look: TrainedLook | None) -> CoarseToFine:
    """Returns the method where none is named: a coarse look at everything, and the finest cells where it points.

    Args:
        look: The model's own; None for the attention of a model that has none, which then gets half of the budget.
    """
    return CoarseToFine(method=Zoom()) if look is None else two_looks(look)
