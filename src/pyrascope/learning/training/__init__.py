"""What every training needs: states on disk, an optimizer, precision."""
