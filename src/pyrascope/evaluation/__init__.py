"""What plans keep, of pictures and of answers."""
