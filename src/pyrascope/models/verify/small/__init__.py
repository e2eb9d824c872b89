"""Small models of every type with random weights, and inputs for them."""
