"""Which models can be served: the version of transformers, and the class, by what its `forward` takes."""

import functools
import importlib.metadata
import inspect
from typing import Any

from .inputs import PIXELS

LOWEST = (5, 21)
"""The first version of transformers that takes features already encoded (`mm_encoder_outputs`) and passes the tests.

5.18 and later take them, but 5.18 mixes up the images of a prompt under beams, up to 5.20 SmolVLM needs equally many of
each tile. Before 5.23 a prompt with images that is read in chunks is refused.
"""


@functools.cache
def transformers() -> Any:
    """Returns the module `transformers`, imported on first use.

    Raises:
        ImportError: it is missing or too old.
    """
    try:
        version = importlib.metadata.version("transformers")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(
            "models need the package transformers, which is not installed; run: pip install 'pyrascope[vlm]'"
        ) from None
    if tuple(int(part) for part in version.split(".")[:2]) < LOWEST:
        lowest = ".".join(map(str, LOWEST))
        raise ImportError(
            f"models need transformers >= {lowest}, got {version}; run: pip install --upgrade 'pyrascope[vlm]'"
        )
    import transformers as module

    return module


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
    if kind == "hunyuan_vl":  # it numbers the images of a batch through, also in stock
        raise TypeError(f"model must compute the same for a prompt alone and in a batch, got {kind}; {supported}")
    if not takes_features(cls):
        raise TypeError(
            f"model must take encoded image features, got {cls.__name__} ({kind}), which does not; {supported}"
        )
    needed = [name for name in PIXELS if _is_needed(cls, name)]
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


def takes_features(cls: type) -> bool:
    """True if the class's own `forward` has the argument `mm_encoder_outputs`."""
    return "mm_encoder_outputs" in inspect.signature(cls.forward).parameters  # type: ignore[attr-defined]


def image_text_types() -> dict[str, str]:
    """The model types that transformers has for images and text, and the names of their classes."""
    auto = transformers().models.auto.modeling_auto
    return dict(auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES)


@functools.cache
def supported_types() -> tuple[str, ...]:
    """The model types that are tested here on the installed version, sorted."""
    from ..verify.small.tiny import RECIPES

    return tuple(sorted(RECIPES))
