"""Checking a model type against its stock, on small random weights or on the model at hand."""

from ..._moved import names_of

__getattr__ = names_of(__name__)
