"""The warm worker: a Prefect worker that executes flow runs inside its own process."""
