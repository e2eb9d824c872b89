"""A state of training on disk: one safetensors file with everything that goes on, and JSON with where it is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..._files import write_whole

TENSORS, STATE = "training.safetensors", "training.json"


def optimizer_tensors(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The tensors of an optimizer's state, named by parameter number."""
    found = {}
    for i, weight in enumerate(weight for group in optimizer.param_groups for weight in group["params"]):
        for key, value in optimizer.state.get(weight, {}).items():
            found[f"{name}.{i}.{key}"] = torch.as_tensor(value).contiguous()
    return found


def save(
    folder: Path, parts: dict[str, Any], optimizers: dict[str, torch.optim.Optimizer], state: dict[str, Any]
) -> None:
    """Writes the modules `parts`, the optimizers and the JSON `state`.

    The file of tensors carries the state too, so that a stop between the two files harms nothing.
    """
    tensors = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}
    for name, optimizer in optimizers.items():
        tensors |= optimizer_tensors(name, optimizer)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(state)
    with write_whole(folder / TENSORS) as part:
        save_file({name: value.contiguous().clone() for name, value in tensors.items()}, part, {"state": text})
    with write_whole(folder / STATE) as part:
        part.write_text(text + "\n", encoding="utf-8")


def load(
    folder: Path, parts: dict[str, Any], optimizers: dict[str, torch.optim.Optimizer] | None = None
) -> dict[str, Any]:
    """Restores what `save` wrote and returns its state.

    Raises:
        FileNotFoundError: there is no checkpoint in `folder`.
        ValueError: it is of another version or of other options.
    """
    from safetensors import safe_open

    path = folder / TENSORS
    if not path.is_file():
        raise FileNotFoundError(f"training must be resumed from a checkpoint, found none in {folder}; start without")
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        state: dict[str, Any] = json.loads(file.metadata()["state"])
    for name, part in parts.items():
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        fill(part, own, path)
    for name, optimizer in (optimizers or {}).items():
        for i, weight in enumerate(weight for group in optimizer.param_groups for weight in group["params"]):
            start = f"{name}.{i}."
            own = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
            if own:
                optimizer.state[weight] = own
    return state


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Gives a module the tensors that were read from a file.

    Raises:
        ValueError: they are those of another version or of other options.
    """
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        found = " ".join(str(error).split())
        raise ValueError(
            f"weights must be of this version and these options, got others in {path} ({found}); train anew, or load "
            "them as they were written"
        ) from error
