"""The features site: the tower sees all; the language model gets fewer features."""
