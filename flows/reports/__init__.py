"""Artifacts, final states and Prefect events of the runs."""
