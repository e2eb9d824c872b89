"""A model and its processor from a local folder or the hub: safetensors only, no code from outside."""

from pathlib import Path
from typing import Any

from ..._check import shorten
from .support import transformers

PACKAGES = {
    "num2words": "num2words",
    "torchvision": "torchvision, of the release that goes with the installed torch and from the same index, since the "
    "two must be a pair",
}
"""What processors of some families need besides transformers, and how it is installed."""


def load(name: str | Path) -> tuple[Any, Any]:
    """Returns the model, in float32 and in evaluation mode, and its processor.

    Args:
        name: A local folder, or a hub id such as "org/name".

    Raises:
        ImportError: transformers is missing or too old, or a package that the processor needs.
        OSError: no such folder, the hub cannot be reached, or a file is missing there.
        ValueError: the model is not of a class that takes images and text, its weights cannot be read, or there is a
            tokenizer but no processor of images.
    """
    module = transformers()
    from safetensors import SafetensorError

    local = Path(name).is_dir()
    try:
        processor = _processor(module, name, local)
        model = module.AutoModelForImageTextToText.from_pretrained(
            str(name), use_safetensors=True, dtype="float32", local_files_only=local, trust_remote_code=False
        ).eval()
        return model, processor
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        hint = (
            "give a folder that save_pretrained wrote, with config.json, model.safetensors and the processor's files"
            if local
            else "give a local folder, or a hub id while the hub can be reached"
        )
        kind = ValueError if isinstance(error, KeyError | SafetensorError) else type(error)
        raise kind(
            f"model must be a folder or hub id with safetensors and a processor, got {shorten(str(name), 200)} "
            f"({_first_sentence(error)}); {hint}"
        ) from error


def _processor(module: Any, name: str | Path, local: bool) -> Any:
    """The processor; where a package is missing for it, one sentence names the family and the package."""
    try:
        processor = module.AutoProcessor.from_pretrained(str(name), local_files_only=local, trust_remote_code=False)
    except (ImportError, RuntimeError) as error:  # the latter: a torchvision that was built for another torch
        package = next((word for word in PACKAGES if word in str(error).lower()), None)
        if package is None:
            raise
        kind = module.AutoConfig.from_pretrained(str(name), local_files_only=local).model_type
        raise ImportError(
            f"the processor of {kind} needs the package {package}, which cannot be imported here; run: "
            f"pip install {PACKAGES[package]}"
        ) from error
    if not hasattr(processor, "image_processor"):  # it falls back to the tokenizer
        raise ValueError(f"no processor of images there, but a {type(processor).__name__}")
    return processor


def _first_sentence(error: Exception) -> str:
    words = " ".join(str(error.args[0] if isinstance(error, KeyError) else error).split())
    return shorten(words.split(". ")[0].rstrip("."), 240)
