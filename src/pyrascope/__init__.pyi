"""Names of the package, and where each is; `__init__.py` imports a module when one of its names is first used."""

from . import builtin, methods, viz
from .allocation import difficulty, importance
from .allocation.budgets.budget import allocate
from .allocation.budgets.gate import EntropyGate
from .allocation.contracts.allocator import Allocator, Context, Scene
from .allocation.export.crops import Crop
from .allocation.plan import Plan
from .api import cut, gather, importance_map, plan, render
from .learning.losses.laplacian import LaplacianLoss
from .learning.nn.attention import CrossScaleAttention
from .methods import droppers, reducers
from .methods.composed import compose
from .models import attach, prepare, probe, verify
from .signal.filters import expand, reduce
from .signal.gaussian import gaussian_pyramid
from .signal.laplacian import laplacian_pyramid, laplacian_reconstruct
from .signal.mipmap import mipmap
from .signal.steerable import SteerablePyramid, steerable_pyramid, steerable_reconstruct
from .signal.steering import steer
from .signal.texture import TextureStack

__version__: str

__all__ = [
    "Allocator",
    "Context",
    "Crop",
    "CrossScaleAttention",
    "EntropyGate",
    "LaplacianLoss",
    "Plan",
    "Scene",
    "SteerablePyramid",
    "TextureStack",
    "allocate",
    "attach",
    "builtin",
    "compose",
    "cut",
    "difficulty",
    "droppers",
    "expand",
    "gather",
    "gaussian_pyramid",
    "importance",
    "importance_map",
    "laplacian_pyramid",
    "laplacian_reconstruct",
    "methods",
    "mipmap",
    "plan",
    "prepare",
    "probe",
    "reduce",
    "reducers",
    "render",
    "steer",
    "steerable_pyramid",
    "steerable_reconstruct",
    "verify",
    "viz",
]
