"""Patches for pinned versions of third-party servers, applied in the sandbox's own processes only."""
