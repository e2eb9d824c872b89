"""Layers of networks that see tokens of several levels."""
