"""Plans made of grids: levels, tiers of resolution, regions."""
