"""Look at images through pyramids: coarse everywhere, fine where it matters, for exactly B visual tokens."""

__version__ = "0.1.0"
