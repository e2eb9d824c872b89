"""Methods that decide where visual tokens go: one idea or paper a file."""
