"""What the flows run on: pools, queues, limits, automations, the worker and the sandbox."""

import tasks  # noqa: F401  # before Prefect: its telemetry is off
