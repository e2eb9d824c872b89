"""A model that can be served, with its processor and what is known of its family: checked once, at the door."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .families import FAMILIES, Family, family_of
from .families.adapter import adapter_of
from .families.parts.layout import TokenLayout
from .families.parts.small import Recipe
from .families.parts.tower import Tower
from .stock.inputs import PIXEL_INPUTS, check_processor
from .stock.placeholders import Run, placeholder_runs
from .stock.protocols import Model, Processor
from .stock.support import takes_features, transformers


@dataclass(frozen=True)
class Host:
    """A checked model, with its processor where one was given."""

    model: Model
    processor: Processor | None = None

    @classmethod
    def of(cls, model: Any, processor: Any = None, *, called: bool = False) -> "Host":
        """Checks a model and a processor as a user gives them.

        Args:
            model: A model of transformers, bare or inside a PEFT adapter or `torch.compile`.
            processor: Its processor, or None where it can be done without.
            called: True where the processor will be called.

        Raises:
            ImportError: transformers is missing or too old.
            TypeError: the model cannot be served, or `processor` is not a processor.
            ValueError: the processor has another image token than the model.
        """
        inner = check_model(model)
        check_processor(inner, processor, called=called)
        return cls(inner, processor)

    @property
    def family(self) -> Family:
        """What is known of its type."""
        return family_of(str(self.model.config.model_type))

    @property
    def adapter(self) -> Tower:
        """The adapter of its vision tower; NotImplementedError where plans cannot be served."""
        return adapter_of(self.model)

    @property
    def image_token(self) -> int:
        """The id of its image placeholder."""
        return int(self.model.config.image_token_id)

    def runs(self, ids: Tensor) -> list[Run]:
        """Returns the runs of image placeholders in prompts (b, s)."""
        return placeholder_runs(ids, self.image_token)

    def images(self, ids: Tensor, items: Sequence[int]) -> list[list[Run]]:
        """Returns the placeholders of each image in prompts (b, s), where the tower returned items of so many rows."""
        return self.family.arrangement.images(self.runs(ids), items, ids, self.processor)

    def layouts(self, inputs: Mapping[str, Any], groups: Sequence[Sequence[Run]]) -> list[TokenLayout]:
        """Returns where the visual tokens of each image come from, as far as it is known of the family."""
        return self.family.arrangement.layouts(self.model, inputs, groups, self.processor)


def check_model(model: Any) -> Model:
    """Returns the model of transformers that is meant, or refuses what cannot take encoded features.

    That is `model` itself, or the one inside a PEFT adapter that adds to its layers (LoRA and the like), or inside what
    `torch.compile` returned.

    Raises:
        ImportError: transformers is missing or too old.
        TypeError: `model` is not a model of transformers, its `forward` lacks `mm_encoder_outputs`, or an adapter in it
            writes into the prompt.
    """
    module = transformers()
    model = _inside(model)
    supported = f"the model types that do are {', '.join(supported_types())}"
    if not isinstance(model, module.PreTrainedModel):
        name = type(model).__name__
        raise TypeError(f"model must be a transformers model, unwrapped, got {name}; {supported}")
    name, kind = type(model).__name__, model.config.model_type
    check_class(type(model), kind)
    tower, token = getattr(model.base_model, "get_image_features", None), getattr(model.config, "image_token_id", None)
    if tower is None or token is None:
        raise TypeError(f"model must take encoded image features, got {name} ({kind}), which does not; {supported}")
    checked: Model = model
    return checked


def check_class(cls: type, kind: str) -> None:
    """Refuses a class whose `forward` does not take encoded features in place of pixels.

    Raises:
        TypeError: as it says.
    """
    supported = f"the model types that do are {', '.join(supported_types())}"
    if refused := family_of(kind).refused:
        raise TypeError(f"model must {refused}, got {kind}; {supported}")
    if not takes_features(cls):
        raise TypeError(
            f"model must take encoded image features, got {cls.__name__} ({kind}), which does not; {supported}"
        )
    needed = [name for name in PIXEL_INPUTS if _is_needed(cls, name)]
    if needed:
        raise TypeError(
            f"model must run without {needed[0]} once they are encoded, got {cls.__name__} ({kind}), which does not; "
            f"{supported}"
        )


def _is_needed(cls: Any, argument: str) -> bool:
    parameter = inspect.signature(cls.forward).parameters.get(argument)
    return parameter is not None and parameter.default is inspect.Parameter.empty


def _inside(model: Any) -> Any:
    """What PEFT and `torch.compile` have wrapped."""
    model = getattr(model, "_orig_mod", model)
    if not hasattr(model, "get_base_model"):
        return model
    if any(getattr(config, "is_prompt_learning", False) for config in model.peft_config.values()):
        raise TypeError(
            "model must have an adapter in its layers, such as LoRA, got one that writes into the prompt; "
            "pass model.get_base_model()"
        )
    return model.get_base_model()


def supported_types() -> list[str]:
    """Returns the model types on which all tests run, sorted."""
    return sorted(kind for family in FAMILIES for kind, small in family.small.items() if isinstance(small, Recipe))
