"""The pixels site: the vision tower sees the patches of a plan."""

from ..._moved import names_of

__getattr__ = names_of(__name__)
