"""The pixels site: the vision tower sees the patches of a plan."""
