"""What families are built from: towers, tiles, layouts, canvases."""
