"""Packages that some model types need besides transformers."""

import importlib

PACKAGES = {"fast_vlm": "timm", "gemma3n": "timm", "perception_lm": "timm"}
"""By model type: those whose towers are convolutions or transformers of timm."""


def check_packages(kind: str) -> None:
    """Refuses a model type whose package cannot be imported.

    Raises:
        ImportError: it is missing, or does not go with the installed torch.
    """
    package = PACKAGES.get(kind)
    if package is None:
        return
    try:
        importlib.import_module(package)
    except (ImportError, RuntimeError) as error:  # the latter: torchvision, on which timm builds, of another torch
        raise ImportError(
            f"{kind} needs the package {package}, which cannot be imported here ({error}); run: pip install {package}"
        ) from error
