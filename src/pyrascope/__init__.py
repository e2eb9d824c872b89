"""Look at images through pyramids: coarse everywhere, fine where it matters, for exactly B visual tokens.

The public names and their modules stand in `__init__.pyi`. A module is imported when one of its names is first used, so
that `import pyrascope` is cheap.
"""

import lazy_loader

from . import _moved

__version__ = "0.1.0"

_moved.install()
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
