"""Plans and budgets: which boxes, for exactly how many tokens. Needs `signal`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["difficulty", "importance"])
