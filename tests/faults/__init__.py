"""The promise, tried: real processes, real kills, and a ledger of what became of every event."""
