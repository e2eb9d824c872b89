"""The folder of the built-in model's weights."""

from pathlib import Path

BUILTIN = Path(__file__).parent / "weights"
"""Where the model that comes with the package lies, where there is one."""


def default_model() -> Path:
    """Returns the folder of the built-in model.

    Raises:
        FileNotFoundError: its weights are not there.
    """
    return with_weights(BUILTIN)


def with_weights(folder: Path) -> Path:
    """Returns a folder that holds the built-in model, or one that was trained like it.

    Raises:
        FileNotFoundError: no weights are there.
    """
    if not (folder / "model.safetensors").is_file():
        raise FileNotFoundError(
            f"the built-in model's weights must be in {folder}, found none; reinstall, name another model (--model) "
            "or make them: pyrascope train"
        )
    return folder
