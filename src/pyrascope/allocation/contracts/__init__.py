"""What the three sites ask of a method: allocators, reducers, droppers, and what these are given."""
