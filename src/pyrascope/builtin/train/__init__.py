"""How the built-in model was made: reading first, then questions."""
