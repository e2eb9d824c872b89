"""Partitions of an image into boxes of a pyramid: the tree of all boxes, and its best cut for a budget."""
