"""The adapter of a model's vision tower, and what it takes."""

from ..stock.protocols import Model
from . import BY_TYPE, family_of
from .parts.tower import Tower

BACKENDS = ("sdpa", "eager")
"""Attention that adds a bias."""
HALF = 0.5
"""Share of log(area) that is added where nothing else is asked for, as measured on a frozen encoder."""


def adapted_types() -> list[str]:
    """Returns the model types whose towers take plans, sorted."""
    return sorted(kind for kind, family in BY_TYPE.items() if not isinstance(family.tower, str | None))


def adapter_of(model: Model) -> Tower:
    """Returns the adapter of a model's vision tower.

    Raises:
        NotImplementedError: no adapter is known for its type, or the tower cannot take packed patches.
    """
    kind = str(model.config.model_type)
    family = family_of(kind)
    if isinstance(family.tower, str):
        raise NotImplementedError(f"{kind} at the pixels site: {family.tower}")
    if family.tower is None:
        known = ", ".join(adapted_types())
        raise NotImplementedError(
            f"plans before the tower are known for {known}, got {kind}; use a reducer or plan.crops"
        )
    others = (other for name, other in family.towers.items() if hasattr(model.base_model.vision_tower, name))
    return next(others, family.tower)


def sized_of(model: Model, sized: float | None) -> float:
    """Returns the share of log(area) for a model: what is asked for, or with None half where its tower takes it.

    A model that was trained on plans says in its configuration, as `sized`, what None means for it.

    Raises:
        NotImplementedError: a share above 0 is asked for and the tower's attention takes no bias.
    """
    family, adapter = family_of(str(model.config.model_type)), adapter_of(model)
    parts = model.base_model
    config = getattr(getattr(parts, "vision_tower", None) or getattr(parts, "vision_model", None), "config", None)
    backend = getattr(config, "_attn_implementation", None) or "eager"
    takes = family.biased and adapter is family.tower and backend.startswith(BACKENDS)
    if sized and not takes:
        raise NotImplementedError(
            f"sized must be 0 or None where the tower's attention takes no bias, got {sized} for "
            f"{model.config.model_type} with {backend} attention; towers like CLIP, SigLIP and InternVL take it, "
            "with sdpa or eager"
        )
    own = getattr(model.config, "sized", HALF) if takes else 0.0
    return float(own if sized is None else sized)
