"""The simulator's control API, /_sim: faults, conversations and counters."""
