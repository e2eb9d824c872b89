"""What a model of transformers is, takes and returns. Knows no method."""
