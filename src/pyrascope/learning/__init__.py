"""What training needs: losses over pyramids. Needs `signal` only."""
