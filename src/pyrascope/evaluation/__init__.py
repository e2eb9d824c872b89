"""Measures of what a plan keeps."""
