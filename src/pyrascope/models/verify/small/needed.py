"""Packages that some model types need besides transformers."""

import importlib

from ...families import family_of


def check_packages(kind: str) -> None:
    """Refuses a model type whose package cannot be imported.

    Raises:
        ImportError: it is missing, or does not go with the installed torch.
    """
    package = family_of(kind).needs
    if not package:
        return
    try:
        importlib.import_module(package)
    except (ImportError, RuntimeError) as error:  # the latter: torchvision, on which timm builds, of another torch
        raise ImportError(
            f"{kind} needs the package {package}, which cannot be imported here ({error}); run: pip install {package}"
        ) from error
