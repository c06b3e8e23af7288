"""The steps of the pipeline: Prefect tasks on top, and below them domain code that knows no Prefect."""

import os

# Prefect's client reports its use to a host of its maker's, at its import and after the first flow run. Every command
# imports this package before Prefect, and every worker before its first flow run.
os.environ.setdefault("DO_NOT_TRACK", "1")
