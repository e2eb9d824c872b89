"""Checking a model type against its stock, on small random weights or on the model at hand."""
