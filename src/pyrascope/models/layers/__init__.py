"""The layers site: the language model begins with all visual tokens and goes on with fewer."""

from .site import dropping

__all__ = ["dropping"]
