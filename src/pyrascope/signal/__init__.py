"""Pyramids and resampling: what could be looked at. Needs nothing else of the package."""
