"""Lets torchvision of a CUDA build be imported beside a CPU build of torch, in every process that starts with it.

Python runs this file, copied to the folder of torchvision, before all else where that folder is on the path. Operators
are declared here, because the compiled ones cannot be loaded. No model that is tested calls one.
"""

import importlib.metadata

import torch

NAMES = ("nms", "qnms", "roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool", "deform_conv2d", "qroi_align")


def declare() -> torch.library.Library | None:
    """Declares the operators, unless the torchvision at hand brings them."""
    files = importlib.metadata.files("torchvision") or ()
    if torch.version.cuda or not any("cudart" in file.name for file in files):
        return None
    library = torch.library.Library("torchvision", "DEF")
    for name in NAMES:
        for operator in (name, f"_{name}_backward"):
            library.define(f"{operator}(Tensor x) -> Tensor")
    return library


LIBRARY = declare()  # kept: the operators end with it
