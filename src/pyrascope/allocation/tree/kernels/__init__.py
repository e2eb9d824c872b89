"""The planner's own loops, compiled for the CPU by Numba; `allocation.compiled` is their only caller."""
