"""Replay, reconcile and erase: requests, intervals and comparisons."""
