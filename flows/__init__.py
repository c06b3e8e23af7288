"""The flows: each a file of wiring; what they do is in tasks."""
