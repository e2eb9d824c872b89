"""The few token ids that small models and their prompts agree on; their vocabulary has 100."""

IMAGE, VIDEO, PAD, START, END, BREAK, GLOBAL = 90, 91, 0, 92, 93, 94, 95
