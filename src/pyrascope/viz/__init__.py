"""Pictures of plans and pyramids (matplotlib is imported when something is drawn)."""

from .plan_figure import plan_figure
from .pyramid_figure import pyramid_figure
from .steerable_figure import steerable_figure

__all__ = ["plan_figure", "pyramid_figure", "steerable_figure"]
