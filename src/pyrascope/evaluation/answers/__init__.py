"""Answers of a model at a budget: who is asked, what counts as right, and how sure the difference is."""
