"""Pictures of plans and pyramids (matplotlib is imported when something is drawn)."""
