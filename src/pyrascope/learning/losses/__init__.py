"""Losses: how far a prediction is from its target, as differentiable functions and modules."""
