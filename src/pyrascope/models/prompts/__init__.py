"""Prompts: where images stand in them, and what changes when they get fewer tokens."""
