"""Where the model looks: attention read from its own layers."""
