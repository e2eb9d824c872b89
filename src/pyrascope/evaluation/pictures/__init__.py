"""What a plan keeps of a picture: fidelity, density of tokens, agreement with gaze."""
