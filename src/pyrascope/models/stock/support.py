"""The package transformers: which version, and what its classes take."""

import functools
import importlib.metadata
import inspect
from typing import Any

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


def takes_features(cls: type) -> bool:
    """True if the class's own `forward` has the argument `mm_encoder_outputs`."""
    return "mm_encoder_outputs" in inspect.signature(cls.forward).parameters  # type: ignore[attr-defined]


def image_text_types() -> dict[str, str]:
    """The model types that transformers has for images and text, and the names of their classes."""
    auto = transformers().models.auto.modeling_auto
    return dict(auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES)
