"""Budgets in whole numbers: shares of a total, gates, costs, and choices of the B best."""
