"""Flow runs: the current one, scheduled ones, lost ones."""
