"""The warm worker and the recovery of its runs."""
