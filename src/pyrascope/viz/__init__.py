"""Pictures of plans, importance maps and pyramids (matplotlib is imported when something is drawn)."""

from .importance_figure import importance_figure
from .methods_figure import methods_figure
from .plan_figure import plan_figure
from .pyramid_figure import pyramid_figure
from .steerable_figure import steerable_figure

__all__ = ["importance_figure", "methods_figure", "plan_figure", "pyramid_figure", "steerable_figure"]
