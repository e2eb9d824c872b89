"""The command `pyrascope`."""
