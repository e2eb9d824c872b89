"""The command `pyrascope`."""

from .main import main

__all__ = ["main"]
