"""The names of the states in which a lost run is scheduled again: the flow counts them at its start."""

from __future__ import annotations

WORKER_LOST = "WorkerLost"
"""State name: the run was Running, and its heartbeats ceased."""

STUCK_PENDING = "StuckPending"
"""State name: a worker claimed the run and never began it."""

RUN_CRASHED = "RunCrashed"
"""State name: the run's process ended without a result."""

LOSSES = frozenset({WORKER_LOST, STUCK_PENDING, RUN_CRASHED})
