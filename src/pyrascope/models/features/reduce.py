"""Running a reducer, held to its budget."""

from torch import Tensor

from ..._check import shorten
from ...allocation.contracts.reducer import FeatureContext, Reducer, Reduction


def reduce(reducer: Reducer, features: Tensor, budget: int, context: FeatureContext | None = None) -> Reduction:
    """Runs the reducer on one image, with the context if it says what it needs.

    Raises:
        ValueError: it returned another number of tokens, or rows that do not rise within the image.
    """
    found = reducer(features, budget, context) if hasattr(reducer, "needs") else reducer(features, budget)
    kept = found.kept
    rising = kept.ndim == 1 and bool((kept.diff() > 0).all()) and bool(((kept >= 0) & (kept < len(features))).all())
    if not rising or len(kept) != budget or found.features.shape != (budget, features.shape[1]):
        raise ValueError(
            f"a reducer must return {budget} rising rows and their features, got {len(kept)} rows and features of "
            f"shape {tuple(found.features.shape)} from {shorten(reducer)}; this is a bug in the reducer"
        )
    return found
