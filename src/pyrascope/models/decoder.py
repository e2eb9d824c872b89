"""The language model inside a model: its layers, and what they must have to be listened to or fed fewer tokens."""

from typing import Any

from torch.nn import Module


def layers_of(model: Any) -> list[Any]:
    """Returns the decoder layers of a model's language model, each with its `self_attn` and norm.

    Raises:
        NotImplementedError: layers of another build.
    """
    base = model.base_model
    text = next((part for name in ("language_model", "text_model") if (part := getattr(base, name, None))), None)
    layers = getattr(text, "layers", None)
    if layers is None:
        raise NotImplementedError(
            f"the language model must be a stack `layers`, got another build in {type(model).__name__}"
        )
    lacking = [type(one).__name__ for one in layers if not isinstance(getattr(one, "self_attn", None), Module)]
    if lacking:
        raise NotImplementedError(f"every layer must have `self_attn`, got {lacking[0]} without")
    return list(layers)


def backend_of(model: Any) -> str:
    """Returns the name of the attention backend of the language model."""
    return str(layers_of(model)[0].self_attn.config._attn_implementation)
