"""Plans and budgets: which boxes, for exactly how many tokens. Needs `signal`."""
