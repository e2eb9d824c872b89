"""The drawn world: scenes of coloured things, and the words in which they are asked about. Needs NumPy and Pillow."""
