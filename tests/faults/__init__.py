"""Fault injection on real processes: every published event must end as one true row, or in quarantine."""
