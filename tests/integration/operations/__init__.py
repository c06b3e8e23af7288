"""Replay, reconcile, erase and inspect on a running sandbox."""
