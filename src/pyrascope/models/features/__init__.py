"""The features site: the tower sees all; the language model gets fewer features."""

from ..._moved import names_of

__getattr__ = names_of(__name__)
