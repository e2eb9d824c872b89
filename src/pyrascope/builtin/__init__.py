"""The built-in model and its world: a small LLaVA that answers questions about drawn scenes, and how it is made."""
