"""Tokens: boxes to patches, and patches back to an image. Needs `allocation` and `signal`."""
