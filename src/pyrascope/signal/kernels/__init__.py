"""The five-tap filters compiled for the CPU: reduce, expand, Laplacian bands, and the exact adjoints of all.

Only `backend` imports what is in here, and only when it is first needed: Numba takes a while to import.
"""
