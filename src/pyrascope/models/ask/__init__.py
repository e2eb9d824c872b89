"""Asking a model about an image: an answer, with what it cost and what it was shown."""
