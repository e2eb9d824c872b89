"""Partitions of an image into boxes of a pyramid: the tree of all boxes, and its best cut for a budget."""

from ..._moved import names_of

__getattr__ = names_of(__name__)
