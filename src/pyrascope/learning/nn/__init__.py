"""Networks on pyramids."""
