"""The flows: each a file of wiring; what they do is in tasks."""

import tasks  # noqa: F401  # before Prefect: its telemetry is off
