"""The built-in model: a small LLaVA that answers questions about drawn scenes, and how it is made."""

from .asking import ask

__all__ = ["ask"]
