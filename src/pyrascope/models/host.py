"""Which models can be served: by their class, by what its `forward` takes, and by what is known of their type."""

import inspect
from typing import Any

from .families import FAMILIES, family_of
from .families.parts.small import Recipe
from .stock.inputs import PIXEL_INPUTS
from .stock.support import takes_features, transformers


def check_model(model: Any) -> Any:
    """Returns the model of transformers that is meant, or refuses what cannot take encoded features.

    That is `model` itself, or the one inside a PEFT adapter that adds to its layers (LoRA and the like), or inside what
    `torch.compile` returned.

    Raises:
        ImportError: as `transformers`.
        TypeError: `model` is no model of transformers, or one whose `forward` lacks `mm_encoder_outputs`; or an adapter
            that writes into the prompt.
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
    return model


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
